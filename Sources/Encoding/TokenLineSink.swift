import Failures
import JSON
import Models
import Streams
import Tokenizers

/// Tokens as text, a line a record.
package struct TokenLineSink: TokenSink {
  /// What a line holds.
  package enum Form: Sendable {
    /// A JSON object whose keys are transformers' names.
    case json
    /// The id, a tab, and the tokens' texts with a space between them.
    case texts(Tokenizer)
  }

  private let output: ByteWriter
  private let form: Form
  private let provenance: String?
  private let shard: String?
  private var records = 0

  /// - Parameters:
  ///   - output: Where the lines go.
  ///   - form: What a line holds.
  ///   - provenance: JSON of what made them; nil for none.
  ///   - shard: The part of the input that they are, `i/n`; nil for all of it.
  package init(_ output: ByteWriter, _ form: Form, provenance: String?, shard: String? = nil) {
    self.output = output
    self.form = form
    self.provenance = provenance
    self.shard = shard
  }

  package mutating func append(ids: [[UInt8]], _ tokens: TokenWindow) throws(Failure) {
    for (i, id) in ids.enumerated() {
      switch form {
      case .json: try output.write(Self.object(id, tokens, tokens.range(i)))
      case .texts(let tokenizer):
        try output.write(Self.texts(id, tokens.ids[tokens.range(i)], tokenizer))
      }
      records += 1
    }
  }

  private static func texts(
    _ id: [UInt8], _ tokens: ArraySlice<Int32>, _ tokenizer: Tokenizer
  ) -> [UInt8] {
    var line = id + [0x09]
    for (j, token) in tokens.enumerated() {
      if j > 0 { line.append(0x20) }
      line += tokenizer.bytes(of: token) ?? Array("#\(token)".utf8)
    }
    return line + [0x0A]
  }

  private static func object(
    _ id: [UInt8], _ tokens: TokenWindow, _ range: Range<Int>
  ) -> [UInt8] {
    var line = "{\"id\":"
    JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
    line += ",\"input_ids\":[" + tokens.ids[range].map(\.description).joined(separator: ",")
    line += "],\"token_type_ids\":["
    line += tokens.typeIDs[range].map(\.description).joined(separator: ",")
    line += "],\"attention_mask\":["
    line += tokens.attended[range].map(\.description).joined(separator: ",") + "]}\n"
    return Array(line.utf8)
  }

  package mutating func flush() throws(Failure) { try output.flush() }

  package mutating func finish() throws(Failure) {
    try output.finishText(records: records, provenance: provenance, shard: shard)
  }
}
