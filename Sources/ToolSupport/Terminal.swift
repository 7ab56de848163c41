import Failures
import Glibc
import Streams

package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

extension ByteWriter {
  /// Refuses to write binary data to a terminal.
  package func refuseTerminal() throws(Failure) {
    if isTerminal {
      throw .usage("the output is binary and would go to a terminal", hint: "use -o FILE or a pipe")
    }
  }
}
