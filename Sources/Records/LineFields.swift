import Failures

/// The fields of a line, separated by any white space: runs and qrels.
package struct LineFields {
  /// Most fields that are kept; further ones are counted.
  static let capacity = 6

  /// Number of fields.
  package private(set) var count = 0
  private var ranges: InlineArray<6, Range<Int>> = .init(repeating: 0..<0)
  private let line: UnsafeRawBufferPointer

  /// Splits a line.
  package init(_ line: UnsafeRawBufferPointer) {
    self.line = line
    var index = 0
    while true {
      while index < line.count, Bytes.isSpace(line[index]) { index += 1 }
      if index == line.count { break }
      let start = index
      while index < line.count, !Bytes.isSpace(line[index]) { index += 1 }
      if count < Self.capacity { ranges[count] = start..<index }
      count += 1
    }
  }

  /// Whether a line is blank or a comment: its first byte that is no white space is `#`.
  @inline(__always)
  package static func isIgnored(_ line: UnsafeRawBufferPointer) -> Bool {
    for byte in line where !Bytes.isSpace(byte) { return byte == UInt8(ascii: "#") }
    return true
  }

  /// The bytes of a field.
  package subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: line[ranges[index]])
  }

  /// A field for a message.
  package func quoted(_ index: Int) -> String { Bytes.quoted(self[index]) }
}

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
  static func score(_ text: UnsafeRawBufferPointer) -> Float? {
    guard let value = double(text) else { return nil }
    let score = Float(value)
    return score.isFinite ? score : nil
  }

  /// The nearest double of a decimal text; nil if it is none or does not fit.
  package static func double(_ text: UnsafeRawBufferPointer) -> Double? {
    guard let decimal = Decimal(text) else { return nil }
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

    private static let powers: [Double] = (0...22).map { power in
      (0..<power).reduce(1) { value, _ in value * 10 }
    }

    #if arch(x86_64)
      private static let longPowers: [Float80] = (0...27).map { power in
        (0..<power).reduce(1) { value, _ in value * 10 }
      }
    #endif
  }
}
