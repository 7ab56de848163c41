import Failures
import Streams
import Tensors

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
