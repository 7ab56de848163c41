/// General categories, Unicode 16.0: those of `\p{…}` in Oniguruma, with which Hugging Face
/// `tokenizers` 0.22 runs regular expressions.
package struct GeneralCategory: OptionSet, Sendable {
  package let rawValue: UInt32

  @inline(__always)
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The order of the table.
  private static let names = [
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs",
  ]

  package static let all = GeneralCategory(rawValue: 0x3FFF_FFFF)
  package static let letters = named("L") ?? []
  package static let numbers = named("N") ?? []
  package static let marks = named("M") ?? []
  /// Nd.
  package static let digits = named("Nd") ?? []

  /// The categories called `Lu`, or those that start with `L`.
  package static func named(_ name: String) -> GeneralCategory? {
    var found: GeneralCategory = []
    for (index, full) in names.enumerated()
    where full == name || name.utf8.count == 1 && full.hasPrefix(name) {
      found.insert(GeneralCategory(rawValue: 1 << UInt32(index)))
    }
    return found.isEmpty ? nil : found
  }

  /// Not assigned in Unicode 16.0, numeric in 17.0.
  private static let laterNumber = 30

  /// The category of `scalar`.
  @inline(__always)
  package static func of(_ scalar: UInt32) -> GeneralCategory {
    let index = ScalarTrie.categories.one(scalar)
    return GeneralCategory(rawValue: index == laterNumber ? 1 : 1 &<< UInt32(index))
  }

  /// Whether `scalar` is numeric (N*) in Unicode 17.0: Rust's `char::is_numeric`.
  package static func isNumeric(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return scalar &- 0x30 < 10 }
    let index = ScalarTrie.categories.one(scalar)
    return (9...11).contains(index) || index == laterNumber
  }
}
