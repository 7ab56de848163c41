import Failures
import Records
import Streams
import Tensors

/// An input whose bytes say what it is: text records, or one tensor stream.
package enum TextsOrStream {
  case texts(TextRecordReader)
  case stream(TensorStreamReader)

  /// Opens operands that are all of one sort.
  ///
  /// - Parameters:
  ///   - operands: Files, or `-` for the standard input.
  ///   - options: How text records are read.
  ///   - known: Those that are open already.
  /// - Throws: 65 where text and streams are mixed, and for several streams.
  package init(
    _ operands: [String], options: RecordOptions, opened known: [String: ByteReader] = [:]
  ) throws(Failure) {
    var opened: [String: ByteReader] = [:]
    var streams = 0
    for operand in operands {
      let reader = if let open = known[operand] { open } else { try ByteReader(operand) }
      if try TensorStreamReader.recognizes(reader) { streams += 1 }
      opened[operand] = reader
    }
    if streams == 0 {
      self = .texts(try TextRecordReader(operands, options: options, opened: opened))
      return
    }
    guard streams == operands.count, operands.count == 1, let reader = opened[operands[0]] else {
      throw .data(
        operands.joined(separator: " "), "expected text records, or one tensor stream",
        hint: "lir-encode cat joins streams")
    }
    self = .stream(TensorStreamReader(reader))
  }

  /// Whether files hold vectors rather than text records; what is no plain file is not opened.
  ///
  /// - Parameters:
  ///   - files: The files.
  ///   - forModel: Whether there is a model to which JSON lines with vectors may be texts: they are.
  /// - Returns: Whether all of them do.
  /// - Throws: 65 where there are both.
  package static func areVectors(
    _ files: [String], forModel: Bool
  ) throws(Failure) -> Bool {
    var vectors = 0
    for file in files where WholeFile.isRegular(file) {
      switch try VectorInputs.form(ByteReader(file, takingArrays: true)) {
      case nil: break
      case .jsonLines where forModel: break
      default: vectors += 1
      }
    }
    guard vectors == 0 || vectors == files.count else {
      throw .data(
        files.joined(separator: " "), "expected text records or vectors, found both")
    }
    return vectors > 0
  }
}
