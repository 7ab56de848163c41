import Testing
import UnicodeTables

/// The tables against the standard library where the versions of Unicode agree.
struct UnicodeTablesTests {
  private func scalars() -> some Sequence<Unicode.Scalar> {
    (UInt32(0)..<0x110000).lazy.compactMap { Unicode.Scalar($0) }
  }

  @Test func ascii() {
    for scalar in UInt32(0)..<0x80 {
      let character = Unicode.Scalar(UInt8(scalar))
      let properties = ScalarProperties.of(scalar)
      let isLetter = character.properties.isAlphabetic
      let isDigit = (0x30..<0x3A).contains(scalar)
      let isPrintable = (0x21..<0x7F).contains(scalar)
      #expect(properties.contains(.control) == (scalar < 0x20 || scalar == 0x7F))
      #expect(properties.contains(.whiteSpace) == character.properties.isWhitespace)
      #expect(properties.contains(.punctuation) == (isPrintable && !isLetter && !isDigit))
      #expect(properties.contains(.word) == (isLetter || isDigit || scalar == 0x5F))
      let lower = character.properties.lowercaseMapping.unicodeScalars.first?.value
      #expect(Lowercase.of(scalar) == lower)
    }
  }

  @Test func whiteSpaceIsTheSameInAllVersions() {
    let differing = scalars().filter {
      $0.properties.isWhitespace != ScalarProperties.of($0.value).contains(.whiteSpace)
    }
    #expect(differing.isEmpty)
  }

  @Test func assignedMarksStayMarks() {
    // Unicode 8 knows fewer non-spacing marks than later versions, and two were recategorised.
    let marks = scalars().filter { ScalarProperties.of($0.value).contains(.nonspacingMark) }
    let changed = marks.filter { $0.properties.generalCategory != .nonspacingMark }
    #expect(marks.count == 1567)
    #expect(changed.map(\.value) == [0x1734, 0x1171E])
  }

  @Test func countsOfTheOtherClasses() {
    func count(_ property: ScalarProperties) -> Int {
      scalars().count { ScalarProperties.of($0.value).contains(property) }
    }
    #expect(count(.punctuation) == 726)
    #expect(count(.control) == 137_683)
    #expect(count(.ideograph) == 81_264)
    #expect(count(.word) == 144_667)
    #expect(count(.hasLowercase) == 1488)
  }

  @Test func lowercaseAgreesWhereTheStandardLibraryHasOne() {
    for scalar in scalars() {
      let mapping = Array(scalar.properties.lowercaseMapping.unicodeScalars)
      guard mapping != [scalar] else { continue }
      #expect(Lowercase.of(scalar.value) == mapping[0].value)
      #expect(ScalarProperties.of(scalar.value).contains(.hasLowercase))
      if mapping.count > 1 {
        #expect(scalar.value == Lowercase.dottedCapitalI)
        #expect(mapping.map(\.value) == [0x69, Lowercase.combiningDotAbove])
      }
    }
  }

  @Test func combiningClassesAgreeOrAreNewer() {
    for scalar in scalars() {
      let own = CanonicalDecomposition.combiningClass(scalar.value)
      let library = scalar.properties.canonicalCombiningClass.rawValue
      if own != library, own != 0 { Issue.record("U+\(String(scalar.value, radix: 16))") }
    }
    #expect(CanonicalDecomposition.combiningClass(0x301) == 230)
    #expect(CanonicalDecomposition.combiningClass(0x345) == 240)
    #expect(CanonicalDecomposition.combiningClass(0x94D) == 9)
  }

  private func decomposition(_ scalar: UInt32) -> [UInt32] {
    var parts: [UInt32] = []
    CanonicalDecomposition.decompose(scalar) { parts.append($0) }
    return parts
  }

  @Test func decompositions() {
    #expect(decomposition(0x41) == [0x41])
    #expect(decomposition(0xE9) == [0x65, 0x301])
    #expect(decomposition(0x1E69) == [0x73, 0x323, 0x307])
    #expect(decomposition(0x1F82) == [0x3B1, 0x313, 0x300, 0x345])
    #expect(decomposition(0x212B) == [0x41, 0x30A])
    #expect(decomposition(0xF900) == [0x8C48])
    #expect(decomposition(0x2FA1D) == [0x2A600])
    // After Unicode 9.
    #expect(decomposition(0x11938) == [0x11938])
    #expect(decomposition(0xFB01) == [0xFB01], "compatibility only")
  }

  @Test func hangulDecomposesByArithmetic() {
    #expect(decomposition(0xAC00) == [0x1100, 0x1161])
    #expect(decomposition(0xAC01) == [0x1100, 0x1161, 0x11A8])
    #expect(decomposition(0xD7A3) == [0x1112, 0x1175, 0x11C2])
    #expect(decomposition(0xD7A4) == [0xD7A4])
  }

  @Test func scalarsThatChangeAreMarkedSo() {
    for scalar in scalars() {
      let changes =
        decomposition(scalar.value) != [scalar.value]
        || CanonicalDecomposition.combiningClass(scalar.value) != 0
      if changes != ScalarProperties.of(scalar.value).contains(.changesInNFD) {
        Issue.record("U+\(String(scalar.value, radix: 16))")
      }
    }
  }

  /// Clusters of the examples of annex 29 of the Unicode Standard, each with its scalars.
  @Test(
    arguments: [
      ([0xD, 0xA], [2]), ([0xA, 0xD], [1, 1]), ([0x61, 0x308, 0x62], [2, 1]),
      ([0x61, 0xA, 0x308], [1, 1, 1]), ([0x1100, 0x1161, 0x11A8, 0x1100], [3, 1]),
      ([0xAC00, 0x11A8, 0xAC01, 0x1161], [2, 1, 1]),
      ([0x1F1E6, 0x1F1E7, 0x1F1E8, 0x1F1E9, 0x1F1EA], [2, 2, 1]),
      ([0x1F476, 0x1F3FF, 0x200D, 0x1F476], [4]), ([0x61, 0x200D, 0x1F476], [2, 1]),
      ([0x915, 0x94D, 0x924], [3]), ([0x915, 0x94D, 0x200D, 0x924], [4]),
      ([0x915, 0x200C, 0x924], [2, 1]), ([0x915, 0x93E, 0x924], [2, 1]), ([0x600, 0x61], [2]),
    ] as [([UInt32], [Int])])
  func graphemeClusters(scalars: [UInt32], expected: [Int]) {
    var breaks = GraphemeBreak()
    var lengths: [Int] = []
    for scalar in scalars {
      if breaks.next(.of(scalar)) { lengths.append(0) }
      lengths[lengths.count - 1] += 1
    }
    #expect(lengths == expected)
  }

  @Test func compositionUndoesDecomposition() {
    // Hangul and the composites of Unicode 9 without the excluded ones: 11,172 and 940.
    var composed = 0
    for scalar in scalars() {
      var parts: [UInt32] = []
      CanonicalDecomposition.decompose(scalar.value) { parts.append($0) }
      if parts.count < 2 { continue }
      let whole = parts.dropFirst().reduce(Optional(parts[0])) { whole, part in
        whole.flatMap { Composition.compose($0, part) }
      }
      if whole == scalar.value { composed += 1 }
    }
    #expect(composed == 11_172 + 940)
  }
}
