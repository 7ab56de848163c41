import Testing
import UnicodeTables

struct UnicodeTablesTests {
  @Test func ascii() {
    for scalar in UInt32(0)..<0x80 {
      let character = Unicode.Scalar(UInt8(scalar))
      let properties = ScalarProperties.of(scalar)
      let isLetter = character.properties.isAlphabetic
      let isDigit = (0x30..<0x3A).contains(scalar)
      #expect(properties.contains(.control) == (scalar < 0x20 || scalar == 0x7F))
      #expect(properties.contains(.whiteSpace) == character.properties.isWhitespace)
      let isPrintable = (0x21..<0x7F).contains(scalar)
      #expect(
        properties.contains(.punctuation) == (isPrintable && !isLetter && !isDigit))
      #expect(properties.contains(.word) == (isLetter || isDigit || scalar == 0x5F))
      let lower = character.properties.lowercaseMapping.unicodeScalars.first?.value
      #expect(Lowercase.of(scalar) == lower)
    }
  }
}
