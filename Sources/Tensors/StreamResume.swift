import Failures
import Streams

/// A tensor stream that is continued behind what a killed run has left of it.
package struct StreamResume {
  private let partial: PartialFile
  private let point: ResumePoint

  /// Opens the partial output and finds out how far it came.
  ///
  /// - Parameters:
  ///   - target: Where the stream goes once it is whole.
  ///   - work: Everything that decides its bytes.
  /// - Throws: 78 where the partial output belongs to other work, 73 where it cannot be made or
  ///   another process is writing it.
  package init(of target: String, work: WorkDescription) throws(Failure) {
    partial = try PartialFile(of: target, work: work)
    point = try ResumePoint.find(in: partial.path)
  }

  /// Records that are written already.
  package var done: Int { point.finished.records }

  /// Segments that are written already.
  package var finished: FinishedSegments { point.finished }

  /// Puts the output in its place if nothing but that is left to do; says whether it was so.
  package func finishIfComplete() throws(Failure) -> Bool {
    if point.isComplete { try partial.finish() }
    return point.isComplete
  }

  /// The output behind what is whole.
  package func writer(_ compression: Compression) throws(Failure) -> ByteWriter {
    ByteWriter(try OutputFile(partial, keep: point.bytes), compression: compression)
  }
}
