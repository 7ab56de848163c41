import Failures
import Records
import Streams
import ToolSupport
import Training
import TrainingData

/// One call of `lir-train sample`.
struct SampleJob {
  private let command: Sample
  private let context: ToolContext
  private let operands: [String]

  /// Largest number that an option may have: what is counted of them fits an integer.
  private static let most = 1_000_000_000

  init(_ command: Sample, _ context: ToolContext) throws(Failure) {
    self.command = command
    self.context = context
    operands = try Operands.resolve(command.runs)
    try RecordLimit.check(command.limit)
    for (name, value, range) in [
      ("sample-size", command.sampleSize, 1...Self.most),
      ("repeat", command.`repeat`, 1...Self.most), ("depth", command.depth ?? 1, 1...Self.most),
      ("skip-top", command.skipTop, 0...Self.most),
    ] where !range.contains(value) {
      throw .usage(
        "--\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
    }
    if command.addDocsNotInRanking, targets == .score || targets == .rank {
      throw .usage("--add-docs-not-in-ranking: those documents have no \(targets.rawValue)")
    }
    if command.normalizeTargets, targets == .order {
      throw .usage("--normalize-targets: there are no scores with --targets order")
    }
  }

  private var targets: TargetKind {
    command.targets ?? (command.sampling == .singleRelevant ? .order : .score)
  }

  func run() throws(Failure) {
    try command.keeping.check(
      inputs: operands + command.qrels + command.queries + command.docs,
      output: command.output.output)
    if command.keeping.resume {
      let finished = FinishedOutput(command.output, shard: nil, context.diagnostics)
      if try finished.isThere(text: provenance().json, calling: InputDigest.names(operands)) {
        return
      }
    }
    let folders = try MadeFolders(above: command.output.output)
    let run = try RunReader.read(operands, keeping: [.texts], pool: context.pool)
    let qrels =
      command.qrels.isEmpty ? nil : try Qrels.read(command.qrels, repeated: .subtopics)
    var options = RunTuples.Options(targets: targets)
    options.depth = command.depth
    options.limit = RecordLimit.range(command.limit).upperBound
    options.skippedRanks = command.skipTop
    options.sampleSize = command.sampleSize
    options.sampling = command.sampling
    options.normalizesTargets = command.normalizeTargets
    options.addsJudged = command.addDocsNotInRanking
    options.leavesOut = true
    options.seed = command.common.seed.value
    let opener = DataOpener(
      scratchFolder: scratchFolder, context.pool, seed: command.common.seed.value
    ) {
      [diagnostics = context.diagnostics] in diagnostics.warning($0)
    }
    let texts = try opener.texts(
      queries: (command.queries, command.fields.queryRecords()),
      docs: (command.docs, command.fields.records()), run, depth: command.depth,
      judged: command.addDocsNotInRanking ? qrels : nil)
    options.needsTexts = false
    options.named = { "--" + $0.replacing("_", with: "-") }
    let tuples = try RunTuples(
      run, qrels: qrels, options, queries: texts.queries, docs: texts.docs)
    if command.strict, !tuples.leftOut.isEmpty { throw refusal(tuples.leftOut, run) }
    opener.say(tuples.leftOut, run)
    context.progress.expect(tuples.count * command.`repeat`)
    let writer = try ByteWriter(
      command.output.output, compression: try command.output.compression(), checksumText: true)
    let flat = try write(tuples, to: writer)
    guard flat < tuples.count * command.`repeat` else {
      throw .data(run.name, "the documents of every tuple have the same target")
    }
    if flat > 0 {
      context.diagnostics.warning(
        "\(run.name): \(flat) tuples have documents with the same target, which cannot be normalised, "
          + "and are left out")
    }
    context.count(skipped: tuples.leftOut.queries + flat)
    let provenance = try provenance()
    try writer.finishText(
      records: tuples.count * command.`repeat` - flat,
      provenance: command.output.noProvenance ? nil : provenance.json)
    folders.keep()
  }

  private func provenance() throws(Failure) -> Provenance {
    let inputs =
      try InputDigest.of(operands) + InputDigest.of(command.qrels, name: "qrels")
      + InputDigest.of(command.queries, name: "queries")
      + InputDigest.of(command.docs, name: "docs")
    return Provenance(
      tool: "\(Sample.tool) sample", settings: context.settings, inputs: inputs)
  }

  /// Writes all tuples, and counts those that have no targets.
  private func write(_ tuples: RunTuples, to writer: ByteWriter) throws(Failure) -> Int {
    var flat = 0
    for repetition in 0..<command.`repeat` {
      for index in 0..<tuples.count {
        guard let tuple = try tuples.usableTuple(index, epoch: repetition) else {
          // With the error that says where.
          if command.strict { _ = try tuples.tuple(index, epoch: repetition) }
          flat += 1
          continue
        }
        try writer.write(
          tuple.line(
            hasQueryTexts: !command.queries.isEmpty, hasDocumentTexts: !command.docs.isEmpty,
            hasScores: targets != .order))
        context.count(records: 1)
      }
    }
    return flat
  }

  private func refusal(_ leftOut: RunTuples.LeftOut, _ run: Run) -> Failure {
    Failure(
      .refused, at: run.name,
      "\(DataOpener.texts(leftOut).joined(separator: ", "))"
        + (leftOut.first.map { "; first: \($0)" } ?? ""),
      hint: "without --strict they are left out")
  }

  /// Where the texts are kept meanwhile: beside the output, which has room for them.
  private var scratchFolder: String {
    let folder = PathName.split(command.output.output).folder
    return folder.isEmpty ? "." : folder
  }
}
