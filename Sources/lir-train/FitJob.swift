import Failures
import Kernels
import Streams
import ToolSupport
import Training

/// One training run: from its start or from its last checkpoint to its end, or to a signal.
///
/// Of several processes, each of which knows all that the run is, the first one writes and talks.
struct FitJob {
  private let configuration: TrainingConfiguration
  private let context: ToolContext
  private let folders: CheckpointFolders
  private let training: TrainingRun
  private let writer: ModelFolderWriter
  private let checkpoints: CheckpointWriter
  private let validations: [Validation]
  private let identity: RunIdentity
  /// Keeps others off the output, where this is the process that writes.
  private let claim: CheckpointFolders.Claim?
  private let resumes: Bool
  private let ranks: (any Ranks)?
  private var isFirst: Bool { ranks?.isFirst ?? true }

  init(
    _ configuration: TrainingConfiguration, _ output: String, resumes: Bool,
    _ kernels: Kernels, _ ranks: (any Ranks)?, _ context: ToolContext
  ) throws(Failure) {
    self.configuration = configuration
    self.context = context
    self.resumes = resumes
    self.ranks = ranks
    let isFirst = ranks?.isFirst ?? true
    if isFirst { try CheckpointFolders.checkOutput(output, resumes: resumes) }
    // The others find what the first one makes.
    if !isFirst { ranks?.wait() }
    folders = try CheckpointFolders(output)
    claim = isFirst ? try folders.claim() : nil
    let models = try TrainingModel(configuration, folders, makesStart: isFirst)
    if isFirst { ranks?.wait() }
    identity = try RunIdentity(
      configuration, model: "\(models.digest) \(try models.plain.folder.digest())")
    let (pool, diagnostics) = (context.pool, context.diagnostics)
    let scratch = folders.root
    func opener(_ seed: UInt64) -> DataOpener {
      DataOpener(scratchFolder: scratch, pool, seed: seed) {
        if isFirst { diagnostics.warning($0) }
      }
    }
    training = try TrainingRun(
      configuration, models.description, kernels, pool, ranks: ranks, opener: opener)
    writer = try ModelFolderWriter(models.plain, training.trained, training.lowRank)
    checkpoints = CheckpointWriter(
      folders, training, writer, identity, configuration: YAMLFile.text(configuration.effective))
    let fresh = training.trained.model.freshTensors
    for part in configuration.optimizer.noDecay where isFirst {
      if training.trained.store.parameters.contains(where: { $0.name.contains(part) }) { continue }
      diagnostics.warning("optimizer.no_decay: no weight has \(part) in its name")
    }
    if isFirst, !fresh.isEmpty {
      diagnostics.warning(
        "\(configuration.model): made anew, as the checkpoint lacks it: "
          + fresh.joined(separator: ", "))
    }
    var validations: [Validation] = []
    for validation in configuration.validations {
      validations.append(
        try Validation(
          validation, batchSize: configuration.batchSize, opener(configuration.seed), pool))
    }
    self.validations = validations
  }

  func run() throws(Failure) {
    if !isFirst { context.omitSummary() }
    var state = try start()
    if folders.isDone {
      let goesOn = isFirst ? try isToGoOn() : false
      guard ranks?.any(goesOn) ?? goesOn else {
        // The last checkpoint may be of an earlier step; a log that is gone or odd stops nobody.
        let logged = try? MetricsFile(folders.root).steps.last?["step"]?.integer
        return context.report("steps", "\(logged ?? state.step)")
      }
    }
    if isFirst {
      try folders.reopen()
      try checkpoints.writeConfiguration(into: folders.root)
      if state.step > 0 { try checkpoints.settle(state) }
    }
    StopRequest.install()
    let metrics =
      isFirst ? try MetricsLog("\(folders.root)/metrics.jsonl", keeping: state.step) : nil
    let queries = (training.steps - state.step).multipliedReportingOverflow(
      by: configuration.batchSize * configuration.accumulate)
    context.progress.expect(queries.overflow ? .max : queries.partialValue)
    var last = context.seconds
    var warned: Set<Int> = []
    while !training.isDone, !state.isStopped(by: validations.map(\.configuration.patience)) {
      let report = try training.advance()
      state.step = report.step
      let now = context.seconds
      try metrics?.add(report, losses: configuration.losses.map(\.name), seconds: now - last)
      last = now
      if isFirst { show(report, &warned) }
      let isBest = try validate(&state, metrics)
      if isBest || report.step % configuration.checkpointEvery == 0 { try checkpoint(state) }
      try StopRequest.check(
        hint: "run the same command again\(resumes ? "" : " with --resume") to go on",
        agree: { ranks?.any($0) ?? $0 }
      ) { () throws(Failure) in
        try checkpoint(state)
        ranks?.leave()
      }
    }
    if isFirst { try finish(state) }
  }

