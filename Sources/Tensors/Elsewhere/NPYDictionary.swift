import Failures
import Streams

/// The dictionary that a NumPy file begins with.
///
/// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (magic, version,
/// length, a Python dictionary).
struct NPYDictionary {
  /// The type of the numbers, in quotes, as NumPy writes it.
  let descriptor: String
  let isFortran: Bool
  let shape: [Int]
  /// The shape as it is written.
  let shapeText: String
  /// Bytes in front of the first number.
  let length: Int

  private static let maximumLength = 1 << 20

  /// Reads it, and leaves the reader at the first number.
  ///
  /// - Throws: 65 for a header that is cut or damaged.
  init(_ input: ByteReader) throws(Failure) {
    let start = try Self.take(8, input)
    guard start.starts(with: NPYHeader.magic), (1...3).contains(start[6]) else {
      throw .data(input.name, "expected a NumPy file of version 1 to 3")
    }
    let lengths = try Self.take(start[6] == 1 ? 2 : 4, input)
    let size = lengths.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard size <= Self.maximumLength else {
      throw .data(input.name, "expected a NumPy header, found a length of \(size)")
    }
    let text = String(decoding: try Self.take(size, input), as: UTF8.self)
    guard let descriptor = Self.value("descr", text), let order = Self.value("fortran_order", text),
      let shape = Self.value("shape", text)
    else { throw .data(input.name, "damaged: expected a NumPy header, found \(text.prefix(60))") }
    let parts = shape.dropFirst().dropLast().split(separator: ",").map(Self.trim)
    let extents = parts.filter { !$0.isEmpty }.map { Int($0) ?? -1 }
    guard extents.allSatisfy({ $0 >= 0 }), ["True", "False"].contains(order) else {
      throw .data(input.name, "damaged: expected a NumPy header, found shape \(shape)")
    }
    self.descriptor = descriptor
    self.shape = extents
    shapeText = shape
    isFortran = order == "True"
    length = 8 + lengths.count + size
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
