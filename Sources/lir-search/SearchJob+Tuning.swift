import Failures
import IndexSupport
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import Tensors
import ToolSupport

extension SearchJob {
  /// Queries that settings are tried on, of more some by lot.
  private static let sampleSize = 200

  /// Refuses what does not go with `--tune`.
  ///
  /// - Throws: 64.
  static func checkTuning(_ options: LirSearch) throws(Failure) {
    guard let goal = options.tune else {
      if options.plot != nil { throw .usage("--plot is for --tune") }
      return
    }
    _ = try TuningGoal(parsing: goal)
    let others = [
      ("--fuse", options.fuse != nil), ("--preset", options.preset != nil),
      ("--pairs", options.pairs != nil), ("--prf", options.prf != nil),
      ("--first-stage", options.firstStage != nil),
      ("--aggregate", options.aggregate != nil), ("--explain", options.explain),
      ("--resume", options.resumption.resume), ("--drop-self", options.dropSelf),
      ("--min-score", options.minScore != nil), ("--format", options.format != nil),
      ("--docs", !options.docs.isEmpty), ("--latency", options.latency),
      ("--mark-end", options.markEnd), ("--ties", options.ties != nil),
    ]
    if let (name, _) = others.first(where: \.1) { throw .usage("\(name) goes without --tune") }
  }

  /// Tries the settings of the index on some of the queries, and writes what they came to.
  ///
  /// - Parameters:
  ///   - goal: What is to be reached.
  ///   - sample: The queries.
  /// - Throws: 64 for an index that has nothing to tune, 65 for input without a query; what searching
  ///   throws.
  func tune(_ goal: TuningGoal, _ sample: QuerySample) throws(Failure) {
    let collection = indexes.collections[0]
    guard let (ids, queries) = sample.chosen(Self.sampleSize, seed: options.common.seed.value)
    else {
      throw .data(operands.joined(separator: " "), "expected a query to tune by, found none")
    }
    var request = SearchRequest(ids: ids, queries: queries, k: goal.depth)
    let answers = try SearchAnswers.Options(
      options, collection.index.documents, context.diagnostics)
    (request.filter, request.filterOut) = (answers.filter, answers.filterOut)
    let judge = try TuningJudge(goal, ids, collection.index.documents)
    let type = try IndexTypes.of(collection.folders[0].manifest, collection.path)
    let work = IndexWork(kernels, context.pool, seed: options.common.seed.value)
    let tuning = try SearchTuning(goal, type, context.declared, request, judge: judge.quality) {
      given throws(Failure) in
      try IndexTypes.open(collection.folders, given, work).index
    }
    let report = TuningReport(tuning, goal, queries: ids.count)
    context.omitSummary()
    let writer = try ByteWriter(
      options.output.output, compression: try options.output.compression())
    try writer.write(Array(report.text.utf8))
    try writer.finish()
    if let path = options.plot {
      let picture = try ByteWriter(path, compression: Compression.none)
      try picture.write(Array(report.picture.utf8))
      try picture.finish()
    }
  }
}
