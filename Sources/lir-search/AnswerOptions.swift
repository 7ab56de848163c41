import Failures
import IndexFormat
import Retrieval
import ToolSupport

extension SearchAnswers.Options {
  /// What the options ask for, with the files that they name.
  ///
  /// - Parameters:
  ///   - options: The command.
  ///   - documents: The index's.
  ///   - diagnostics: Tells of ids that are not in the index, and of fewer documents than asked for.
  /// - Throws: 64 for values that make no sense, 65 and 66 for the files.
  init(
    _ options: LirSearch, _ documents: some DocumentIDs, _ diagnostics: Diagnostics
  ) throws(Failure) {
    self.init(k: options.k)
    dropsSelf = options.dropSelf
    explains = options.explain
    floor = options.minScore ?? floor
    ties = options.tieOrder
    aggregation = options.aggregate.flatMap { PassageAggregation(rawValue: $0) }
    feedback = try options.prf.map { text throws(Failure) in try VectorFeedback(parsing: text) }
    let folds = aggregation != nil
    func filter(_ path: String) throws(Failure) -> DocumentFilter {
      let filter = try DocumentFilter(path, documents, foldingPassages: folds)
      if filter.unknown > 0 {
        diagnostics.warning("\(path): \(filter.unknown) ids are not in the index")
      }
      return filter
    }
    if let path = options.filter { self.filter = try filter(path) }
    if let path = options.filterOut { filterOut = try filter(path) }
    if let path = options.firstStage, options.firstStageIndex == nil {
      candidates = try PairList(path, documents)
    }
    if let path = options.pairs { pairs = try PairList(path, documents) }
    if options.k > documents.liveCount, options.k != LirSearch.usualK, pairs == nil {
      diagnostics.say("-k \(options.k): the index has \(documents.liveCount) documents")
    }
  }

  /// Refuses values that make no sense, before anything is opened.
  ///
  /// - Throws: 64.
  static func check(_ options: LirSearch) throws(Failure) {
    guard options.k >= 1 else { throw .usage("-k: expected at least 1, found \(options.k)") }
    if let least = options.minScore, !least.isFinite {
      throw .usage("--min-score: expected a number, found \(least)")
    }
    if let how = options.aggregate, PassageAggregation(rawValue: how) == nil {
      let words = PassageAggregation.allCases.map(\.rawValue).joined(separator: ", ")
      throw .usage("--aggregate: expected one of \(words), found \(how)")
    }
    if let number = options.firstStageK {
      guard number >= 1 else {
        throw .usage("--first-stage-k: expected at least 1, found \(number)")
      }
      guard options.firstStageIndex != nil else {
        throw .usage("--first-stage-k is for an index as --first-stage; a run has what it has")
      }
    }
    if options.firstStage != nil, options.fuse != nil {
      throw .usage("--first-stage goes without --fuse")
    }
    if let text = options.prf { _ = try VectorFeedback(parsing: text) }
    if options.explain, options.format == "trec" {
      throw .usage("--explain writes JSON lines, not --format trec")
    }
  }
}
