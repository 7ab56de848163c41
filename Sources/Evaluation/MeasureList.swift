import Failures

extension MeasureRegistry {
  /// The measures of some names, each once.
  ///
  /// - Parameters:
  ///   - arguments: In ir-measures' notation or trec_eval's; of several in one, separated by commas or
  ///     spaces, each.
  ///   - judged: Whether Judged stands beside each, at its cutoff.
  ///   - renamed: Gets trec_eval's names, and ours for the same.
  /// - Returns: The measures in their order.
  /// - Throws: 64 for a name that no measure has.
  package static func measures(
    _ arguments: [String], judged: Bool,
    renamed: (_ name: String, _ ours: String) -> Void = { _, _ in }
  ) throws(Failure) -> [NamedMeasure] {
    var measures: [NamedMeasure] = []
    func add(_ measure: NamedMeasure) {
      if !measures.contains(where: { $0.name == measure.name }) { measures.append(measure) }
    }
    for name in arguments.flatMap(MeasureNames.split) {
      let (found, isTrecEval) = try self.measures(name)
      let names = found.map(\.name).joined(separator: ", ")
      if isTrecEval, names != name { renamed(name, names) }
      for measure in found {
        add(measure)
        guard judged else { continue }
        add(try self.measure(MeasureName("Judged", cutoff: measure.cutoff.map { "\($0)" })))
      }
    }
    return measures
  }

  /// The measures that one name stands for: one of ours, or all cutoffs of one of trec_eval's.
  private static func measures(
    _ name: String
  ) throws(Failure) -> (measures: [NamedMeasure], isTrecEval: Bool) {
    guard let names = try TrecNames.measures(name) else {
      return ([try measure(MeasureName(parsing: name))], false)
    }
    var measures: [NamedMeasure] = []
    for name in names { measures.append(try measure(name)) }
    return (measures, true)
  }

  /// The measure with this name.
  ///
  /// - Throws: 64 where there is none, with the nearest name; where a parameter makes no sense, or where
  ///   the name stands for several.
  package static func measure(_ text: String) throws(Failure) -> NamedMeasure {
    // P and its like need a cutoff here; in trec_eval they are nine measures.
    if let names = try TrecNames.measures(text), names.count == 1 { return try measure(names[0]) }
    return try measure(MeasureName(parsing: text))
  }
}

/// Several measures in one text.
enum MeasureNames {
  /// The names in a text, between commas or spaces that stand outside brackets and quotes.
  static func split(_ text: String) -> [String] {
    var names: [String] = []
    var current = ""
    var depth = 0
    var quote: Character?
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if "({".contains(character) {
        depth += 1
      } else if ")}".contains(character) {
        depth -= 1
      } else if depth <= 0, character == "," || character.isWhitespace {
        append(current, to: &names)
        current = character == "," ? "," : ""
        if current == ",", names.isEmpty { current = "" }
        continue
      }
      current.append(character)
    }
    append(current, to: &names)
    return names.isEmpty ? [text] : names
  }

  /// Appends a name, or what belongs to the one before: `@10`, `(rel=2)`, and the further numbers of
  /// `ndcg_cut.5,10`.
  private static func append(_ piece: String, to names: inout [String]) {
    let isBehindComma = piece.first == ","
    let name = isBehindComma ? String(piece.dropFirst()) : piece
    if name.isEmpty { return }
    guard let last = names.last else { return names.append(name) }
    let continues =
      "@(".contains(name.first ?? " ") || "@:".contains(last.last ?? " ")
    if continues {
      names[names.count - 1] = last + name
    } else if isBehindComma, isNumber(name), isTrecRequest(last) {
      names[names.count - 1] = "\(last),\(name)"
    } else {
      names.append(name)
    }
  }

  private static func isNumber(_ name: String) -> Bool {
    name.split(separator: "=", omittingEmptySubsequences: false).allSatisfy { Double($0) != nil }
  }

  private static func isTrecRequest(_ name: String) -> Bool {
    name.contains { "._".contains($0) } && !name.contains("@")
  }
}
