import Failures
import Records
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

  /// `output`: where the run goes.
  ///
  /// `resume`: whether a partial output is continued. `work`: digest of everything that decides the
  /// run. `tag`: the last column. `provenance`: JSON of what made the run, for the trailer.
  package init(
    _ output: OutputOptions, resume: Bool, work: String, tag: String, provenance: String?
  ) throws(Failure) {
    runWriter = try RunWriter(tag: tag)
    self.provenance = output.noProvenance ? nil : provenance
    compression = try output.compression()
    target = output.output
    guard resume else {
      partial = nil
      resumeAfter = nil
      writer = try ByteWriter(target, compression: compression, checksumText: true)
      return
    }
    StopRequest.install()
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
  package func append(query: RecordID, _ documents: [ScoredDocument]) throws(Failure) {
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

/// How far a run was written: all queries but the last one, which may not be whole.
private struct RunResumePoint {
  var bytes = 0
  var lines = 0
  var lastQuery: RecordID?

  static func find(in path: String) throws(Failure) -> RunResumePoint {
    var point = RunResumePoint()
    var current: RecordID?
    var offset = 0
    var lines = 0
    let reader = LineReader(try ByteReader(path))
    while let block = try reader.next() {
      let isWhole = block.bytes.last == 0x0A
      block.forEachLine { line, start, _ in
        let end = start + line.count
        if end >= block.bytes.count, !isWhole { return }
        let query = RecordID(Array(line.prefix { $0 != 0x20 }))
        if let before = current, before != query {
          point.bytes = offset + start
          point.lines = lines
          point.lastQuery = before
        }
        current = query
        lines += 1
      }
      offset += block.bytes.count
    }
    return point
  }
}
