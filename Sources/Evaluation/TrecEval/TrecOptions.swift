import Failures

/// trec_eval's command line.
package struct TrecOptions: Sendable {
  /// What the first operand holds.
  package enum JudgementFormat: String, Sendable, CaseIterable {
    /// `query iteration doc grade`.
    case qrels
    /// `query judge doc grade`: each iteration holds one judge's judgements.
    case groups = "qrels_jg"
    /// `query judge group doc level`: preferences.
    case preferences = "prefs"
    /// Judgements, read as preferences of one judge an iteration.
    case qrelsPreferences = "qrels_prefs"
  }

  /// A measure that was asked for, with what stood behind its point.
  package struct Request: Sendable, Equatable {
    /// The measure's name, or a nickname of several.
    package var name: String
    /// Parameters; nil where there was no point.
    package var parameters: String?

    package init(name: String, parameters: String? = nil) {
      self.name = name
      self.parameters = parameters
    }
  }

  /// `-h`.
  package var wantsHelp = false
  /// `-v`.
  package var wantsVersion = false
  /// `-q`: values of queries, too.
  package var perQuery = false
  /// `-n` turns it off: the values over all.
  package var summary = true
  /// `-c`: all judged queries count.
  package var complete = false
  /// `-J`: unjudged documents are taken out.
  package var judgedOnly = false
  /// `-l`: the lowest grade that counts as relevant.
  package var level = 1
  /// `-N`: number of documents in the collection.
  package var documents = 0
  /// `-M`: most documents of a query.
  package var depth = Int.max
  /// `-R`.
  package var format = JudgementFormat.qrels
  /// `-Z`: means and standard deviations.
  package var zScores: String?
  /// `-D LEVEL.QUERY`: the one query that counts.
  package var onlyQuery: String?
  /// `-m`.
  package var measures: [Request] = []
  /// Judgements and run.
  package var operands: [String] = []

  private static let flags: [(long: String, short: Character, hasValue: Bool)] = [
    ("help", "h", false), ("version", "v", false), ("query_eval_wanted", "q", false),
    ("measure", "m", true), ("complete_rel_info_wanted", "c", false), ("level_for_rel", "l", true),
    ("nosummary", "n", false), ("Debug_level", "D", true), ("Judged_docs_only", "J", false),
    ("Number_docs_in_coll", "N", true), ("Max_retrieved_per_topic", "M", true),
    ("Rel_info_format", "R", true), ("Results_format", "T", true), ("Zscore", "Z", true),
  ]

  /// Reads arguments as `getopt_long` does: flags and operands mixed, flags run together, long
  /// flags cut short.
  ///
  /// - Throws: 64 where they make no sense.
  package init(_ arguments: [String]) throws(Failure) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        operands += rest
        break
      } else if argument.hasPrefix("--") {
        try takeLong(argument.dropFirst(2), &rest)
      } else if argument.hasPrefix("-"), argument.count > 1 {
        try takeShort(argument.dropFirst(), &rest)
      } else {
        operands.append(argument)
      }
    }
    if wantsHelp || wantsVersion { return }
    guard operands.count == 2 else {
      throw .usage(
        "trec_eval: expected judgements and a run, found \(operands.count) operands",
        hint: "lir-eval trec_eval [-q] [-m measure[.parameters]]… judgements run; -h says more")
    }
  }

  private mutating func takeLong(
    _ text: Substring, _ rest: inout ArraySlice<String>
  ) throws(Failure) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let matches = Self.flags.filter { $0.long.hasPrefix(parts[0]) }
    guard let flag = matches.first(where: { $0.long == parts[0] }) ?? matches.first,
      matches.count == 1 || flag.long == parts[0]
    else { throw .usage("trec_eval: unknown option --\(parts[0])") }
    guard flag.hasValue else {
      if parts.count > 1 { throw .usage("trec_eval: --\(flag.long) takes no value") }
      return try apply(flag.short, "")
    }
    guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
      throw .usage("trec_eval: --\(flag.long) needs a value")
    }
    try apply(flag.short, value)
  }

  private mutating func takeShort(
    _ text: Substring, _ rest: inout ArraySlice<String>
  ) throws(Failure) {
    var letters = text
    while let letter = letters.popFirst() {
      guard let flag = Self.flags.first(where: { $0.short == letter }) else {
        throw .usage("trec_eval: unknown option -\(letter)")
      }
      if !flag.hasValue {
        try apply(letter, "")
        continue
      }
      guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
        throw .usage("trec_eval: -\(letter) needs a value")
      }
      return try apply(letter, value)
    }
  }

  private mutating func apply(_ letter: Character, _ value: String) throws(Failure) {
    switch letter {
    case "h": wantsHelp = true
    case "v": wantsVersion = true
    case "q": perQuery = true
    case "n": summary = false
    case "c": complete = true
    case "J": judgedOnly = true
    case "l": level = try Self.integer("-l", value)
    case "N": documents = try Self.integer("-N", value)
    case "M": depth = try Self.integer("-M", value)
    case "Z": zScores = value
    case "D": onlyQuery = value.firstIndex(of: ".").map { String(value[$0...].dropFirst()) }
    case "R": try takeFormat(value)
    case "T":
      guard value == "trec_results" else {
        throw .usage("trec_eval: -T: expected trec_results, found '\(value)'")
      }
    default:
      let parts = value.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      measures.append(
        Request(name: String(parts[0]), parameters: parts.count > 1 ? String(parts[1]) : nil))
    }
  }

  private mutating func takeFormat(_ value: String) throws(Failure) {
    guard let format = JudgementFormat(rawValue: value) else {
      let names = JudgementFormat.allCases.map(\.rawValue).joined(separator: ", ")
      throw .usage("trec_eval: -R: expected one of \(names), found '\(value)'")
    }
    self.format = format
  }

  private static func integer(_ flag: String, _ text: String) throws(Failure) -> Int {
    guard let value = Int(text), value >= 0 else {
      throw .usage("trec_eval: \(flag): expected an integer from 0 on, found '\(text)'")
    }
    return value
  }
}
