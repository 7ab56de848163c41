import ArgumentParser
import Evaluation
import Failures

/// `--digits`, `--label` and `--summary`.
struct TableOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Decimals of values. (default: 4 in tables on a terminal, in LaTeX, Markdown and the page, 6 in \
      other tables, elsewhere as many as the number has)
      """, valueName: "n"))
  var digits: Int?

  @Option(
    help: ArgumentHelp(
      "Call a run by another name than its file's; may be repeated.", valueName: "name=run"))
  var label: [String] = []

  @Flag(
    help: "With --compare: print the values with their marks alone, without the table of tests.")
  var summary = false

  /// The names of runs.
  ///
  /// - Parameter runs: The operands.
  /// - Returns: What each run is called.
  /// - Throws: 64 for a label of no run, or a name that two runs would have.
  func names(of runs: [String]) throws(Failure) -> [String] {
    if let digits, !(0...15).contains(digits) {
      throw .usage("--digits: expected 0 to 15, found \(digits)")
    }
    var names = runs
    var labelled: Set<Int> = []
    for text in label {
      guard let mark = text.firstIndex(of: "="), mark > text.startIndex else {
        throw .usage("--label: expected name=run, found '\(text)'")
      }
      let (name, run) = (String(text[..<mark]), String(text[text.index(after: mark)...]))
      guard let place = runs.firstIndex(of: run) else {
        throw .usage(
          "--label: there is no run '\(run)'",
          hint: "the runs are \(runs.joined(separator: ", "))")
      }
      guard labelled.insert(place).inserted else {
        throw .usage("--label: expected one name for '\(run)', found two")
      }
      if name.contains(where: { $0 == "\t" || $0.isNewline }) {
        throw .usage("--label: expected a name without tabs and ends of lines")
      }
      names[place] = name
    }
    for (i, name) in names.enumerated() where names[..<i].contains(name) {
      throw .usage("--label: two runs would be called '\(name)'")
    }
    return names
  }
}
