import ArgumentParser
import Evaluation
import Failures
import Streams

/// `--plot`, `--report`, and what goes into them.
struct ReportOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      SVG of the queries' differences from the baseline (of their values, for one run) by the first \
      measure, and of precision and recall.
      """, valueName: "file"))
  var plot: String?

  @Option(
    help: ArgumentHelp(
      "HTML page with tables, plots, and the documents of every query.", valueName: "file"))
  var report: String?

  @Option(
    name: [.customLong("queries"), .customLong("queries-text")],
    help: ArgumentHelp("Text records of the queries, for --report.", valueName: "file"))
  var queriesText: String?

  @Option(
    help: ArgumentHelp(
      "Text records of the documents, for --report, of any size; may be repeated.",
      valueName: "file"))
  var docs: [String] = []

  @Option(
    help: ArgumentHelp("Documents of a run and query that --report shows.", valueName: "n"))
  var reportDocs: Int = 10

  @Option(
    help: ArgumentHelp(
      """
      Queries that --report shows documents of: of more, those where the runs differ most by the \
      first measure, or where one run is worst.
      """, valueName: "n"))
  var reportQueries: Int = 1000

  @Option(
    help: ArgumentHelp("Characters of a text that --report shows.", valueName: "n"))
  var reportCharacters: Int = 600

  @Option(help: ArgumentHelp("Title of the page. (default: Evaluation)", valueName: "text"))
  var title: String?

  var isWanted: Bool { plot != nil || report != nil }

  /// What the page shows; 64 where that makes no sense.
  func limits(digits: Int?) throws(Failure) -> ReportPage.Limits {
    if report == nil, title != nil { throw .usage("--title is for --report") }
    if report == nil, queriesText != nil || !docs.isEmpty {
      throw .usage("--queries and --docs are for --report")
    }
    guard reportDocs >= 1 else {
      throw .usage("--report-docs: expected at least 1, found \(reportDocs)")
    }
    guard reportQueries >= 0 else {
      throw .usage("--report-queries: expected 0 or more, found \(reportQueries)")
    }
    guard reportCharacters >= 1 else {
      throw .usage("--report-characters: expected at least 1, found \(reportCharacters)")
    }
    var limits = ReportPage.Limits()
    if let digits { limits.digits = digits }
    limits.documents = reportDocs
    limits.queries = reportQueries
    limits.characters = reportCharacters
    return limits
  }

  /// Refuses outputs that are one file.
  func check(_ output: String) throws(Failure) {
    var places: [OutputPlace] = []
    for path in [output] + [plot, report].compactMap({ $0 }) {
      let place = try OutputPlace(path)
      if places.contains(place) {
        throw .usage("expected outputs that differ, found \(path) twice")
      }
      places.append(place)
    }
  }
}
