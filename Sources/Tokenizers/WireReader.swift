import Failures

/// Reads fields of protocol buffers, checking every length.
///
/// Source: https://protobuf.dev/programming-guides/encoding/.
struct WireReader {
  /// A field's value as it is written.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
  }

  private let path: String
  private var rest: ArraySlice<UInt8>

  /// - Parameters:
  ///   - bytes: a message; its indices are offsets in the file.
  ///   - path: the file, for messages.
  init(_ bytes: ArraySlice<UInt8>, path: String) {
    rest = bytes
    self.path = path
  }

  /// The next field, nil at the end of the message.
  ///
  /// - Throws: 65 for what is no field.
  mutating func next() throws(Failure) -> (number: UInt64, value: Value)? {
    if rest.isEmpty { return nil }
    let start = rest.startIndex
    let key = try varint()
    let number = key >> 3
    guard number > 0, number < 1 << 29 else { throw damage(start, "a field number", "\(number)") }
    switch key & 7 {
    case 0: return (number, .varint(try varint()))
    case 1: return (number, .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      return (number, .bytes(try take(length)))
    case 5: return (number, .fixed32(UInt32(try fixed(4))))
    default: throw damage(start, "a wire type of 0, 1, 2 or 5", "\(key & 7)")
    }
  }

  /// The fields of a message inside this one.
  func message(_ bytes: ArraySlice<UInt8>) -> WireReader { WireReader(bytes, path: path) }

  /// 65 at a place of the message.
  func damage(_ offset: Int, _ expected: String, _ found: String) -> Failure {
    .data("\(path): byte \(offset)", "expected \(expected), found \(found)")
  }

  private mutating func varint() throws(Failure) -> UInt64 {
    let start = rest.startIndex
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw damage(start, "a number", "the end") }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw damage(start, "a number of at most ten bytes", "more")
  }

  private mutating func fixed(_ count: UInt64) throws(Failure) -> UInt64 {
    try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func take(_ count: UInt64) throws(Failure) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else {
      throw damage(rest.startIndex, "\(count) bytes", "\(rest.count)")
    }
    let taken = rest.prefix(Int(count))
    rest = rest.dropFirst(Int(count))
    return taken
  }
}
