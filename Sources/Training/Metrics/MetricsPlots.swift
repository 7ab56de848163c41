import Evaluation
import JSON

/// The plots of training runs: losses, learning rate, gradients and measures.
package struct MetricsPlots: Sendable {
  private let runs: [MetricsFile]

  package init(_ runs: [MetricsFile]) { self.runs = runs }

  /// Keys of steps that are no losses.
  private static let others: Set = ["step", "epoch", "lr", "grad_norm", "tokens_per_second"]

  /// The plots, in the order in which they are drawn.
  package var plots: [Plot] {
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

  /// The names of a run's validations, in the order in which they appear.
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
