import Failures

/// Numbers of another program's vectors, as streams store them: double precision is rounded to single.
struct FloatElements {
  /// Types that vectors may have elsewhere.
  static let types: [ElementType] = [.f32, .f16, .bf16, .f64]

  let type: ElementType

  /// The type that streams have.
  var stored: ElementType { type == .f64 ? .f32 : type }

  /// Appends numbers.
  ///
  /// - Parameters:
  ///   - numbers: Of the type, perhaps unaligned.
  ///   - bytes: Where they go.
  ///   - place: The record, for messages.
  /// - Throws: 65 for one that is not finite, or too large for single precision.
  func append(
    _ numbers: UnsafeRawBufferPointer, to bytes: inout [UInt8], _ place: () -> String
  ) throws(Failure) {
    let wrong: String?
    switch type {
    case .f64: wrong = Self.appendRounded(numbers, to: &bytes)
    case .f16: wrong = Self.notFinite(numbers, UInt16.self, exponent: 0x7C00)
    case .bf16: wrong = Self.notFinite(numbers, UInt16.self, exponent: 0x7F80)
    default: wrong = Self.notFinite(numbers, UInt32.self, exponent: 0x7F80_0000)
    }
    if let wrong { throw .data(place(), "expected finite values, found \(wrong)") }
    if type != .f64 { bytes.append(contentsOf: numbers) }
  }

  /// The first number whose exponent has all bits, as NaN and infinity have it.
  private static func notFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ numbers: UnsafeRawBufferPointer, _ type: Bits.Type, exponent: Bits
  ) -> String? {
    let size = MemoryLayout<Bits>.size
    for start in stride(from: 0, to: numbers.count, by: size) {
      let bits = numbers.loadUnaligned(fromByteOffset: start, as: Bits.self)
      guard bits & exponent == exponent else { continue }
      // What is left beside sign and exponent is zero of an infinity.
      let isInfinite = bits << 1 == exponent << 1
      return isInfinite ? (bits >> (8 * size - 1) & 1 == 1 ? "-inf" : "inf") : "nan"
    }
    return nil
  }

  private static func appendRounded(
    _ numbers: UnsafeRawBufferPointer, to bytes: inout [UInt8]
  ) -> String? {
    for start in stride(from: 0, to: numbers.count, by: 8) {
      let number = numbers.loadUnaligned(fromByteOffset: start, as: Double.self)
      let rounded = Float(number)
      guard rounded.isFinite else {
        return number.isFinite ? "\(number), too large for single precision" : "\(number)"
      }
      withUnsafeBytes(of: rounded) { bytes.append(contentsOf: $0) }
    }
    return nil
  }
}
