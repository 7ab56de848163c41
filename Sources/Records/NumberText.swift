/// Numbers of text fields.
package enum NumberText {
  /// A decimal integer with or without a sign; nil if it is none or does not fit.
  package static func integer(_ text: UnsafeRawBufferPointer) -> Int? {
    var digits = text[...]
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
    if digits.isEmpty { return nil }
    var value = 0
    for byte in digits {
      let digit = byte &- UInt8(ascii: "0")
      if digit > 9 { return nil }
      let (product, isHigh) = value.multipliedReportingOverflow(by: 10)
      let (sum, isHigher) =
        isNegative
        ? product.subtractingReportingOverflow(Int(digit))
        : product.addingReportingOverflow(Int(digit))
      if isHigh || isHigher { return nil }
      value = sum
    }
    return value
  }

  /// A score as trec_eval keeps it: the nearest double of a decimal text, rounded to single
  /// precision.
  ///
  /// Nil if the text is no decimal number, or a score would be infinite.
  @inline(__always)
  static func score(_ text: UnsafeRawBufferPointer) -> (single: Float, exact: Double)? {
    guard let value = double(text) else { return nil }
    let score = Float(value)
    return score.isFinite ? (score, value) : nil
  }

  /// The nearest double of a decimal text; nil if it is none or does not fit.
  @inline(__always)
  package static func double(_ text: UnsafeRawBufferPointer) -> Double? {
    if let plain = Decimal(plain: text)?.shortExact { return plain }
    return anyDouble(text)
  }

  private static func anyDouble(_ text: UnsafeRawBufferPointer) -> Double? {
    guard let decimal = Decimal(plain: text) ?? Decimal(text) else { return nil }
    if let value = decimal.exact { return value }
    guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else {
      return nil
    }
    return value
  }

  /// A number as it is written: ± `digits` · 10^`exponent`.
  private struct Decimal {
    private var digits: UInt64 = 0
    private var exponent = 0
    private let isNegative: Bool
    /// Whether `digits` holds all of them.
    private var isWhole = true

    /// Splits a short text `[-]digits[.digits]`; nil for any other: most scores are one.
    @inline(__always)
    init?(plain text: UnsafeRawBufferPointer) {
      isNegative = text.first == UInt8(ascii: "-")
      let start = isNegative ? 1 : 0
      // So many digits fit 64 bits.
      guard text.count > start, text.count - start <= 20 else { return nil }
      var point = text.count - 1
      for index in start..<text.count {
        let digit = text[index] &- UInt8(ascii: "0")
        if digit <= 9 {
          digits = digits &* 10 &+ UInt64(digit)
        } else if text[index] == UInt8(ascii: "."), point == text.count - 1 {
          point = index
        } else {
          return nil
        }
      }
      let hasPoint = text[point] == UInt8(ascii: ".")
      let count = text.count - start - (hasPoint ? 1 : 0)
      guard count > 0, count <= 19 else { return nil }
      exponent = hasPoint ? point + 1 - text.count : 0
    }

    /// Splits a text `[+-]digits[.digits][e[+-]digits]`, with a digit before or behind the point.
    init?(_ text: UnsafeRawBufferPointer) {
      var index = 0
      isNegative = text.first == UInt8(ascii: "-")
      if isNegative || text.first == UInt8(ascii: "+") { index = 1 }
      let start = index
      var point: Int?
      var hasDigit = false
      while index < text.count {
        let byte = text[index]
        let digit = byte &- UInt8(ascii: "0")
        if digit <= 9 {
          hasDigit = true
          append(digit)
          if point != nil, isWhole { exponent -= 1 }
        } else if byte == UInt8(ascii: "."), point == nil {
          point = index
        } else {
          break
        }
        index += 1
      }
      guard hasDigit, index > start else { return nil }
      if index == text.count { return }
      guard text[index] | 0x20 == UInt8(ascii: "e"),
        let power = NumberText.integer(UnsafeRawBufferPointer(rebasing: text[(index + 1)...]))
      else { return nil }
      if abs(power) > 1 << 20 { isWhole = false } else { exponent += power }
    }

    private mutating func append(_ digit: UInt8) {
      let (product, isHigh) = digits.multipliedReportingOverflow(by: 10)
      let (sum, isHigher) = product.addingReportingOverflow(UInt64(digit))
      if isHigh || isHigher { isWhole = false } else { digits = sum }
    }

    /// The nearest double of a plain text with so few digits that a division finds it.
    @inline(__always)
    var shortExact: Double? {
      guard digits <= 1 << 53, -exponent <= 22 else { return nil }
      let value = Double(digits) / Self.powers[-exponent]
      return isNegative ? -value : value
    }

    /// The nearest double, where it is found by one correctly rounded operation.
    var exact: Double? {
      guard isWhole else { return nil }
      let size = abs(exponent)
      if digits <= 1 << 53, size <= 22 {
        let power = Self.powers[size]
        let value = exponent < 0 ? Double(digits) / power : Double(digits) * power
        return isNegative ? -value : value
      }
      #if arch(x86_64)
        // Both numbers fit a significand of 64 bits, so the quotient below is the true one rounded
        // to 64 bits. Rounding that again to 53 bits is right unless it lies halfway.
        guard exponent <= 0, size <= 27 else { return nil }
        let value = Float80(digits) / Self.longPowers[size]
        if value.significandBitPattern & 0x7FF == 0x400 { return nil }
        return Double(isNegative ? -value : value)
      #else
        return nil
      #endif
    }

    /// Powers of ten that a double holds exactly.
    private static let powers: [Double] = [
      1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
      1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    #if arch(x86_64)
      private static let longPowers: [Float80] = (0...27).map { power in
        (0..<power).reduce(1) { value, _ in value * 10 }
      }
    #endif
  }
}
