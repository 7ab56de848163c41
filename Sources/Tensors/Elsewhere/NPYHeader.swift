import Failures
import Streams

/// What a NumPy file says of its array.
///
/// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (magic, version,
/// length, a Python dictionary).
package struct NPYHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let maximumLength = 1 << 20

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
    let start = try Self.take(8, input)
    guard start.starts(with: Self.magic), (1...3).contains(start[6]) else {
      throw .data(input.name, "expected a NumPy file of version 1 to 3")
    }
    let lengths = try Self.take(start[6] == 1 ? 2 : 4, input)
    let length = lengths.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumLength else {
      throw .data(input.name, "expected a NumPy header, found a length of \(length)")
    }
    let text = String(decoding: try Self.take(length, input), as: UTF8.self)
    guard let descriptor = Self.value("descr", text), let order = Self.value("fortran_order", text),
      let shape = Self.value("shape", text)
    else { throw .data(input.name, "damaged: expected a NumPy header, found \(text.prefix(60))") }
    let extents = shape.dropFirst().dropLast().split(separator: ",").compactMap {
      Int(Self.trim($0))
    }
    guard extents.count == 2, extents.allSatisfy({ $0 >= 0 }) else {
      throw .config(input.name, "expected an array of two dimensions, found shape \(shape)")
    }
    type = try Self.type(descriptor, input.name)
    (rows, columns) = (extents[0], extents[1])
    guard order == "False" || min(rows, columns) <= 1 else {
      throw .config(
        input.name, "the array is in Fortran order",
        hint: "numpy.ascontiguousarray(array) brings it to C order")
    }
    guard (1...StreamLimits.maximumWidth).contains(columns) else {
      throw .data(input.name, "expected vectors of at least one number, found shape \(shape)")
    }
  }

  private static func take(_ count: Int, _ input: ByteReader) throws(Failure) -> [UInt8] {
    let bytes = try [UInt8](atMost: count) { memory throws(Failure) in
      try input.readFully(into: memory)
    }
    guard bytes.count == count else {
      throw .data(input.name, "truncated: the file ends inside its header")
    }
    return bytes
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

  private static func trim(_ text: Substring) -> Substring {
    text.drop { $0 == " " }.prefix { $0 != " " }
  }

  /// The text of a value of the dictionary: up to the comma that follows it, or the end of brackets.
  private static func value(_ key: String, _ text: String) -> String? {
    guard let start = text.end(of: "'\(key)':") else { return nil }
    var depth = 0
    var value = ""
    for character in text[start...] {
      if "([".contains(character) { depth += 1 }
      if depth == 0, character == "," || character == "}" { break }
      if ")]".contains(character) { depth -= 1 }
      value.append(character)
    }
    let trimmed = value.drop { $0 == " " }
    return String(trimmed.reversed().drop { $0 == " " }.reversed())
  }
}

extension String {
  /// Where a text ends that the string holds.
  fileprivate func end(of text: String) -> Index? {
    let (whole, part) = (Array(utf8), Array(text.utf8))
    guard part.count <= whole.count else { return nil }
    for start in 0...whole.count - part.count
    where whole[start..<start + part.count].elementsEqual(part) {
      return utf8.index(utf8.startIndex, offsetBy: start + part.count)
    }
    return nil
  }
}
