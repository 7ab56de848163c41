import Failures

/// Buffered, compressed, checked output to a file or to the standard output.
///
/// Nothing is promised until `finish` has returned: then the bytes are on the disk under their
/// name, or in the pipe.
package final class ByteWriter {
  private let file: OutputFile
  private let encoder: (any Encoder)?
  package let compression: Compression
  private var buffer: [UInt8] = []
  private static let capacity = 1 << 17
  private let textChecksum: RunningChecksum?
  private var frameOpen = false

  /// Opens the output `path`; `-` is the standard output.
  ///
  /// Without a compression the suffix says it. The checksum of the text is what `finishText` needs
  /// for its trailer.
  package convenience init(
    _ path: String, compression: Compression? = nil, checksumText: Bool = false
  ) throws(Failure) {
    self.init(
      try OutputFile(path), compression: compression ?? Compression(suffixOf: path),
      checksumText: checksumText)
  }

  package init(_ file: OutputFile, compression: Compression, checksumText: Bool = false) {
    self.file = file
    self.compression = compression
    switch compression {
    case .none: encoder = nil
    case .zstd(let level): encoder = ZstdEncoder(level: level)
    case .lz4(let level): encoder = Lz4Encoder(level: level)
    }
    textChecksum = checksumText ? RunningChecksum() : nil
    buffer.reserveCapacity(Self.capacity)
  }

  package var name: String { file.name }
  package var isTerminal: Bool { file.isTerminal }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    textChecksum?.update(bytes)
    if buffer.count + bytes.count > Self.capacity { try drain() }
    if bytes.count >= Self.capacity {
      try emit(bytes)
    } else {
      buffer.append(contentsOf: bytes)
    }
  }

  package func write(_ bytes: [UInt8]) throws(Failure) {
    try bytes.withBytes { raw throws(Failure) in try write(raw) }
  }

  package func write(_ text: String) throws(Failure) { try write(Array(text.utf8)) }

  /// Ends the compressed frame, so that the next write starts another.
  package func endFrame() throws(Failure) {
    try drain()
    if frameOpen { try encoder?.endFrame { bytes throws(Failure) in try file.write(bytes) } }
    frameOpen = false
  }

  /// Hands over what was written so far, for a reader that waits at the pipe's other end.
  ///
  /// Nobody reads a file before it has its name: there the compressed bytes would hang on how the input came.
  package func flush() throws(Failure) {
    if file.appearsWhole { return }
    try drain()
    try encoder?.flush { bytes throws(Failure) in try file.write(bytes) }
  }

  /// Ends a tensor stream or an uncompressed output.
  package func finish() throws(Failure) {
    try endFrame()
    try file.finish()
  }

  /// Ends a text output: one frame, and behind a zstd frame the trailer.
  ///
  /// The trailer tells the number of records and, as JSON, what made the text, and of which part of the
  /// input.
  package func finishText(
    records: Int, provenance: String?, shard: String? = nil
  ) throws(Failure) {
    try endText(records: records, provenance: provenance, shard: shard)
    try file.finish()
  }

  /// Ends a compressed text, behind which another one may follow.
  package func endText(
    records: Int, provenance: String? = nil, shard: String? = nil
  ) throws(Failure) {
    try drain()
    // An empty text is still one frame: an empty compressed file is an error to every reader.
    if encoder != nil { frameOpen = true }
    try endFrame()
    guard case .zstd = compression, let textChecksum else { return }
    let trailer = TextTrailer(
      checksum: textChecksum.value, records: records, provenance: provenance, shard: shard)
    try writeRaw(trailer.frame)
    textChecksum.reset()
  }

  private func writeRaw(_ bytes: [UInt8]) throws(Failure) {
    try bytes.withBytes { raw throws(Failure) in try file.write(raw) }
  }

  private func drain() throws(Failure) {
    if buffer.isEmpty { return }
    try buffer.withBytes { raw throws(Failure) in try emit(raw) }
    buffer.removeAll(keepingCapacity: true)
  }

  private func emit(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    if let encoder {
      frameOpen = true
      try encoder.encode(bytes) { piece throws(Failure) in try file.write(piece) }
    } else {
      try file.write(bytes)
    }
  }
}
