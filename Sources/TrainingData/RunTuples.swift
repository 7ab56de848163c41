import Failures
import Kernels
import Records
import Streams

/// Tuples that are sampled from a run: a query of the run, some of its documents.
///
/// Lightning IR `data/dataset.py`, `RunDataset`. Queries are in the order of their ids.
package final class RunTuples: TupleSource {
  /// How documents are sampled.
  package struct Options: Sendable {
    package var targets: TargetKind
    /// Ranks that count; nil for all.
    package var depth: Int?
    /// Documents of a tuple; nil for all.
    package var sampleSize: Int?
    package var sampling = DocumentSampling.top
    /// Whether targets of a tuple are moved and scaled to lie between 0 and 1.
    package var normalizesTargets = false
    /// Whether judged documents that the run lacks may be sampled.
    package var addsJudged = false
    /// Ranks at the top whose documents are no candidates unless they are judged.
    package var skippedRanks = 0
    /// Whether queries without a relevant document are left out where one is to be drawn.
    package var skipsUnanswered = false
    /// Whether every id has to have a text.
    package var needsTexts = true
    /// How messages name an option: as a key of a configuration.
    package var named: @Sendable (String) -> String = { "data.\($0)" }
    package var seed: UInt64 = 0

    package init(targets: TargetKind) { self.targets = targets }
  }

  private let run: Run
  private let qrels: Qrels?
  private let options: Options
  private let queries: TextStore?
  private let docs: TextStore?
  /// The run's numbers of the queries that count.
  private var members: [Int] = []
  package private(set) var documents = 0
  package private(set) var leftOut = LeftOut()

  /// Numbers of queries that are left out.
  package struct LeftOut: Sendable {
    /// Without judgements.
    package var unjudged = 0
    /// With too few documents.
    package var short = 0
    /// Without a relevant document.
    package var unanswered = 0

    package var total: Int { unjudged + short + unanswered }
  }

  package var count: Int { members.count }

  /// - Parameters:
  ///   - run: The run; it may bring its own texts and grades.
  ///   - qrels: Judgements; queries without any are left out.
  ///   - options: How documents are sampled.
  ///   - queries: Texts of ids.
  ///   - docs: Texts of ids.
  /// - Throws: 65 where an id has no text, a query no relevant document that one is to be drawn of,
  ///   or queries differ in their number of documents; 78 where grades are asked for and there are
  ///   none.
  package init(
    _ run: Run, qrels: Qrels?, _ options: Options, queries: TextStore?, docs: TextStore?
  ) throws(Failure) {
    self.run = run
    self.qrels = qrels ?? run.relevance
    self.options = options
    self.queries = queries
    self.docs = docs
    if self.qrels == nil {
      let needed =
        [.relevance, .subtopicRelevance].contains(options.targets)
        || options.sampling == .singleRelevant || options.addsJudged
      if needed {
        throw .config(run.name, "these targets or this sampling need \(options.named("qrels"))")
      }
    }
    try choose()
  }

  private func choose() throws(Failure) {
    let sorted = (0..<run.queries.count).sorted { run.queries[$0] < run.queries[$1] }
    for query in sorted {
      if let qrels, qrels.queries.find(run.queries[query]) == nil {
        leftOut.unjudged += 1
        continue
      }
      let candidates = candidates(query)
      if options.sampling == .singleRelevant, !candidates.contains(where: { ($0.grade ?? 0) > 0 }) {
        if options.skipsUnanswered {
          leftOut.unanswered += 1
          continue
        }
        throw Failure(
          .data, at: place(query), "expected a relevant document to sample, found none",
          hint: "\(options.named("add_docs_not_in_ranking")) takes judged documents that the run "
            + "lacks")
      }
      if let size = options.sampleSize, !options.sampling.feasible(candidates.map(\.known), size) {
        leftOut.short += 1
        continue
      }
      try check(query, candidates)
      members.append(query)
    }
    if members.isEmpty {
      throw .data(
        run.name,
        "expected queries to train with, found none: \(leftOut.unjudged) are not judged, "
          + "\(leftOut.short) have too few documents, \(leftOut.unanswered) no relevant one")
    }
  }

  private func check(_ query: Int, _ candidates: [Found]) throws(Failure) {
    let size = options.sampleSize ?? candidates.count
    if documents == 0 { documents = size }
    guard size == documents else {
      throw Failure(
        .data, at: place(query),
        "expected \(documents) documents as the first query has, "
          + "found \(size)", hint: "\(options.named("sample_size")) takes as many of each query")
    }
    guard options.needsTexts else { return }
    if run.texts == nil {
      try check(run.queries[query], queries, "queries", query)
    }
    for candidate in candidates where candidate.entry == nil || run.texts == nil {
      try check(candidate.id, docs, "docs", query)
    }
  }

  private func check(
    _ id: RecordID, _ store: TextStore?, _ key: String, _ query: Int
  ) throws(Failure) {
    guard let store else {
      throw Failure(
        .data, at: place(query), "\(id) has no text",
        hint: "\(options.named(key)) names a file with texts")
    }
    if !store.has(id) { throw store.missing(id, for: place(query)) }
  }

  private func place(_ query: Int) -> String { "\(run.name): query \(run.queries[query])" }

  /// A document of a query.
  private struct Found {
    var id: RecordID
    /// Its entry in the run; nil where the run lacks it.
    var entry: Int?
    var known: DocumentSampling.Candidate
    var grade: Int? { known.grade }
  }

  private func candidates(_ query: Int) -> [Found] {
    let judged = qrels?.queries.find(run.queries[query])
    var found: [Found] = []
    var ids = IDTable()
    for (i, entry) in run.entries(of: query).prefix(options.depth ?? .max).enumerated() {
      let id = run.doc(entry)
      let grade = judged.flatMap { query in
        id.bytes.withUnsafeBytes { qrels?.find($0, query: query) }.flatMap(largestGrade)
      }
      if options.addsJudged { _ = ids.insert(id) }
      if i < options.skippedRanks, grade == nil { continue }
      found.append(Found(id: id, entry: entry, known: .init(rank: i + 1, grade: grade)))
    }
    guard options.addsJudged, let qrels, let judged else { return found }
    for judgement in qrels.judgements(of: judged) {
      let id = qrels.doc(judgement)
      guard ids.find(id) == nil else { continue }
      found.append(
        Found(id: id, entry: nil, known: .init(rank: nil, grade: largestGrade(judgement))))
    }
    return found
  }

  /// A subtopic without a grade counts 0, as in the reference.
  private func largestGrade(_ judgement: Int) -> Int? {
    guard let qrels else { return nil }
    let grades = qrels.subtopicGrades(judgement).map(\.grade)
    guard let largest = grades.max() else { return qrels.grade(judgement) }
    return grades.count < qrels.subtopicCount ? max(largest, 0) : largest
  }

  package func tuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple {
    let query = members[index]
    let candidates = candidates(query)
    var random = CounterRandom(
      seed: options.seed, stream: UInt64(epoch) << 32 | UInt64(index))
    let places =
      options.sampleSize.map {
        options.sampling.places(of: candidates.map(\.known), $0, &random)
      } ?? Array(candidates.indices)
    let place = place(query)
    var targets = places.map { target(candidates[$0]) }
    if options.normalizesTargets { targets = try normalized(targets, place) }
    var documents: [TrainingTuple.Document] = []
    for (i, target) in zip(places, targets) {
      documents.append(
        .init(id: candidates[i].id, text: try text(candidates[i], place), target: target))
    }
    var text = run.queryText(query).map { Array($0.utf8) }
    if text == nil { text = try queries?.text(run.queries[query], for: place) }
    return TrainingTuple(
      queryID: run.queries[query], query: text ?? [], documents: documents, place: place)
  }

  private func text(_ found: Found, _ place: String) throws(Failure) -> [UInt8] {
    if let entry = found.entry, let text = run.docText(entry) { return Array(text.utf8) }
    return try docs?.text(found.id, for: place) ?? []
  }

  private func target(_ found: Found) -> Float {
    switch options.targets {
    case .relevance, .subtopicRelevance: return Float(found.grade ?? 0)
    case .score: return found.entry.map { run.score($0) } ?? 0
    case .order: return 0
    case .rank:
      // Without a depth the reference counts from -1.
      return Float((options.depth ?? -1) - (found.known.rank ?? 0) + 1)
    }
  }

  private func normalized(_ targets: [Float], _ place: String) throws(Failure) -> [Float] {
    let (low, high) = (targets.min() ?? 0, targets.max() ?? 0)
    guard low < high else {
      throw .data(
        place, "the targets of all documents are \(low), which cannot be normalised",
        hint: "take more documents of each query, or sample single_relevant")
    }
    return targets.map { ($0 - low) / (high - low) }
  }
}
