import Failures
import JSON
import Streams
import Tokenizers
import Vectors

/// Embeddings as text, a JSON object a record.
package struct EmbeddingLineSink: EmbeddingSink {
  private let output: ByteWriter
  private let shaper: EmbeddingShaper
  private let tokenizer: Tokenizer
  private let provenance: String?
  private let shard: String?
  private var records = 0

  /// - Parameters:
  ///   - output: Where the lines go.
  ///   - shaper: What becomes of the embeddings.
  ///   - tokenizer: Knows the tokens' texts.
  ///   - provenance: JSON of what made them; nil for none.
  ///   - shard: The part of the input that they are, `i/n`; nil for all of it.
  package init(
    _ output: ByteWriter, _ shaper: EmbeddingShaper, _ tokenizer: Tokenizer, provenance: String?,
    shard: String? = nil
  ) {
    self.output = output
    self.shaper = shaper
    self.tokenizer = tokenizer
    self.provenance = provenance
    self.shard = shard
  }

  package mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
    for (i, id) in ids.enumerated() {
      var line = "{\"id\":"
      JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
      switch embeddings {
      case .dense(let values, let width):
        let row = try shaper.row(values[i * width..<(i + 1) * width], id: id)
        line += ",\"vector\":" + Self.list(row)
      case .sparse(let vectors):
        line += ",\"vector\":" + terms(try shaper.terms(vectors[i], id: id))
      case .vectors(let sets, let shape): line += try members(sets[i], shape, id)
      case .texts: preconditionFailure("a model gives no texts")
      }
      try output.write(line + "}\n")
      records += 1
    }
  }

  private func members(
    _ set: VectorSet, _ shape: VectorShape, _ id: [UInt8]
  ) throws(Failure) -> String {
    var members = ""
    if shape.cls != nil {
      try EmbeddingShaper.checkFinite(set.cls, id: id)
      members += ",\"cls\":" + Self.list(set.cls)
    }
    let rows = try shaper.rows(set.values, width: shape.width, id: id)
    members += ",\"vectors\":[" + rows.map(Self.list).joined(separator: ",") + "]"
    if shape.hasTokens { members += ",\"tokens\":" + tokens(set.ids) }
    return members
  }

  private static func list(_ values: [Float]) -> String {
    "[" + values.map(\.description).joined(separator: ",") + "]"
  }

  private func terms(_ vector: SparseVector) -> String {
    var text = "{"
    for (j, (index, value)) in zip(vector.indices, vector.values).enumerated() {
      if j > 0 { text += "," }
      JSON.quote(tokenizer.token(of: index) ?? "#\(index)", to: &text)
      text += ":\(value)"
    }
    return text + "}"
  }

  private func tokens(_ ids: [Int32]) -> String {
    var text = "["
    for (j, id) in ids.enumerated() {
      if j > 0 { text += "," }
      JSON.quote(tokenizer.token(of: id) ?? "#\(id)", to: &text)
    }
    return text + "]"
  }

  package mutating func flush() throws(Failure) { try output.flush() }

  package mutating func finish() throws(Failure) {
    try output.finishText(records: records, provenance: provenance, shard: shard)
  }
}
