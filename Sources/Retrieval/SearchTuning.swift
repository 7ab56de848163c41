import Failures
import Glibc
import IndexFormat
import Vectors

/// Tries the settings of an index on some queries, to find the cheapest that reaches a goal.
package struct SearchTuning {
  /// What a setting came to.
  package struct Point: Sendable {
    /// Values of search parameters, beside those that were said.
    package var setting: [IndexArguments.Given]
    /// The part of what exact search gives.
    package var quality: Double
    /// Processor seconds a query.
    package var seconds: Double

    package init(_ setting: [IndexArguments.Given], quality: Double, seconds: Double) {
      self.setting = setting
      self.quality = quality
      self.seconds = seconds
    }

    /// The setting as flags.
    package var flags: String {
      setting.map { $0.value == "true" ? "--\($0.name)" : "--\($0.name) \($0.value)" }
        .joined(separator: " ")
    }
  }

  /// Every setting in the order in which they were tried; the last one is exact.
  package let points: [Point]
  private let goal: TuningGoal

  /// What a quality is not below where it is as good: sums are rounded.
  private static let slack = 1e-9
  /// How often each setting is timed; the least counts.
  private static let turns = 2

  /// Tries all settings.
  ///
  /// - Parameters:
  ///   - goal: What is to be reached.
  ///   - type: The index's type.
  ///   - given: Parameters that were said, and stay.
  ///   - request: The queries, and what may answer them.
  ///   - judge: The quality of answers beside those of exact search.
  ///   - open: Opens the index with parameters.
  /// - Throws: 64 for a type or parameters that leave nothing to be tried; what searching throws.
  package init(
    _ goal: TuningGoal, _ type: any IndexType.Type, _ given: [IndexArguments.Given],
    _ request: SearchRequest,
    judge: (_ found: [[TopDocuments.Entry]], _ exact: [[TopDocuments.Entry]]) -> Double,
    open: ([IndexArguments.Given]) throws(Failure) -> any SearchableIndex
  ) throws(Failure) {
    let knobs = try Self.knobs(type, given)
    self.goal = goal
    func timed(
      _ setting: [IndexArguments.Given]
    ) throws(Failure) -> (found: [[TopDocuments.Entry]], seconds: Double) {
      let index = try open(setting + given)
      var found: [[TopDocuments.Entry]] = []
      var least = Double.infinity
      for _ in 0..<Self.turns {
        let start = Self.processorSeconds
        found = try index.search(request)
        least = min(least, Self.processorSeconds - start)
      }
      return (found, least / Double(max(1, request.ids.count)))
    }
    let exact: [IndexArguments.Given] =
      type.isExactOnRequest
      ? [(name: "exact", value: "true")]
      : knobs.map { (name: $0.name, value: $0.values[$0.values.count - 1]) }
    let (wanted, seconds) = try timed(exact)
    var points: [Point] = []
    for setting in SearchKnob.combinations(of: knobs) {
      let (found, seconds) = try timed(setting)
      points.append(Point(setting, quality: judge(found, wanted), seconds: seconds))
    }
    points.append(Point(exact, quality: judge(wanted, wanted), seconds: seconds))
    self.points = points
  }

  /// Points that were measured elsewhere.
  package init(_ goal: TuningGoal, _ points: [Point]) {
    self.goal = goal
    self.points = points
  }

  /// The knobs that were not set.
  private static func knobs(
    _ type: any IndexType.Type, _ given: [IndexArguments.Given]
  ) throws(Failure) -> [SearchKnob] {
    if type.knobs.isEmpty {
      throw .usage("--tune: \(type.name) has nothing to tune", hint: "its search is exact")
    }
    if given.contains(where: { $0.name == "exact" && $0.value == "true" }) {
      throw .usage("--tune and --exact exclude each other")
    }
    let knobs = type.knobs.filter { knob in
      let aliases = type.parameters.first { $0.name == knob.name }?.aliases ?? []
      return !given.contains { $0.name == knob.name || aliases.contains($0.name) }
    }
    if knobs.isEmpty {
      let names = type.knobs.map { "--\($0.name)" }.joined(separator: ", ")
      throw .usage("--tune: nothing is left to tune, where \(names) is said")
    }
    return knobs
  }

  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// The cheapest setting that reaches the goal: the exact one where no other does.
  package var best: Point {
    let reaching = points.filter { $0.quality >= goal.least - Self.slack }
    return reaching.min { $0.seconds < $1.seconds } ?? points[points.count - 1]
  }

  /// The settings than which none is both as cheap and better, the cheapest first.
  package var curve: [Point] {
    var curve: [Point] = []
    let ordered = points.sorted { a, b in
      a.seconds != b.seconds ? a.seconds < b.seconds : a.quality > b.quality
    }
    for point in ordered where point.quality > (curve.last?.quality ?? -.infinity) {
      curve.append(point)
    }
    return curve
  }
}

extension IndexType {
  /// Whether `--exact` compares all documents.
  package static var isExactOnRequest: Bool {
    parameters(.search).contains { $0.name == "exact" }
  }
}
