/// One parameter of a type of index: a long flag of lir-index or lir-search.
package struct IndexParameter: Sendable {
  package enum Stage: Sendable { case build, search }

  package enum Form: Sendable {
    case integer(ClosedRange<Int>)
    /// An integer, or `all`.
    case limit(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case word([String])
    /// One of some words, or the path of a file, which is recorded as `file`: an index tells itself where
    /// its files are.
    case wordOrFile([String])
    /// On where it is given.
    case flag
  }

  /// The long flag without its dashes.
  package var name: String
  /// Other names of it.
  package var aliases: [String]
  package var stage: Stage
  package var form: Form
  /// Default, as a user would write it; nil for none.
  package var value: String?
  /// What it means, a sentence.
  package var meaning: String
  /// Other texts of some values, and what is recorded of them.
  package var synonyms: [String: String]

  package init(
    _ name: String, aliases: [String] = [], _ stage: Stage, _ form: Form, default value: String?,
    synonyms: [String: String] = [:], _ meaning: String
  ) {
    self.name = name
    self.aliases = aliases
    self.stage = stage
    self.form = form
    self.value = value
    self.meaning = meaning
    self.synonyms = synonyms
  }

  /// What a value must be, in words.
  package var expected: String {
    switch form {
    case .integer(let range): Self.words(range)
    case .limit(let range): Self.words(range) + ", or all"
    case .number(let range):
      range.upperBound.isFinite
        ? "a number from \(range.lowerBound) to \(range.upperBound)"
        : "a number from \(range.lowerBound) up"
    case .word(let words): words.joined(separator: " or ")
    case .wordOrFile(let words): words.joined(separator: ", ") + " or a file"
    case .flag: "true or false"
    }
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "an integer from \(range.lowerBound) up"
      : "an integer from \(range.lowerBound) to \(range.upperBound)"
  }

  /// What is recorded of a file.
  static let file = "file"

  /// Whether the parameter says where files go, and nothing of what is in them.
  var isPlace: Bool { if case .wordOrFile = form { true } else { false } }

  /// Whether a text is a value of the parameter.
  func accepts(_ text: String) -> Bool {
    switch form {
    case .integer(let range): Int(text).map(range.contains) ?? false
    case .limit(let range): text == "all" || Int(text).map(range.contains) ?? false
    case .number(let range): Double(text).map { $0.isFinite && range.contains($0) } ?? false
    case .word(let words): words.contains(text)
    case .wordOrFile: !text.isEmpty && text != "-"
    case .flag: text == "true" || text == "false"
    }
  }
}
