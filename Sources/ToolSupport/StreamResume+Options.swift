import Failures
import Streams
import Tensors

extension StreamResume {
  /// Opens the partial output of what the options name.
  ///
  /// - Parameters:
  ///   - output: Where the stream goes.
  ///   - provenance: What makes it.
  ///   - shard: The part of the input, if it is one.
  /// - Throws: 78 where the partial output belongs to other work.
  package init(
    _ output: OutputOptions, provenance: Provenance, shard: String?
  ) throws(Failure) {
    let work = [
      provenance.digest, shard ?? "", output.compress ?? "", String(output.noProvenance),
    ]
    try self.init(
      of: output.output, work: Checksum.xxh3Long(Array(work.joined(separator: "\n").utf8)))
  }
}

extension OutputOptions {
  /// Refuses, before any work is done, to write binary data to a terminal.
  ///
  /// - Throws: 64 where the output is one.
  package func refuseTerminal() throws(Failure) {
    if output == "-", isTerminal(1) {
      throw .usage("the output is binary and would go to a terminal", hint: "use -o FILE or a pipe")
    }
  }
}
