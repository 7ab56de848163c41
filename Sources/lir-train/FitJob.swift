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
    let folders = try isFirst ? CheckpointFolders(output).claimed() : CheckpointFolders(output)
    self.folders = folders
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
    let optimizer = configuration.optimizer
    let named =
      optimizer.noDecay.map { (key: "no_decay", part: $0) }
      + optimizer.rateFactors.map { (key: "lr_factors", part: $0.part) }
    for (key, part) in named where isFirst {
      if training.trained.store.parameters.contains(where: { $0.name.contains(part) }) { continue }
      diagnostics.warning("optimizer.\(key): no weight has \(part) in its name")
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
    var (state, isNew) = try start()
    if folders.isDone {
      let goesOn = isFirst ? try isToGoOn() : false
      guard ranks?.any(goesOn) ?? goesOn else {
        if isFirst { try folders.checkModel() }
        // The last checkpoint may be of an earlier step; a log that is gone or odd stops nobody.
        let logged = try? MetricsFile(folders.root).steps.last?["step"]?.integer
        let step = logged ?? state.step
        if isFirst { context.say("\(folders.root): the training has ended after step \(step)") }
        return context.report("steps", "\(step)")
      }
    }
    if isFirst {
      try folders.reopen()
      try checkpoints.writeConfiguration(into: folders.root)
      if !isNew { try checkpoints.settle(state) }
    }
    StopRequest.install()
    let metrics = isFirst ? try metricsLog(behind: isNew ? nil : state.step) : nil
    var report = FitReport(configuration, context, steps: training.steps, from: state.step)
    if isNew { try describe() }
    // A checkpoint, of step 0, too, has been measured already.
    if isNew, try validate(&state, metrics, report) { try checkpoint(state, metrics) }
    var last = context.seconds
    while !training.isDone, !state.isStopped(by: validations.map(\.configuration.patience)) {
      let step = try training.advance()
      state.step = step.step
      let now = context.seconds
      try metrics?.add(step, losses: configuration.losses.map(\.name), seconds: now - last)
      last = now
      if isFirst { report.show(step) }
      let isBest = try validate(&state, metrics, report)
      if isBest || step.step % configuration.checkpointEvery == 0 {
        try checkpoint(state, metrics)
      }
      try StopRequest.check(
        hint: "run the same command again\(resumes ? "" : " with --resume") to go on",
        agree: { ranks?.any($0) ?? $0 }
      ) { () throws(Failure) in
        try checkpoint(state, metrics)
        ranks?.leave()
      }
    }
    try metrics?.sync()
    if isFirst { try finish(state) }
  }

  /// The log of a new training, or of one that goes on behind a step.
  private func metricsLog(behind step: Int?) throws(Failure) -> MetricsLog {
    let path = "\(folders.root)/metrics.jsonl"
    let log = try MetricsLog(path, keeping: step)
    if log.unreadable > 0 {
      context.diagnostics.warning(
        "\(path): \(log.unreadable) lines were no metrics and are gone; weights are not concerned")
    }
    return log
  }

  /// Says what there is to do, and what is odd about it.
  private func describe() throws(Failure) {
    guard isFirst else { return }
    let (epoch, size) = (training.firstEpoch, configuration.batchSize)
    context.diagnostics.note(
      "\(epoch.tuples) tuples of \(epoch.documents) documents; \(training.steps) steps of "
        + "\(configuration.accumulate) batches of \(size); \(folders.root)")
    if epoch.batches > epoch.fewestBatches {
      context.diagnostics.warning(
        "data.no_duplicates: the first epoch has \(epoch.batches) batches instead of "
          + "\(epoch.fewestBatches), as its tuples share queries or documents")
    }
  }

  /// The state to go on from; a new one for a new run.
  private func start() throws(Failure) -> (state: TrainingState, isNew: Bool) {
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
      return (state, false)
    }
    state.match(identity.validations, before: [])
    return (state, true)
  }

  /// Whether a run that has come to its end is to have another one, or has lost its model.
  private func isToGoOn() throws(Failure) -> Bool {
    let path = "\(folders.root)/\(CheckpointWriter.configurationFile)"
    let before = try TrainingConfiguration(YAMLFile.read(path), file: path)
    let origin = try WholeFile.read("\(folders.root)/\(CheckpointFolders.doneFile)")
    try identity.check(configuration: before, origin: origin, at: folders.root)
    if let missing = writer.contents.first(where: { !WholeFile.exists("\(folders.root)/\($0)") }) {
      context.diagnostics.warning(
        "\(folders.root)/\(missing) is missing though the training has ended: it is made again")
      return true
    }
    return before.maxSteps != configuration.maxSteps || before.epochs != configuration.epochs
  }

  /// Measures where it is time to; whether the model is the best so far.
  private func validate(
    _ state: inout TrainingState, _ metrics: MetricsLog?, _ report: FitReport
  ) throws(Failure) -> Bool {
    var isBest = false
    for (i, validation) in validations.enumerated()
    where validation.configuration.isDue(state.step) || training.isDone {
      let values = try validation.values(training)
      let name = validation.configuration.name
      try metrics?.add(validation: name, step: state.step, zip(validation.names, values))
      let isBetter = state.note(values[0], of: i, isBetter: validation.isBetter)
      if isFirst {
        report.show(
          validation: name, step: state.step, Array(zip(validation.names, values)), isBest: isBetter
        )
      }
      if isBetter { isBest = true }
    }
    return isBest
  }

  private func checkpoint(_ state: TrainingState, _ metrics: MetricsLog?) throws(Failure) {
    // What goes on from a checkpoint has its steps in the log.
    try metrics?.sync()
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
