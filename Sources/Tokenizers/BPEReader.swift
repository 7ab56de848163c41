import Failures
import JSON

/// Reads the merges of a BPE model from tokenizer.json, in both spellings: `"a b"` and `["a","b"]`.
struct BPEReader {
  private let path: String
  /// The parts of all merges, end to end.
  private var bytes: [UInt8] = []
  /// Where each part ends.
  private var ends: [Int] = []

  init(path: String) { self.path = path }

  /// Reads the array of merges that starts here.
  mutating func read(_ parser: inout JSONParser) throws(Failure) {
    let path = path
    let wrap = { (error: JSONError) in Failure.data(path, error.description) }
    try parser.array(
      { (parser: inout JSONParser) throws(Failure) in
        let before = ends.count
        if parser.isAtArray() {
          try parser.array(
            { (parser: inout JSONParser) throws(Failure) in try addPart(&parser) }, wrap: wrap)
        } else {
          try addPart(&parser)
          splitLast()
        }
        guard ends.count == before + 2 else {
          throw .data(
            "\(path): byte \(parser.position)",
            "expected a merge of two tokens, found \(ends.count - before)")
        }
      }, wrap: wrap)
  }

  /// Reads the lines of `merges.txt`.
  ///
  /// The first says the version, each of the others is a merge. What stands behind the last end of a line
  /// does not count, and of equal merges the first does.
  ///
  /// Source: `RobertaTokenizer` in `models/roberta/tokenization_roberta.py` of transformers 4.57.
  ///
  /// - Throws: 65 for a line that is not two tokens.
  mutating func read(lines text: [UInt8]) throws(Failure) {
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    var seen: Set<[ArraySlice<UInt8>]> = []
    for (number, line) in lines.enumerated().dropFirst().dropLast() {
      let parts = line.split { $0 == 0x20 || (0x09...0x0D).contains($0) }
      guard parts.count == 2 else {
        throw .data(
          "\(path):\(number + 1)", "expected a merge of two tokens, found \(parts.count)")
      }
      guard seen.insert(parts).inserted else { continue }
      for part in parts {
        bytes += part
        ends.append(bytes.count)
      }
    }
  }

  private mutating func addPart(_ parser: inout JSONParser) throws(Failure) {
    do throws(JSONError) {
      var scratch: [UInt8] = []
      if let range = try parser.string(into: &scratch) {
        bytes.append(contentsOf: parser.slice(range))
      } else {
        bytes.append(contentsOf: scratch)
      }
    } catch { throw .data(path, error.description) }
    ends.append(bytes.count)
  }

  /// Cuts the last part at its spaces.
  private mutating func splitLast() {
    let end = ends.removeLast()
    let start = ends.last ?? 0
    var kept = start
    for i in start..<end {
      if bytes[i] == 0x20 {
        ends.append(kept)
      } else {
        bytes[kept] = bytes[i]
        kept += 1
      }
    }
    ends.append(kept)
    bytes.removeLast(end - kept)
  }

  /// The model, once all is read.
  ///
  /// - Throws: 65 for merges of tokens that are not in the vocabulary, 78 for dropout.
  func finish(_ fields: [String: JSON], _ vocabulary: Vocabulary) throws(Failure) -> BPE {
    let reader = ComponentReader(path: path)
    if let dropout = fields["dropout"], !dropout.isNull, dropout.double != 0 {
      throw .config(
        path, "model.dropout is not supported: it makes tokens random",
        hint: "set it to null, as is right for anything but training")
    }
    func bool(_ name: String) throws(Failure) -> Bool {
      guard let value = fields[name], !value.isNull else { return false }
      return try reader.bool(value, "model.\(name)")
    }
    func string(_ name: String) throws(Failure) -> String? {
      guard let value = fields[name], !value.isNull else { return nil }
      return try reader.string(value, "model.\(name)")
    }
    /// What is put before or behind every character.
    func affix(_ name: String) throws(Failure) -> [UInt8] {
      let bytes = Array((try string(name) ?? "").utf8)
      guard bytes.count <= 256 else {
        throw .config(
          path, "model.\(name): expected at most 256 bytes, found \(bytes.count)")
      }
      return bytes
    }
    let prefix = try affix("continuing_subword_prefix")
    return BPE(
      vocabulary: vocabulary, merges: try table(vocabulary, prefix.count),
      settings: BPE.Settings(
        unknownToken: try string("unk_token"), continuationPrefix: prefix,
        wordSuffix: try affix("end_of_word_suffix"),
        fusesUnknown: try bool("fuse_unk"), byteFallback: try bool("byte_fallback"),
        ignoresMerges: try bool("ignore_merges")))
  }

  private func table(_ vocabulary: Vocabulary, _ prefix: Int) throws(Failure) -> MergeTable {
    var table = MergeTable(expected: ends.count / 2)
    func id(_ token: ArraySlice<UInt8>) throws(Failure) -> Int32 {
      guard let id = token.withUnsafeBytes({ vocabulary.id(of: $0) }) else {
        throw .data(
          path,
          "expected the token \"\(String(decoding: token, as: UTF8.self))\" of model.merges in "
            + "model.vocab")
      }
      return id
    }
    for rank in 0..<ends.count / 2 {
      let start = rank == 0 ? 0 : ends[2 * rank - 1]
      let (middle, end) = (ends[2 * rank], ends[2 * rank + 1])
      let left = bytes[start..<middle]
      let right = bytes[middle..<end]
      guard right.count >= prefix else {
        throw .data(path, "expected model.merges[\(rank)] to continue with the prefix")
      }
      table.insert(
        try id(left), try id(right), rank: rank,
        id: try id((left + right.dropFirst(prefix))[...]))
    }
    return table
  }
}
