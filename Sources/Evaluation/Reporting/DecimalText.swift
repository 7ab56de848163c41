import Glibc

/// Numbers with a fixed count of decimals, as C's `printf` writes them.
package enum DecimalText {
  /// `value` with so many decimals, rounded to the nearest, a tie to even.
  package static func fixed(_ value: Double, _ decimals: Int, width: Int = 0) -> String {
    format("%*.*f", width, decimals, value)
  }

  /// `value` with so many decimals, and without a sign where all of them are 0.
  package static func rounded(_ value: Double, _ decimals: Int) -> String {
    let text = fixed(value, decimals)
    return text.hasPrefix("-") && !text.contains { $0.isNumber && $0 != "0" }
      ? String(text.dropFirst()) : text
  }

  /// `value` as `%g` writes it: six significant digits, the short form of the two.
  package static func general(_ value: Double) -> String { format("%*.*g", 0, 6, value) }

  private static func format(_ format: String, _ width: Int, _ precision: Int, _ value: Double)
    -> String
  {
    // The longest is -1.8e308 in full.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400 + max(width, precision)) { buffer in
      let count = withVaList([Int32(width), Int32(precision), value]) {
        vsnprintf(buffer.baseAddress, buffer.count, format, $0)
      }
      let bytes = buffer[..<Int(count)].lazy.map { UInt8(bitPattern: $0) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
