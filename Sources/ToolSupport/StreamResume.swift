import Failures
import Records
import Streams
import Tensors

/// A tensor stream that `--resume` continues.
package struct StreamResume {
  private let partial: PartialFile
  private let point: ResumePoint

  /// Opens the partial output of a work and finds out how far it came.
  ///
  /// Throws: 78 where the partial output belongs to other work.
  package init(
    _ output: OutputOptions, provenance: Provenance, shard: String?
  ) throws(Failure) {
    let work = [
      provenance.digest, shard ?? "", output.compress ?? "", String(output.noProvenance),
    ]
    partial = try PartialFile(
      of: output.output, digest: Checksum.xxh3Long(Array(work.joined(separator: "\n").utf8)))
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

/// Passes over the records that an earlier run has written.
///
/// Bad records that were skipped then are
/// skipped again, so good ones are counted, not places.
package struct RecordSkipper {
  private var left: Int

  package init(_ count: Int) { left = count }

  /// Takes from the front of a batch what is done already.
  package mutating func skip(in batch: inout RecordBatch) {
    let count = min(left, batch.count)
    batch.slots.removeFirst(count)
    left -= count
  }
}

extension OutputOptions {
  /// Refuses, before any work is done, to write binary data to a terminal.
  package func refuseTerminal() throws(Failure) {
    if output == "-", isTerminal(1) {
      throw .usage("the output is binary and would go to a terminal", hint: "use -o FILE or a pipe")
    }
  }
}
