/// Compatibility decomposition (NFKD without ordering), Unicode 9.0: the tables of the Rust crate
/// unicode-normalization-alignments 0.1.12.
package enum CompatibilityDecomposition {
  /// Calls `emit` with each scalar of the full compatibility decomposition of `scalar`, in order.
  @inline(__always)
  package static func decompose(_ scalar: UInt32, _ emit: (UInt32) -> Void) {
    let index = ScalarTrie.compatibility.two(scalar)
    if index == 0 { return CanonicalDecomposition.decompose(scalar, emit) }
    let start = ScalarTrie.number(ScalarTrie.compatibilityStarts, 3 &* (index &- 1), 3)
    let end = ScalarTrie.number(ScalarTrie.compatibilityStarts, 3 &* index, 3)
    for i in start..<end {
      emit(UInt32(ScalarTrie.number(ScalarTrie.compatibilityScalars, 4 &* i, 4)))
    }
  }
}

/// Canonical composition, Unicode 9.0: the tables of the same crate.
package enum Composition {
  private static let leadBase: UInt32 = 0x1100
  private static let leadCount: UInt32 = 19
  private static let vowelBase: UInt32 = 0x1161
  private static let vowelCount: UInt32 = 21
  private static let tailBase: UInt32 = 0x11A7
  private static let tailCount: UInt32 = 28
  private static let syllableBase: UInt32 = 0xAC00

  /// The primary composite of two scalars, nil where there is none.
  package static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    // Nothing below composes as a second scalar: a quick no for most text.
    if second < 0x300 { return nil }
    if first &- leadBase < leadCount, second &- vowelBase < vowelCount {
      return syllableBase
        + ((first - leadBase) * vowelCount + second - vowelBase) * tailCount
    }
    let syllable = first &- syllableBase
    if syllable < leadCount * vowelCount * tailCount, syllable % tailCount == 0,
      second > tailBase, second < tailBase + tailCount
    {
      return first + second - tailBase
    }
    return second < 64 &* UInt32(seconds.count)
      && seconds[Int(second / 64)] &>> (second % 64) & 1 != 0
      ? lookUp(first, second) : nil
  }

  /// A bit for each scalar: whether it is the second of any pair.
  ///
  /// Few are, and most text asks.
  private static let seconds: [UInt64] = {
    let table = ScalarTrie.compositions
    var bits: [UInt64] = []
    for pair in 0..<table.utf8CodeUnitCount / 12 {
      let second = Int(ScalarTrie.number(table, 12 &* pair &+ 4, 4))
      while bits.count <= second / 64 { bits.append(0) }
      bits[second / 64] |= 1 << UInt64(second % 64)
    }
    return bits
  }()

  private static func lookUp(_ first: UInt32, _ second: UInt32) -> UInt32? {
    let table = ScalarTrie.compositions
    let wanted = UInt64(first) << 32 | UInt64(second)
    var low = 0
    var high = table.utf8CodeUnitCount / 12
    while low < high {
      let middle = (low + high) / 2
      let a = ScalarTrie.number(table, 12 &* middle, 4)
      let b = ScalarTrie.number(table, 12 &* middle &+ 4, 4)
      let found = UInt64(a) << 32 | UInt64(b)
      if found == wanted { return UInt32(ScalarTrie.number(table, 12 &* middle &+ 8, 4)) }
      if found < wanted { low = middle + 1 } else { high = middle }
    }
    return nil
  }
}

/// Marks, general category M* of Unicode 9.0: the same crate's `is_combining_mark`.
package enum CombiningMark {
  /// Whether `scalar` is one.
  @inline(__always)
  package static func contains(_ scalar: UInt32) -> Bool {
    scalar >= 0x300 && ScalarTrie.marks.one(scalar) != 0
  }
}
