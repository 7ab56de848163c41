import Failures
import Records
import Streams

extension RunOutput {
  /// Opens the output that the options name, or continues it.
  ///
  /// With `resume` SIGTERM and SIGUSR1 ask from here on, and are answered at the checkpoints.
  ///
  /// - Parameters:
  ///   - output: Where the run goes.
  ///   - resume: Whether a partial output is continued.
  ///   - work: Digest of everything that decides the run.
  ///   - tag: The last column.
  ///   - provenance: JSON of what made the run, which `--no-provenance` leaves out.
  /// - Throws: 64 for a compression or a tag that is none, 78 where the partial output belongs to
  ///   other work, 73 where the output cannot be made.
  package convenience init(
    _ output: OutputOptions, resume: Bool, work: String, tag: String, provenance: String?
  ) throws(Failure) {
    if resume { StopRequest.install() }
    try self.init(
      output.output, compression: output.compression(), resume: resume, work: work, tag: tag,
      provenance: output.noProvenance ? nil : provenance)
  }
}
