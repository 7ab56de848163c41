import Failures

/// One value that trec_eval prints.
struct TrecColumn: Sendable {
  /// Where the value comes from.
  enum Source: Sendable {
    /// The run's tag.
    case runID
    /// A query each.
    case queryCount
    /// The first grades, a character each.
    case grades(Int)
    /// A measure of ours.
    case measure(any Measure)
    /// A measure of ours, averaged over judges.
    case groups(any Measure)
    /// A count or ratio of preferences.
    case preferences(PreferenceMeasure)
  }

  let name: String
  let source: Source
  let aggregation: MeasureAggregation
  /// Name of the measure of ours that the value is of; nil for values that are of none.
  var measureName: MeasureName?
  /// The recalls at which precision is interpolated, and the grade that counts there.
  var recalls: (points: [Double], level: Int)?
  /// Whether values of queries are printed.
  var isPerQuery: Bool {
    switch source {
    case .runID, .queryCount: false
    default: aggregation != .geometricMean
    }
  }
  /// Whether it has a number at all.
  var isNumber: Bool {
    switch source {
    case .runID, .grades: false
    default: true
    }
  }
}

/// Makes columns of what was asked for.
struct TrecColumnBuilder {
  let level: Int
  let documents: Int

  /// The columns of a measure.
  func columns(_ measure: TrecMeasure, _ text: String?) throws(Failure) -> [TrecColumn] {
    switch measure.parameters {
    case .ranks(let initial):
      return try different(text, initial, measure, Self.rank).sorted().map { rank throws(Failure) in
        if rank < 1 { throw Self.failure(measure, "ranks from 1 on", "\(rank)") }
        return try column(measure, "\(measure.name)_\(rank)", cutoff: "\(rank)")
      }
    case .fractions(let initial):
      return try different(text, initial, measure, Self.number).sorted().map {
        value throws(Failure) in
        try column(
          measure, "\(measure.name)_" + DecimalText.fixed(value, 2, width: 3), cutoff: "\(value)")
      }
    case .none:
      // trec_eval takes no notice of what stands there.
      return [try column(measure, measure.name)]
    case .numbers:
      return [try numbers(measure, text)]
    case .pairs:
      return [
        try column(
          measure, Self.name(measure, text), parameters: try text.map(pairs(measure)) ?? [])
      ]
    }
  }

  private static func name(_ measure: TrecMeasure, _ text: String?) -> String {
    text.map { "\(measure.name)_\($0)" } ?? measure.name
  }

  private static func rank(_ text: Substring) -> Int? {
    // 23.4 is 23 to trec_eval.
    Int(text) ?? Double(text).flatMap { Int(exactly: $0.rounded(.towardZero)) }
  }

  private static func number(_ text: Substring) -> Double? {
    Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  private static func failure(
    _ measure: TrecMeasure, _ expected: String, _ found: String
  ) -> Failure {
    .usage("trec_eval: \(measure.name): expected \(expected), found '\(found)'")
  }

  private func different<T: Hashable>(
    _ text: String?, _ initial: [T], _ measure: TrecMeasure, _ parse: (Substring) -> T?
  ) throws(Failure) -> [T] {
    guard let text else { return initial }
    let values = try values(text, measure, parse)
    guard Set(values).count == values.count else {
      throw Self.failure(measure, "different numbers", text)
    }
    return values
  }

  private func values(_ text: String?, _ measure: TrecMeasure) throws(Failure) -> [Double] {
    guard let text else { return [] }
    return try values(text, measure, Self.number)
  }

  private func values<T>(
    _ text: String, _ measure: TrecMeasure, _ parse: (Substring) -> T?
  ) throws(Failure) -> [T] {
    var values: [T] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = parse(part) else {
        throw Self.failure(measure, "numbers with commas between", text)
      }
      values.append(value)
    }
    return values
  }

  private func numbers(_ measure: TrecMeasure, _ text: String?) throws(Failure) -> TrecColumn {
    let values = try self.values(text, measure)
    let name = Self.name(measure, text)
    if measure.measure == "relstring" {
      let length = values.first ?? 10
      return TrecColumn(
        name: name, source: .grades(Int(max(0, min(length, 1e9)))), aggregation: .mean)
    }
    var parameters: [(String, MeasureName.Value)] = []
    if measure.keys.count == 1, measure.name != "set_F" {
      if text != nil {
        parameters = [(measure.keys[0], .string(values.map { "\($0)" }.joined(separator: ",")))]
      }
    } else {
      guard text == nil || values.count >= measure.keys.count else {
        throw Self.failure(measure, "\(measure.keys.count) numbers", text ?? "")
      }
      for (key, value) in zip(measure.keys, values) {
        parameters.append((key, .number(value)))
      }
    }
    if measure.name == "utility" { parameters.append(("docs", .integer(documents))) }
    return try column(measure, name, parameters: parameters)
  }

  private func pairs(
    _ measure: TrecMeasure
  ) -> (String) throws(Failure) -> [(String, MeasureName.Value)] {
    { text throws(Failure) in
      var table: [Int: Double] = [:]
      var parameters: [(String, MeasureName.Value)] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let sides = part.split(separator: "=", omittingEmptySubsequences: false)
        guard sides.count == 2, let value = Self.number(sides[1]) else {
          throw Self.failure(measure, "level=gain with commas between", text)
        }
        if let level = Int(sides[0]) {
          table[level] = value
        } else if sides[0] == "p", measure.name.hasPrefix("rbp") {
          parameters.append(("p", .number(value)))
        }
      }
      if !table.isEmpty, measure.name != "rbp_resid" { parameters.append(("gains", .table(table))) }
      return parameters
    }
  }

  /// A column with a measure of ours.
  private func column(
    _ measure: TrecMeasure, _ name: String, cutoff: String? = nil,
    parameters: [(String, MeasureName.Value)] = []
  ) throws(Failure) -> TrecColumn {
    switch measure.name {
    case "runid": return TrecColumn(name: name, source: .runID, aggregation: .sum)
    case "num_q":
      return TrecColumn(
        name: name, source: .queryCount, aggregation: .sum, measureName: MeasureName("NumQ"))
    default: break
    }
    if measure.subject == .preferences, let found = PreferenceMeasures.find(name) {
      return TrecColumn(
        name: name, source: .preferences(found), aggregation: found.isCount ? .sum : .mean)
    }
    var parameters = parameters
    let type = try MeasureRegistry.type(of: MeasureName(measure.measure))
    let isLevelled = type.description.parameters.contains { $0.name == "rel" }
    if isLevelled, measure.name != "num_ret" { parameters.append(("rel", .integer(level))) }
    if measure.name == "set_relative_P" { parameters.append(("relative", .boolean(true))) }
    let full = MeasureName(
      provider: measure.name == "iprec_at_recall" ? "trec" : nil, measure.measure, parameters,
      cutoff: cutoff)
    let made = try MeasureRegistry.measure(full)
    var column = TrecColumn(
      name: name,
      source: measure.subject == .groups ? .groups(made.measure) : .measure(made.measure),
      aggregation: made.description.aggregation)
    if measure.subject == .qrels { column.measureName = full }
    if let interpolated = made.measure as? any InterpolatingMeasure {
      column.recalls = (interpolated.recalls, level)
    }
    return column
  }
}
