import Failures
import Streams
import Tensors

/// What documents are, by their first bytes: texts or vectors.
package struct DocumentSort {
  package let areTexts: Bool
  /// The input that cannot be opened a second time, where it had to be looked into.
  package private(set) var opened: [String: ByteReader] = [:]

  /// Looks into the files, and into the first input where none is a plain file: others may not be
  /// there before that was read.
  ///
  /// - Parameter operands: Files, or `-` for the standard input.
  /// - Throws: 65 where there are texts and vectors, 66 for what is not there.
  package init(_ operands: [String]) throws(Failure) {
    let files = operands.filter { WholeFile.isRegular($0) }
    var (texts, others) = (0, 0)
    for operand in files.isEmpty ? Array(operands.prefix(1)) : files {
      let input = try ByteReader(operand, takingArrays: true)
      if files.isEmpty { opened[operand] = input }
      switch try Self.isText(input) {
      case true?: texts += 1
      case false?: others += 1
      case nil: break
      }
    }
    guard texts == 0 || others == 0 else {
      throw .data(operands.joined(separator: " "), "expected text records or vectors, found both")
    }
    areTexts = texts > 0
  }

  /// Whether text comes that has no vectors in it; nil where nothing comes.
  private static func isText(_ input: ByteReader) throws(Failure) -> Bool? {
    if try VectorInputs.form(input) != nil { return false }
    // A line that somebody types is not waited for behind its end.
    let line = try input.peekLine(limit: 64).prefix(64)
    return ContentSort(beginning: Array(line)).map { $0 == .text }
  }
}
