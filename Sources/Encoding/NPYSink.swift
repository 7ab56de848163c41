import Failures
import Streams
import Tensors
import Vectors

/// Embeddings as a NumPy file, and their ids in a file beside it.
///
/// The number of rows stands in the header, so that the rows wait in a scratch file beside the output
/// until the last one is there.
package struct NPYSink: EmbeddingSink {
  private let path: String
  private let shaper: EmbeddingShaper
  private let idWriter: ByteWriter
  private let rows: SpoolFile
  private var count = 0

  /// - Parameters:
  ///   - path: The NumPy file; the ids go to `PATH.ids`.
  ///   - shaper: What becomes of the embeddings.
  /// - Throws: 64 where NumPy cannot hold them; 73 where a file cannot be created.
  package init(_ path: String, _ shaper: EmbeddingShaper) throws(Failure) {
    guard path != "-" else { throw .usage("--format npy needs -o FILE") }
    guard shaper.form.dtype == .f32 || shaper.form.dtype == .f16 else {
      throw .usage("--format npy stores f32 or f16")
    }
    guard shaper.schema.kind == .dense else { throw .usage("--format npy is for dense models") }
    self.path = path
    self.shaper = shaper
    idWriter = try ByteWriter(path + ".ids", compression: Compression.none)
    rows = try SpoolFile(TemporaryName.beside(path))
  }

  package mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
    guard case .dense(let values, let width) = embeddings else {
      preconditionFailure("the model gives \(embeddings.form)")
    }
    for (i, id) in ids.enumerated() {
      let row = try shaper.row(values[i * width..<(i + 1) * width], id: id)
      try shaper.columns([row])[0].withBytes { bytes throws(Failure) in try rows.append(bytes) }
      try idWriter.write(id + [0x0A])
      count += 1
    }
  }

  package mutating func flush() throws(Failure) {}

  package mutating func finish() throws(Failure) {
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(
      NPYHeader.bytes(shaper.form.dtype, rows: count, columns: shaper.dimension))
    try rows.drain()
    try rows.read(0..<rows.count) { bytes throws(Failure) in try writer.write(bytes) }
    try writer.finish()
    try idWriter.finish()
  }
}
