import Failures
import Models
import Records
import TestSupport
import Tokenizers
import Workers

/// BERT's tokenizer with a vocabulary that tests can count on their fingers.
enum TinyTokenizer {
  /// The id of a token is its place.
  static let vocabulary = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "c", "the", "t\tt",
  ]
  static let (unk, cls, sep): (Int32, Int32, Int32) = (1, 2, 3)

  static func load(
    _ folder: TemporaryFolder, _ name: String = "tokenizer", adding more: [String] = []
  ) throws -> Tokenizer {
    try folder.write("\(name)/vocab.txt", (vocabulary + more).joined(separator: "\n") + "\n")
    try folder.write("\(name)/tokenizer_config.json", #"{"tokenizer_class":"BertTokenizer"}"#)
    return try Tokenizer.load(folder: folder(name))
  }
}

/// The status and the message of what a body throws.
func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch { return error as? Failure }
}

/// The only block of a file of records.
func batch(
  _ lines: String, _ folder: TemporaryFolder, _ content: RecordContent = .texts,
  onError: RecordErrorPolicy = .fail
) throws -> RecordBatch {
  try folder.write("records.tsv", lines)
  let reader = try TextRecordReader(
    [folder("records.tsv")],
    options: RecordOptions(format: .tsv, content: content, onError: onError))
  guard let batch = try reader.next() else { throw Failure(.data, "no records") }
  return batch
}

extension TokenWindow {
  /// Texts that are given by their tokens.
  init(_ texts: [[Int32]]) {
    self.init()
    for text in texts {
      ids += text
      typeIDs += repeatElement(0, count: text.count)
      attended += repeatElement(1, count: text.count)
      offsets.append(ids.count)
    }
  }

  /// The tokens of each text.
  var texts: [[Int32]] { (0..<count).map { Array(ids[range($0)]) } }
}
