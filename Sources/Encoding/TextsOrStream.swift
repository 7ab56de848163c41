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
  /// - Throws: 65 where text and streams are mixed, and for several streams.
  package init(_ operands: [String], options: RecordOptions) throws(Failure) {
    var opened: [String: ByteReader] = [:]
    var streams = 0
    for operand in operands {
      let reader = try ByteReader(operand)
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

  /// Whether files are tensor streams rather than text records; what is no plain file is not opened.
  ///
  /// - Throws: 65 where there are both.
  package static func areStreams(_ files: [String]) throws(Failure) -> Bool {
    var streams = 0
    for file in files where WholeFile.isRegular(file) {
      if try TensorStreamReader.recognizes(try ByteReader(file)) { streams += 1 }
    }
    guard streams == 0 || streams == files.count else {
      throw .data(
        files.joined(separator: " "), "expected text records or tensor streams, found both")
    }
    return streams > 0
  }
}
