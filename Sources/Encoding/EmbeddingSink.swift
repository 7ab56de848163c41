import Failures
import Streams
import Tensors
import Vectors

/// Where an encoder's embeddings go.
package protocol EmbeddingSink {
  /// Appends a block of records.
  ///
  /// - Throws: 65 for a number that is not finite; 74 where it cannot be written.
  mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure)
  /// Hands on what was appended so far.
  mutating func flush() throws(Failure)
  /// Ends the output, which appears in its place.
  mutating func finish() throws(Failure)
}

/// Embeddings as a tensor stream.
package struct EmbeddingStreamSink: EmbeddingSink {
  private let output: ByteWriter
  private let writer: TensorStreamWriter
  private let shaper: EmbeddingShaper

  /// - Parameters:
  ///   - output: Where the stream goes.
  ///   - shaper: What becomes of the embeddings.
  ///   - description: What the stream says of its records; the width is put in.
  ///   - done: What an earlier run has written of it; nil where it is new.
  package init(
    _ output: ByteWriter, _ shaper: EmbeddingShaper, _ description: StreamDescription,
    after done: FinishedSegments? = nil
  ) {
    self.output = output
    self.shaper = shaper
    var description = description
    description.dim = shaper.dimension
    writer = .resuming(output, schema: shaper.schema, description: description, after: done)
  }

  package mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
    switch embeddings {
    case .dense(let values, let width):
      for (i, id) in ids.enumerated() {
        let row = try shaper.row(values[i * width..<(i + 1) * width], id: id)
        try writer.append(id: id, items: 1, shaper.columns([row]))
      }
    case .sparse(let vectors):
      for (id, vector) in zip(ids, vectors) {
        let vector = try shaper.terms(vector, id: id)
        try writer.append(
          id: id, items: vector.indices.count,
          [
            vector.indices.withUnsafeBytes { Array($0) },
            vector.values.withUnsafeBytes { Array($0) },
          ])
      }
    case .vectors(let sets, let shape):
      for (id, set) in zip(ids, sets) { try append(id, set, shape) }
    case .texts: preconditionFailure("a model gives no texts")
    }
  }

  private func append(_ id: [UInt8], _ set: VectorSet, _ shape: VectorShape) throws(Failure) {
    let rows = try shaper.rows(set.values, width: shape.width, id: id)
    var columns = shaper.columns(rows)
    if shape.hasTokens { columns.append(set.ids.withUnsafeBytes { Array($0) }) }
    if shape.cls != nil {
      try EmbeddingShaper.checkFinite(set.cls, id: id)
      columns.insert(set.cls.withUnsafeBytes { Array($0) }, at: 0)
    }
    try writer.append(id: id, items: rows.count, columns)
  }

  package mutating func flush() throws(Failure) { try output.flush() }
  package mutating func finish() throws(Failure) { try writer.finish() }
}
