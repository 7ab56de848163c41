import Failures
import Retrieval

/// What can be said of feedback, by Anserini's names and with its defaults.
///
/// No parameter has a recorded default: a search without feedback is what it was.
extension Feedback {
  private static let rm3 = "rm3"
  private static let rocchio = "rocchio"
  private static let useNegative = "rocchio-use-negative"

  /// Names by what they need.
  private static let dependent: [(needed: String, names: [String])] = [
    (rm3, ["rm3-fb-docs", "rm3-fb-terms", "rm3-original-query-weight", "rm3-no-term-filter"]),
    (
      rocchio,
      [
        "rocchio-top-fb-docs", "rocchio-top-fb-terms", "rocchio-alpha", "rocchio-beta", useNegative,
      ]
    ),
    (useNegative, ["rocchio-bottom-fb-docs", "rocchio-bottom-fb-terms", "rocchio-gamma"]),
  ]

  static let parameters: [IndexParameter] = [
    flag(
      rm3, "Search a second time, with terms of the first documents: RM3. The index needs vectors."),
    count("rm3-fb-docs", "Documents that RM3 takes terms from; 10 unless said."),
    count("rm3-fb-terms", "Terms that RM3 takes; 10 unless said."),
    IndexParameter(
      "rm3-original-query-weight", .search, .number(0...1), default: nil,
      "Share of the query itself in RM3's; 0.5 unless said."),
    flag(
      "rm3-no-term-filter", "Let RM3 take terms that are more than letters a to z and digits, too."),
    flag(
      rocchio, "Search a second time, near the first documents: Rocchio. The index needs vectors."),
    count("rocchio-top-fb-docs", "Documents that Rocchio takes terms from; 10 unless said."),
    count("rocchio-top-fb-terms", "Terms that Rocchio takes; 10 unless said."),
    weight("rocchio-alpha", "Weight of the query itself; 1 unless said."),
    weight("rocchio-beta", "Weight of the first documents; 0.75 unless said."),
    flag(useNegative, "Go away from the last of the first 50 documents, too."),
    count("rocchio-bottom-fb-docs", "Last documents that Rocchio looks at; 10 unless said."),
    count("rocchio-bottom-fb-terms", "Terms of theirs; 10 unless said."),
    weight("rocchio-gamma", "Weight of the last documents; 0.15 unless said."),
  ]

  private static func flag(_ name: String, _ meaning: String) -> IndexParameter {
    IndexParameter(name, .search, .flag, default: nil, meaning)
  }

  private static func count(_ name: String, _ meaning: String) -> IndexParameter {
    IndexParameter(name, .search, .integer(1...Int(Int32.max)), default: nil, meaning)
  }

  private static func weight(_ name: String, _ meaning: String) -> IndexParameter {
    IndexParameter(name, .search, .number(0...Double.infinity), default: nil, meaning)
  }

  /// The feedback that was asked for; nil for none.
  ///
  /// - Throws: 64 for both methods, or for a parameter of one that is not asked for.
  init?(_ arguments: IndexArguments) throws(Failure) {
    for (needed, names) in Self.dependent where !arguments.flag(needed) {
      if let name = names.first(where: { arguments.text($0) != nil }) {
        throw .usage("--\(name) is for --\(needed)")
      }
    }
    func count(_ name: String) -> Int { arguments.text(name).flatMap { Int($0) } ?? 10 }
    func number(_ name: String, _ usual: Float) -> Float {
      arguments.text(name).flatMap { Float($0) } ?? usual
    }
    switch (arguments.flag(Self.rm3), arguments.flag(Self.rocchio)) {
    case (true, true): throw .usage("--rm3 and --rocchio: expected one of them")
    case (false, false): return nil
    case (true, false):
      self.init(
        documents: count("rm3-fb-docs"), terms: count("rm3-fb-terms"),
        method: .rm3(
          originalWeight: number("rm3-original-query-weight", 0.5),
          filtersTerms: !arguments.flag("rm3-no-term-filter")))
    case (false, true):
      let negative = Negative(
        documents: count("rocchio-bottom-fb-docs"), terms: count("rocchio-bottom-fb-terms"),
        gamma: number("rocchio-gamma", 0.15))
      self.init(
        documents: count("rocchio-top-fb-docs"), terms: count("rocchio-top-fb-terms"),
        method: .rocchio(
          alpha: number("rocchio-alpha", 1), beta: number("rocchio-beta", 0.75),
          negative: arguments.flag(Self.useNegative) ? negative : nil))
    }
  }

  /// The flag that asks for the method.
  var name: String { if case .rm3 = method { Self.rm3 } else { Self.rocchio } }
}
