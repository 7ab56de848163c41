import Evaluation
import ToolSupport
import Training

/// What a training run says on the standard error: a progress line on a terminal, a line now and then
/// where there is none, and a line a validation.
struct FitReport {
  private let configuration: TrainingConfiguration
  private let context: ToolContext
  private let steps: Int
  /// The step that this call began behind, and when.
  private let start: (step: Int, seconds: Double)
  private var lastLine: Double
  /// Losses of which something was said already.
  private var warned: Set<Int> = []

  /// Seconds between two lines where no progress line is shown.
  private static let pause = 60.0

  init(_ configuration: TrainingConfiguration, _ context: ToolContext, steps: Int, from step: Int) {
    self.configuration = configuration
    self.context = context
    self.steps = steps
    start = (step, context.seconds)
    lastLine = context.seconds
    context.progress.expect(steps - step, "steps")
  }

  /// Shows what a step did.
  mutating func show(_ report: StepReport) {
    for term in report.withoutPairs where warned.insert(term).inserted {
      context.diagnostics.warning(
        "step \(report.step): no query of a batch has documents with different targets, so that "
          + "\(configuration.losses[term].name) counts as 0 there")
    }
    let values =
      "loss \(ToolContext.fixed(report.loss, 4)), lr \(DecimalText.general(report.learningRate))"
    context.progress.note("; step \(report.step) of \(steps), \(values)")
    context.count(records: report.queries, steps: 1)
    let now = context.seconds
    let isDue =
      configuration.logEvery.map { report.step % $0 == 0 }
      ?? (!context.progress.isOn && now - lastLine >= Self.pause)
    guard isDue else { return }
    lastLine = now
    let rate = Double(report.step - start.step) / max(now - start.seconds, 1e-9)
    let left = Double(steps - report.step) / rate
    context.say(
      "step \(report.step) of \(steps), \(values), \(DecimalText.general((rate * 100).rounded() / 100))"
        + " steps/s, \(ToolContext.fixed(left, 0)) s left",
      [
        ("step", "\(report.step)"), ("steps", "\(steps)"), ("loss", "\(report.loss)"),
        ("lr", "\(report.learningRate)"),
      ])
  }

  /// Shows what a validation found.
  ///
  /// - Parameters:
  ///   - name: The validation's.
  ///   - step: The step after which it took place.
  ///   - values: Its measures and their values.
  ///   - isBest: Whether it made the model the best one so far.
  func show(
    validation name: String, step: Int, _ values: [(name: String, value: Double)], isBest: Bool
  ) {
    let texts = values.map { "\($0.name) \(ToolContext.fixed($0.value, 4))" }
    context.say(
      "step \(step) of \(steps), \(name): " + texts.joined(separator: ", ")
        + (isBest ? " (the best so far)" : ""),
      [("step", "\(step)"), ("validation", name)] + values.map { ($0.name, "\($0.value)") })
  }
}
