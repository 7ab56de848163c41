import Failures
import Streams

/// A run that is written query by query: compressed, to a pipe, or resumable.
package final class RunOutput {
  private let writer: ByteWriter
  private let runWriter: RunWriter
  /// Writes JSON lines in place of TREC's; nil for those.
  private let json: JSONRunWriter?
  /// Whether a line says where the documents of a query end, for a reader that waits for them.
  private let marksEnds: Bool
  private let provenance: String?
  private let shard: String?
  /// With `--resume`: the queries so far as compressed texts, each with a checksum (`RunResumePoint`).
  private let partial: PartialFile?
  private let compression: Compression
  private let target: String
  private var lines = 0
  /// Lines of the partial output's last text, which has no end yet.
  private var openLines = 0
  /// The last query that a killed run has finished; nil if there is none.
  package let resumeAfter: RecordID?

  /// Opens the output, or continues what a killed run of the same work has left.
  ///
  /// - Parameters:
  ///   - target: Where the run goes; `-` is the standard output.
  ///   - compression: How it is compressed there.
  ///   - work: Everything that decides the run, to continue a partial output; nil for a new one.
  ///   - tag: The last column.
  ///   - provenance: JSON of what made the run, for the trailer; nil for none.
  ///   - json: Writes JSON lines in place of TREC's; not with `work`.
  ///   - shard: The part of the input that the run is of, `i/n`, for the trailer.
  ///   - marksEnds: Whether a line says where the documents of a query end.
  ///   - ties: How TREC's lines stand where scores are equal.
  /// - Throws: 64 for a tag with white space, 78 where the partial output belongs to other work, 73
  ///   where the output cannot be made.
  package init(
    _ target: String, compression: Compression, continuing work: WorkDescription? = nil,
    tag: String, provenance: String?, json: JSONRunWriter? = nil, shard: String? = nil,
    marksEnds: Bool = false, ties: RunTies = .trec
  ) throws(Failure) {
    runWriter = try RunWriter(tag: tag, ties: ties)
    self.json = json
    self.marksEnds = marksEnds
    self.provenance = provenance
    self.shard = shard
    self.compression = compression
    self.target = target
    guard var work else {
      partial = nil
      resumeAfter = nil
      writer = try ByteWriter(target, compression: compression, checksumText: true)
      return
    }
    work.add(.option, "tag", tag)
    let partial = try PartialFile(of: target, work: work)
    let point = try RunResumePoint.find(in: partial.path)
    self.partial = partial
    resumeAfter = point.lastQuery
    lines = point.lines
    writer = ByteWriter(
      try OutputFile(partial, keep: point.bytes), compression: Self.partialCompression,
      checksumText: true)
  }

  private static let partialCompression = Compression.zstd(level: 1)

  /// Appends a query's documents, in any order.
  ///
  /// - Parameters:
  ///   - query: The query's id.
  ///   - text: Its text, for JSON lines; nil where it is not known.
  ///   - documents: The documents.
  /// - Throws: 65 where a score is not a finite number, and where JSON lines lack a document's text;
  ///   74 where writing fails.
  package func append(
    query: RecordID, text: [UInt8]? = nil, _ documents: [ScoredDocument]
  ) throws(Failure) {
    for document in documents where !document.score.isFinite {
      throw .data(
        "query \(query), document \(document.id)", "the score is not a finite number")
    }
    var bytes: [UInt8] = []
    if let json {
      try json.append(query: query, text: text, documents: documents, to: &bytes)
    } else {
      runWriter.append(query: query, documents: documents, to: &bytes)
    }
    lines += documents.count
    openLines += documents.count
    if marksEnds { bytes += Self.endMark(of: query) }
    try writer.write(bytes)
    if marksEnds { try writer.flush() }
  }

  /// The comment behind the documents of a query, which readers of runs pass over: `# end q1`.
  package static func endMark(of query: RecordID) -> [UInt8] {
    Array("# end ".utf8) + query.bytes + [Bytes.newline]
  }

  package func flush() throws(Failure) { try writer.flush() }

  /// With `--resume`: keeps what is done so far, and ends here if a signal asked for it.
  package func checkpoint() throws(Failure) {
    guard partial != nil else { return }
    try keep()
    try StopRequest.check {}
  }

  /// Ends a text of the partial output.
  private func keep() throws(Failure) {
    if openLines > 0 { try writer.endText(records: openLines) }
    openLines = 0
  }

  package func finish() throws(Failure) {
    guard let partial else {
      return try writer.finishText(records: lines, provenance: provenance, shard: shard)
    }
    // The run is whole: from here on a kill costs the copy alone.
    try keep()
    let final = try ByteWriter(target, compression: compression, checksumText: true)
    let reader = try ByteReader(partial.path, allowingEmpty: true)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try reader.read(into: buffer)
      if count == 0 { break }
      try final.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    try partial.checkLease()
    try final.finishText(records: lines, provenance: provenance, shard: shard)
    try partial.discard()
  }
}
