import Failures
import JSON
import Tensors
import Tokenizers

/// Turns token streams back into text records, special tokens left out: `lir-tokenize --decode`.
package struct TokenDecoder {
  /// The form of the records.
  package enum Form: Sendable { case tsv, jsonl }

  private let tokenizer: Tokenizer
  private let digest: String
  private let form: Form

  /// - Parameters:
  ///   - tokenizer: What made the tokens.
  ///   - form: The form of the records.
  /// - Throws: 66 or 74 where the tokenizer's files cannot be read again.
  package init(_ tokenizer: Tokenizer, _ form: Form) throws(Failure) {
    self.tokenizer = tokenizer
    self.form = form
    digest = try TokenizerDigest.of(tokenizer)
  }

  /// Refuses what the tokenizer has not made.
  ///
  /// - Parameters:
  ///   - segment: A part of a stream.
  ///   - operand: The name of the stream, for messages.
  /// - Throws: 78 where it holds no tokens, or those of another tokenizer.
  package func check(_ segment: TensorSegment, _ operand: String) throws(Failure) {
    guard segment.schema.kind == .tokens else {
      throw .config(
        operand, "expected a token stream, found kind \(segment.schema.kind.rawValue)")
    }
    if let found = segment.description.tokenizer, found != digest {
      throw .config(operand, "the tokens were made by another tokenizer")
    }
  }

  /// A record of a segment as a line.
  ///
  /// - Parameters:
  ///   - segment: Where it is.
  ///   - index: Its place there.
  ///   - operand: The name of the stream, for messages.
  /// - Returns: The line with its end.
  /// - Throws: 65 for a token that there is not, and for a text that TSV cannot hold.
  package func line(
    _ segment: TensorSegment, _ index: Int, _ operand: String
  ) throws(Failure) -> [UInt8] {
    let id = segment.id(index)
    let ids = segment.values(index, column: 0, as: Int32.self)
    func place() -> String { "\(operand): record \(segment.first + index)" }
    if let unknown = ids.first(where: { tokenizer.bytes(of: $0) == nil }) {
      throw .data(place(), "the tokenizer has no token \(unknown)")
    }
    let text: String
    do throws(Failure) {
      text = try tokenizer.decode(ids, skipSpecialTokens: true)
    } catch { throw error.at(place()) }
    if form == .jsonl {
      var line = "{\"id\":"
      JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
      line += ",\"text\":"
      JSON.quote(text, to: &line)
      return Array((line + "}\n").utf8)
    }
    let bytes = Array(text.utf8)
    if bytes.contains(0x09) || bytes.contains(0x0A) {
      throw .data(
        place(), "the text has a tab or a line break, which TSV cannot hold",
        hint: "use --format jsonl")
    }
    return id + [0x09] + bytes + [0x0A]
  }
}
