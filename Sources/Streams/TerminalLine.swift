import Glibc
import Synchronization

/// The line of progress that stands at the bottom of a terminal, and that everything else which is
/// written has to take away first: messages, and what goes to the standard output.
package enum TerminalLine {
  private static let isShown = Atomic<Bool>(false)

  /// Puts a text into the place of the line.
  package static func show(_ text: String) {
    isShown.store(true, ordering: .relaxed)
    put("\r\u{1B}[K" + text)
  }

  /// Takes the line away, where there is one.
  package static func clear() {
    if isShown.load(ordering: .relaxed), isShown.exchange(false, ordering: .relaxed) {
      put("\r\u{1B}[K")
    }
  }

  /// One `write`; where the standard error is gone there is nobody to tell.
  private static func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = Glibc.write(2, bytes.baseAddress, bytes.count) }
  }
}
