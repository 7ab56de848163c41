import Failures
import Records
import Streams

extension RunOutput {
  /// Opens the output that the options name, or continues it.
  ///
  /// Where work goes on, SIGTERM and SIGUSR1 ask from here on, and are answered at the checkpoints.
  ///
  /// - Parameters:
  ///   - output: Where the run goes.
  ///   - work: Everything that decides the run, to continue a partial output; nil for a new one.
  ///   - tag: The last column.
  ///   - provenance: JSON of what made the run, which `--no-provenance` leaves out.
  ///   - json: Writes JSON lines in place of TREC's.
  ///   - shard: The part of the input that JSON lines are of.
  ///   - marksEnds: Whether a line says where the documents of a query end.
  ///   - ties: How TREC's lines stand where scores are equal.
  /// - Throws: 64 for a compression or a tag that is none, 78 where the partial output belongs to
  ///   other work, 73 where the output cannot be made.
  package convenience init(
    _ output: OutputOptions, continuing work: WorkDescription? = nil, tag: String,
    provenance: String?, json: JSONRunWriter? = nil, shard: String? = nil,
    marksEnds: Bool = false, ties: RunTies = .trec
  ) throws(Failure) {
    if work != nil { StopRequest.install() }
    try self.init(
      output.output, compression: output.compression(), continuing: work, tag: tag,
      provenance: output.noProvenance ? nil : provenance, json: json, shard: shard,
      marksEnds: marksEnds, ties: ties)
  }
}
