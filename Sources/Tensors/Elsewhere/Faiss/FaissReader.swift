import Failures

/// Values of a faiss file, one after the other; no size in it is believed before it is checked.
///
/// Format: faiss `impl/index_read.cpp` at v1.15.1; little-endian, without padding.
struct FaissReader {
  /// Begins a file, between the number of vectors and the rest of a header: what older versions
  /// kept there is a constant now.
  static let mark: [UInt8] = [0, 0, 0x10, 0, 0, 0, 0, 0]

  /// Whether a file begins as an index of faiss does.
  static func recognizes(_ head: [UInt8]) -> Bool {
    head.count == 24 && head[0] == UInt8(ascii: "I") && head[16...].elementsEqual(mark)
  }

  let path: String
  let bytes: UnsafeRawBufferPointer
  private(set) var place = 0

  init(_ file: MappedFile) {
    path = file.path
    bytes = file.bytes
  }

  /// A failure at the present place.
  func damaged(_ what: String) -> Failure { .data("\(path): byte \(place)", "damaged: \(what)") }

  mutating func value<T: BitwiseCopyable>(_ type: T.Type = T.self) throws(Failure) -> T {
    bytes.loadUnaligned(fromByteOffset: try range(MemoryLayout<T>.size).lowerBound, as: T.self)
  }

  mutating func flag() throws(Failure) -> Bool {
    let value: UInt8 = try value()
    guard value <= 1 else { throw damaged("expected 0 or 1, found \(value)") }
    return value == 1
  }

  /// A number of things that is stored in eight bytes.
  mutating func count() throws(Failure) -> Int {
    let value: UInt64 = try value()
    guard let count = Int(exactly: value) else { throw damaged("a size of \(value)") }
    return count
  }

  /// Four characters that name what comes.
  mutating func name() throws(Failure) -> String {
    String(decoding: bytes[try range(4)], as: UTF8.self)
  }

  /// Where so many elements of a size are, behind which reading goes on.
  mutating func range(_ count: Int, of size: Int = 1) throws(Failure) -> Range<Int> {
    let (length, overflow) = count.multipliedReportingOverflow(by: size)
    guard count >= 0, !overflow, length <= bytes.count - place else {
      throw .data(
        "\(path): byte \(place)",
        "truncated or damaged: expected \(count) elements of \(size) bytes, found the file's end")
    }
    let range = place..<place + length
    place += length
    return range
  }

  /// Where the elements of a vector are that says first how many they are.
  mutating func elements(of size: Int) throws(Failure) -> Range<Int> {
    try range(try count(), of: size)
  }

  /// The numbers of such a vector.
  mutating func numbers<T: BitwiseCopyable>(_ type: T.Type = T.self) throws(Failure) -> [T] {
    let size = MemoryLayout<T>.size
    let range = try elements(of: size)
    return stride(from: range.lowerBound, to: range.upperBound, by: size).map {
      bytes.loadUnaligned(fromByteOffset: $0, as: T.self)
    }
  }
}