  /// Shows what a step did.
  ///
  /// - Parameters:
  ///   - report: What the step did.
  ///   - warned: Losses of which something was said already.
  private func show(_ report: StepReport, _ warned: inout Set<Int>) {
    for term in report.withoutPairs where warned.insert(term).inserted {
      context.diagnostics.warning(
        "step \(report.step): no query of a batch has documents with different targets, so that "
          + "\(configuration.losses[term].name) counts as 0 there")
    }
    context.progress.note(
      "; step \(report.step) of \(training.steps), loss \(ToolContext.fixed(report.loss, 4)), "
        + "lr \(report.learningRate)")
    context.count(records: report.queries)
  }

  /// The state to go on from; a new one for a new run.
  private func start() throws(Failure) -> TrainingState {
    var state = TrainingState()
    if let step = try folders.steps().last {
      let folder = folders.path(step)
      state = try training.restore(from: folder, identity)
      guard step <= training.steps else {
        throw .config(
          folder, "the checkpoint is of step \(step), and the training ends at \(training.steps)",
          hint: "raise max_steps or epochs")
      }
      try writer.read(from: folder)
      if isFirst { context.diagnostics.note("going on from \(folder)") }
    }
    if state.step == 0 { state.match(identity.validations, before: []) }
    return state
  }

  /// Whether a run that has come to its end is to have another one, or has lost its model.
  private func isToGoOn() throws(Failure) -> Bool {
    let path = "\(folders.root)/\(CheckpointWriter.configurationFile)"
    let before = try TrainingConfiguration(YAMLFile.read(path), file: path)
    try identity.check(configuration: before, at: path)
    if let missing = writer.contents.first(where: { !WholeFile.exists("\(folders.root)/\($0)") }) {
      context.diagnostics.warning(
        "\(folders.root)/\(missing) is missing though the training has ended: it is made again")
      return true
    }
    return before.maxSteps != configuration.maxSteps || before.epochs != configuration.epochs
  }

  /// Measures where it is time to; whether the model is the best so far.
  private func validate(
    _ state: inout TrainingState, _ metrics: MetricsLog?
  ) throws(Failure) -> Bool {
    var isBest = false
    for (i, validation) in validations.enumerated() {
      let isDue = state.step % validation.configuration.every == 0 || training.isDone
      guard isDue else { continue }
      let values = try validation.values(training)
      try metrics?.add(
        validation: validation.configuration.name, step: state.step, zip(validation.names, values))
      if state.note(values[0], of: i, isBetter: validation.isBetter) { isBest = true }
    }
    return isBest
  }

  private func checkpoint(_ state: TrainingState) throws(Failure) {
    if isFirst { try checkpoints.add(state) }
  }

  private func finish(_ state: TrainingState) throws(Failure) {
    try checkpoints.finish()
    context.report("steps", "\(state.step)")
    if let best = state.best, let name = validations.first?.names.first {
      context.report("best_step", "\(best.step)")
      context.report("best_\(name)", "\(best.value)")
    }
  }
}
