import Failures
import Streams

/// What a NumPy file says of its array.
///
/// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (magic, version,
/// length, a Python dictionary).
package struct NPYHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Type of the numbers.
  let type: ElementType
  let rows: Int
  let columns: Int

  /// The header of format 1.0: magic, version, length, a Python dictionary, and spaces up to a multiple of
  /// 64 bytes.
  ///
  /// - Parameters:
  ///   - type: Single or half precision.
  ///   - rows: Rows of the matrix.
  ///   - columns: Numbers of a row.
  /// - Returns: The bytes in front of the first number.
  package static func bytes(_ type: ElementType, rows: Int, columns: Int) -> [UInt8] {
    let descriptor = type == .f32 ? "<f4" : "<f2"
    var text =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
    while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
    text += "\n"
    var bytes = magic + [1, 0]
    withUnsafeBytes(of: UInt16(text.utf8.count).littleEndian) { bytes += $0 }
    return bytes + Array(text.utf8)
  }

  /// Reads the header, and leaves the reader at the first number.
  ///
  /// - Throws: 65 for a header that is cut or damaged, 78 for an array that is no matrix of floating
  ///   point numbers in rows.
  init(_ input: ByteReader) throws(Failure) {
    let header = try NPYDictionary(input)
    guard header.shape.count == 2 else {
      throw .config(
        input.name, "expected an array of two dimensions, found shape \(header.shapeText)")
    }
    type = try Self.type(header.descriptor, input.name)
    (rows, columns) = (header.shape[0], header.shape[1])
    guard !header.isFortran || min(rows, columns) <= 1 else {
      throw .config(
        input.name, "the array is in Fortran order",
        hint: "numpy.ascontiguousarray(array) brings it to C order")
    }
    guard (1...StreamLimits.maximumWidth).contains(columns) else {
      throw .data(
        input.name, "expected vectors of at least one number, found shape \(header.shapeText)")
    }
  }

  private static func type(_ descriptor: String, _ place: String) throws(Failure) -> ElementType {
    switch descriptor {
    case "'<f4'": return .f32
    case "'<f2'": return .f16
    case "'<f8'": return .f64
    case let other where other.hasPrefix("'>"):
      throw .config(
        place, "the numbers are big-endian (\(other))",
        hint: "array.astype('<f4') makes them little-endian")
    default:
      throw .config(
        place, "expected numbers '<f4', '<f2' or '<f8', found \(descriptor)",
        hint: "array.astype('<f4') makes single precision of them")
    }
  }
}
