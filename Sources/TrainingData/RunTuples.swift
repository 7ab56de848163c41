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
    /// How many queries of the run count, from the first on.
    package var limit = Int.max
    /// Documents of a tuple; nil for all.
    package var sampleSize: Int?
    package var sampling = DocumentSampling.top
    /// Whether targets of a tuple are moved and scaled to lie between 0 and 1.
    package var normalizesTargets = false
    /// Whether judged documents that the run lacks may be sampled.
    package var addsJudged = false
    /// Ranks at the top whose documents are no candidates unless they are judged.
    package var skippedRanks = 0
    /// Whether what cannot be used is left out and counted; else it is an error.
    ///
    /// That are queries without a relevant document where one is to be drawn, queries and documents
    /// without a text, and tuples whose targets are all the same where they are to be normalised.
    package var leavesOut = false
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
    /// Without a text.
    package var textless = 0
    /// Documents without a text, each time that a query has one.
    package var documents = 0
    /// The first thing that was left out, and why.
    package var first: String?

    package var queries: Int { unjudged + short + unanswered + textless }
    package var isEmpty: Bool { queries + documents == 0 }

    mutating func note(_ reason: String) { if first == nil { first = reason } }
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
    let sorted = (0..<min(run.queries.count, options.limit)).sorted {
      run.queries[$0] < run.queries[$1]
    }
    for query in sorted where try isUsable(query) { members.append(query) }
    if members.isEmpty {
      throw .data(
        run.name,
        "expected queries to train with, found none: \(leftOut.unjudged) are not judged, "
          + "\(leftOut.short) have too few documents, \(leftOut.unanswered) no relevant one"
          + (leftOut.textless > 0 ? ", \(leftOut.textless) no text" : "")
          + (leftOut.documents > 0 ? "; \(leftOut.documents) documents have no text" : ""),
        hint: leftOut.first)
    }
  }

  /// Whether a query has a tuple; notes why one has none that is left out.
  private func isUsable(_ query: Int) throws(Failure) -> Bool {
    let id = run.queries[query]
    if let qrels, qrels.queries.find(id) == nil {
      leftOut.unjudged += 1
      leftOut.note("query \(id) is not judged")
      return false
    }
    if options.leavesOut, run.texts == nil, let queries, !queries.has(id) {
      leftOut.textless += 1
      leftOut.note(queries.missing(id, for: place(query)).message)
      return false
    }
    let all = allCandidates(query)
    let candidates = usable(all)
    if candidates.count < all.count, let docs, let first = all.first(where: { !hasText($0) }) {
      leftOut.documents += all.count - candidates.count
      leftOut.note("query \(id): " + docs.missing(first.id, for: "").message)
    }
    if options.sampling == .singleRelevant, !candidates.contains(where: { ($0.grade ?? 0) > 0 }) {
      guard options.leavesOut else {
        throw Failure(
          .data, at: place(query), "expected a relevant document to sample, found none",
          hint: "\(options.named("add_docs_not_in_ranking")) takes judged documents that the run "
            + "lacks")
      }
      leftOut.unanswered += 1
      leftOut.note("query \(id) has no relevant document")
      return false
    }
    if let size = options.sampleSize, !options.sampling.feasible(candidates.map(\.known), size) {
      leftOut.short += 1
      leftOut.note("query \(id) has too few documents to sample")
      return false
    }
    try check(query, candidates)
    return true
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
    if !run.hasQueryTexts {
      try check(run.queries[query], queries, "queries", query)
    }
    for candidate in candidates where candidate.entry == nil || !run.hasDocTexts {
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

  /// The documents that may be sampled; without a text none of them can be, where they need one.
  private func candidates(_ query: Int) -> [Found] { usable(allCandidates(query)) }

  private func usable(_ all: [Found]) -> [Found] {
    options.leavesOut && docs != nil ? all.filter(hasText) : all
  }

  private func hasText(_ found: Found) -> Bool {
    found.entry != nil && run.texts != nil || docs?.has(found.id) ?? true
  }

  private func allCandidates(_ query: Int) -> [Found] {
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

  package var varies: Bool { options.sampleSize != nil && options.sampling != .top }

  package func keys(of index: Int, epoch: Int) -> [UInt64] {
    [TupleKeys.key(query: run.queries[members[index]])]
      + sampled(index, epoch: epoch).map { TupleKeys.key(document: $0.id) }
  }

  /// The documents of a tuple, in their order.
  private func sampled(_ index: Int, epoch: Int) -> [Found] {
    let candidates = candidates(members[index])
    var random = CounterRandom(
      seed: options.seed, stream: UInt64(epoch) << 32 | UInt64(index))
    guard let size = options.sampleSize else { return candidates }
    return options.sampling.places(of: candidates.map(\.known), size, &random)
      .map { candidates[$0] }
  }

  package func tuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple {
    guard let tuple = try usableTuple(index, epoch: epoch) else {
      throw .data(
        place(members[index]),
        "the targets of all documents are the same, which cannot be "
          + "normalised", hint: "take more documents of each query, or sample single_relevant")
    }
    return tuple
  }

  /// A tuple; nil where its targets are to be normalised and all the same.
  package func usableTuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple? {
    let query = members[index]
    let sampled = sampled(index, epoch: epoch)
    let place = place(query)
    var targets = sampled.map(target)
    if options.normalizesTargets {
      guard let normalized = normalized(targets) else { return nil }
      targets = normalized
    }
    var documents: [TrainingTuple.Document] = []
    for (found, target) in zip(sampled, targets) {
      documents.append(.init(id: found.id, text: try text(found, place), target: target))
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

  /// Targets moved and scaled to lie between 0 and 1; nil where they are all the same.
  private func normalized(_ targets: [Float]) -> [Float]? {
    let (low, high) = (targets.min() ?? 0, targets.max() ?? 0)
    guard low < high else { return nil }
    // The span of scores that single precision holds may be one that it does not.
    guard (high - low).isFinite else {
      let span = Double(high) - Double(low)
      return targets.map { Float((Double($0) - Double(low)) / span) }
    }
    return targets.map { ($0 - low) / (high - low) }
  }
}
