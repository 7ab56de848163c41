/// Canonical decomposition and ordering (NFD), Unicode 9.0: the tables of the Rust crate
/// unicode-normalization-alignments 0.1.12.
package enum CanonicalDecomposition {
  /// The canonical combining class of `scalar`.
  package static func combiningClass(_ scalar: UInt32) -> UInt8 {
    if scalar < 0x300 { return 0 }
    let kind = ScalarTrie.combining.one(scalar)
    return UInt8(
      truncatingIfNeeded: ScalarTrie.number(ScalarTrie.combiningClasses, 2 &* kind, 2))
  }

  /// Calls `emit` with each scalar of the full canonical decomposition of `scalar`, in order.
  @inline(__always)
  package static func decompose(_ scalar: UInt32, _ emit: (UInt32) -> Void) {
    if scalar &- hangulBase < hangulCount { return decomposeHangul(scalar &- hangulBase, emit) }
    let index = ScalarTrie.decomposition.two(scalar)
    if index == 0 { return emit(scalar) }
    for i in 0..<4 {
      let part = UInt32(
        ScalarTrie.number(ScalarTrie.decompositions, 16 &* (index &- 1) &+ 4 &* i, 4))
      if part == 0 { return }
      emit(part)
    }
  }

  // Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
  private static let hangulBase: UInt32 = 0xAC00
  private static let hangulCount: UInt32 = 11_172
  private static let leadBase: UInt32 = 0x1100
  private static let vowelBase: UInt32 = 0x1161
  private static let tailBase: UInt32 = 0x11A7
  private static let vowelCount: UInt32 = 21
  private static let tailCount: UInt32 = 28

  @inline(__always)
  private static func decomposeHangul(_ index: UInt32, _ emit: (UInt32) -> Void) {
    emit(leadBase + index / (vowelCount * tailCount))
    emit(vowelBase + index % (vowelCount * tailCount) / tailCount)
    if index % tailCount != 0 { emit(tailBase + index % tailCount) }
  }
}
