import Failures
import Streams

/// A run that is written query by query: compressed, to a pipe, or resumable.
package final class RunOutput {
  private let writer: ByteWriter
  private let runWriter: RunWriter
  private let provenance: String?
  /// With `--resume`: the text so far, uncompressed, so that it can be cut behind any query.
  private let partial: PartialFile?
  private let compression: Compression
  private let target: String
  private var lines = 0
  /// The last query that a killed run has finished; nil if there is none.
  package let resumeAfter: RecordID?

  /// Opens the output, or continues what a killed run of the same work has left.
  ///
  /// - Parameters:
  ///   - target: Where the run goes; `-` is the standard output.
  ///   - compression: How it is compressed there.
  ///   - resume: Whether a partial output is continued.
  ///   - work: Digest of everything that decides the run.
  ///   - tag: The last column.
  ///   - provenance: JSON of what made the run, for the trailer; nil for none.
  /// - Throws: 64 for a tag with white space, 78 where the partial output belongs to other work, 73
  ///   where the output cannot be made.
  package init(
    _ target: String, compression: Compression, resume: Bool, work: String, tag: String,
    provenance: String?
  ) throws(Failure) {
    runWriter = try RunWriter(tag: tag)
    self.provenance = provenance
    self.compression = compression
    self.target = target
    guard resume else {
      partial = nil
      resumeAfter = nil
      writer = try ByteWriter(target, compression: compression, checksumText: true)
      return
    }
    let digest = Checksum.xxh3Long(Array("\(work)\n\(tag)".utf8))
    let partial = try PartialFile(of: target, digest: digest)
    let point = try RunResumePoint.find(in: partial.path)
    self.partial = partial
    resumeAfter = point.lastQuery
    lines = point.lines
    writer = ByteWriter(
      try OutputFile(partial, keep: point.bytes), compression: .none, checksumText: false)
  }

  /// Appends a query's documents, in any order.
  ///
  /// - Throws: 65 where a score is not a finite number; 74 where writing fails.
  package func append(query: RecordID, _ documents: [ScoredDocument]) throws(Failure) {
    for document in documents where !document.score.isFinite {
      throw .data(
        "query \(query), document \(document.id)", "the score is not a finite number")
    }
    var bytes: [UInt8] = []
    runWriter.append(query: query, documents: documents, to: &bytes)
    lines += documents.count
    try writer.write(bytes)
  }

  package func flush() throws(Failure) { try writer.flush() }

  /// With `--resume`: keeps what is done so far, and ends here if a signal asked for it.
  package func checkpoint() throws(Failure) {
    guard partial != nil else { return }
    try writer.flush()
    try StopRequest.check {}
  }

  package func finish() throws(Failure) {
    guard let partial, compression != .none else {
      return try writer.finishText(records: lines, provenance: provenance)
    }
    // The text is whole: from here on a kill costs the compression alone.
    try writer.flush()
    let final = try ByteWriter(target, compression: compression, checksumText: true)
    let reader = try ByteReader(partial.path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try reader.read(into: buffer)
      if count == 0 { break }
      try final.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    try final.finishText(records: lines, provenance: provenance)
    partial.discard()
  }
}
