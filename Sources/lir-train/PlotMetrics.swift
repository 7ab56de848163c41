import ArgumentParser
import Evaluation
import Failures
import JSON
import Streams
import ToolSupport

/// `lir-train plot`: `metrics.jsonl` as SVG.
struct PlotMetrics: ToolCommand {
  static let tool = "lir-train"
  static let isSilent = true

  static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw losses, learning rate and measures of a training run.")

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("SVG file; - for the standard output.", valueName: "file"))
  var output: String = "-"

  @Argument(help: "Folder of a training run, or its metrics.jsonl; several are drawn together.")
  var runs: [String]

  func execute(_ context: ToolContext) throws {
    var runs: [MetricsFile] = []
    for run in self.runs {
      runs.append(try MetricsFile(run, name: self.runs.count > 1 ? "\(run): " : ""))
    }
    let writer = try ByteWriter(output, compression: Compression.none)
    try writer.write(Plot.file(MetricsPlots(runs).plots))
    try writer.finish()
  }
}

/// What a training run has logged.
struct MetricsFile {
  /// Put in front of the names of curves.
  let name: String
  /// Objects of steps, and of validations.
  private(set) var steps: [JSON] = []
  private(set) var validations: [JSON] = []
  /// Of what a scale holds.
  private static let largest = 1e300

  /// - Throws: 65 for a line that is no JSON object with a step, or a file without lines.
  init(_ path: String, name: String) throws(Failure) {
    self.name = name
    let file = WholeFile.isDirectory(path) ? "\(path)/metrics.jsonl" : path
    let lines = LineReader(try ByteReader(file))
    while let block = try lines.next() {
      try block.forEachLine { line, start, number throws(Failure) in
        let json: JSON
        do throws(JSONError) { json = try JSONParser.parse(line) } catch {
          // A line that a run is just writing; what is before it is drawn.
          if start + line.count == block.bytes.count { return }
          throw .line(file, number, expected: error.expected, found: error.found)
        }
        guard json["step"]?.integer != nil else {
          throw .line(
            file, number, expected: "an object with a step",
            found: json.members == nil ? json.kindName : "one without")
        }
        if let value = (json.members ?? []).compactMap(\.value.double).first(where: {
          abs($0) > Self.largest
        }) {
          throw .line(file, number, expected: "numbers up to \(Self.largest)", found: "\(value)")
        }
        if json["validation"]?.string == nil {
          steps.append(json)
        } else {
          validations.append(json)
        }
      }
    }
    if steps.isEmpty { throw .data(file, "expected metrics of a training run, found none") }
  }

  /// A curve of the values under a key.
  func series(_ key: String, in lines: [JSON], as label: String? = nil) -> Curves.Series {
    Curves.Series(
      name + (label ?? key),
      lines.compactMap { line in
        guard let x = line["step"]?.integer, let y = line[key]?.double else { return nil }
        return (Double(x), y)
      })
  }
}

/// The pictures of training runs.
struct MetricsPlots {
  private let runs: [MetricsFile]

  init(_ runs: [MetricsFile]) { self.runs = runs }

  /// Keys of steps that are no losses.
  private static let others: Set = ["step", "epoch", "lr", "grad_norm", "tokens_per_second"]

  var plots: [Plot] {
    let losses = runs.flatMap { run in
      keys(run.steps, without: Self.others).map { run.series($0, in: run.steps) }
    }
    var plots = [
      Curves("Loss", "of each step's batches", x: "step", y: "loss", losses).plot(),
      Curves(
        "Learning rate", "as the schedule has it", x: "step", y: "learning rate",
        runs.map { $0.series("lr", in: $0.steps, as: "lr") }
      ).plot(width: Plot.narrow),
      Curves(
        "Gradient", "its norm, before clipping", x: "step", y: "norm",
        runs.map { $0.series("grad_norm", in: $0.steps, as: "grad_norm") }
      ).plot(width: Plot.narrow),
    ]
    let measures = keys(runs.flatMap(\.validations), without: ["step", "validation"])
    for measure in measures {
      let curves = runs.flatMap { run in
        names(run).map { name in
          run.series(
            measure, in: run.validations.filter { $0["validation"]?.string == name }, as: name)
        }
      }
      plots.append(
        Curves(measure, "of the validation data", x: "step", y: measure, curves)
          .plot(width: measures.count == 1 ? Plot.wide : Plot.narrow))
    }
    return plots
  }

  private func names(_ run: MetricsFile) -> [String] {
    var names: [String] = []
    for name in run.validations.compactMap({ $0["validation"]?.string })
    where !names.contains(name) { names.append(name) }
    return names
  }

  /// Keys of objects, in the order in which they appear.
  private func keys(_ lines: [JSON], without others: Set<String>) -> [String] {
    var keys: [String] = []
    var known = others
    for member in lines.lazy.flatMap({ $0.members ?? [] }) where known.insert(member.key).inserted {
      keys.append(member.key)
    }
    return keys
  }
}
