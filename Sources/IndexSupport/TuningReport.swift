import Evaluation
import Retrieval
import ToolSupport

/// What tuning found, as text and as a picture.
package struct TuningReport {
  private let tuning: SearchTuning
  private let goal: TuningGoal
  private let queries: Int

  package init(_ tuning: SearchTuning, _ goal: TuningGoal, queries: Int) {
    self.tuning = tuning
    self.goal = goal
    self.queries = queries
  }

  /// Lines of flags, quality, milliseconds a query and queries a second, divided by tabs: the settings
  /// than which none is both as cheap and better, the cheapest first, after a comment that names the
  /// columns; at last the flags to use.
  package var text: String {
    var text = "# flags\t\(goal.measure)\tms/query\tqueries/s\n"
    for point in tuning.curve { text += line(point) + "\n" }
    let best = tuning.best
    text += "# use, for \(goal.measure) of \(ToolContext.fixed(goal.least, 3))"
    text += " on \(queries) queries:\n\(line(best))\n"
    return text
  }

  private func line(_ point: SearchTuning.Point) -> String {
    [
      point.flags, ToolContext.fixed(point.quality, 4),
      ToolContext.fixed(point.seconds * 1000, 3),
      ToolContext.fixed(1 / max(point.seconds, 1e-9), 0),
    ].joined(separator: "\t")
  }

  /// The curve as SVG.
  package var picture: String {
    let points = tuning.curve.map { (x: $0.quality, y: 1 / max($0.seconds, 1e-9)) }
    return Plot.file([
      Curves(
        "Queries a second of processor time", "\(queries) queries; use \(tuning.best.flags)",
        x: goal.measure, y: "queries/s", [Curves.Series("settings", points)]
      ).plot()
    ])
  }
}
