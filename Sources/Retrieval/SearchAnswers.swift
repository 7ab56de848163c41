import Failures
import JSON
import Records
import Vectors

/// What queries are answered with: the documents of an index, in the way that was asked for.
package struct SearchAnswers {
  private let index: any SearchableIndex
  private var options: Options

  /// What holds for all queries.
  package struct Options: Sendable {
    /// Documents a query.
    package var k: Int
    package var dropsSelf = false
    package var filter: DocumentFilter?
    package var filterOut: DocumentFilter?
    /// The least score that a document is found with.
    package var floor = -Float.infinity
    /// Which of some documents with equal scores are in where the room ends.
    package var ties = RunTies.trec
    /// How passages become documents; nil where they stay what they are.
    package var aggregation: PassageAggregation?
    package var feedback: VectorFeedback?
    /// The documents of each query, where they are given: all of them are scored.
    package var pairs: PairList?
    /// The documents of each query that a first stage found; nil where the index is searched.
    package var candidates: PairList?
    /// Documents that are found by the index and then scored by what stands around it; nil where the
    /// index's own scores count.
    package var scored: Int?
    /// Whether it is said what scores are made of.
    package var explains = false
    /// The text of a token or term, for explanations; nil where nobody knows it.
    package var name: @Sendable (Int32) -> String? = { _ in nil }

    package init(k: Int) { self.k = k }
  }

  /// - Parameters:
  ///   - index: What is searched.
  ///   - type: The index's type, for messages.
  ///   - options: What is asked for.
  /// - Throws: 64 for options that do not go with each other, or that the index does not have.
  package init(
    _ index: any SearchableIndex, type: String = "the index", _ options: Options
  ) throws(Failure) {
    self.index = index
    self.options = options
    if options.feedback != nil, !(index is any VectorIndex) {
      throw .usage("--prf: \(type) keeps no vectors of documents")
    }
    if options.explains, !(index is any ExplainingIndex) {
      throw .usage("--explain: \(type) cannot say what its scores are made of")
    }
    if options.candidates != nil { try checkSecondStage(type) }
    if options.scored != nil, options.aggregation != nil || options.feedback != nil {
      throw .usage("--aggregate and --prf go without --scorer")
    }
    guard options.pairs != nil else { return }
    guard index is any RescoringIndex else {
      throw .usage("--pairs: \(type) cannot score documents that are given")
    }
    let others = [
      ("--filter", options.filter != nil), ("--filter-out", options.filterOut != nil),
      ("--drop-self", options.dropsSelf), ("--min-score", options.floor > -.infinity),
      ("--aggregate", options.aggregation != nil), ("--prf", options.feedback != nil),
    ]
    if let (name, _) = others.first(where: \.1) {
      throw .usage("\(name) goes without --pairs, which says itself what is scored")
    }
  }

  /// Refuses what cannot be done with documents that a first stage found.
  ///
  /// - Parameter type: The index's type, for messages.
  /// - Throws: 64.
  package func checkSecondStage(_ type: String) throws(Failure) {
    guard index is any RescoringIndex else {
      throw .usage("--first-stage: \(type) cannot score documents that are given")
    }
    let others = [
      ("--pairs", options.pairs != nil), ("--aggregate", options.aggregation != nil),
      ("--prf", options.feedback != nil),
    ]
    if let (name, _) = others.first(where: \.1) {
      throw .usage("\(name) goes without --first-stage")
    }
  }

  /// Lets explanations have the texts of tokens and terms.
  mutating func nameTerms(by name: @escaping @Sendable (Int32) -> String?) { options.name = name }

  /// The documents of queries.
  ///
  /// - Parameters:
  ///   - ids: The queries' ids.
  ///   - queries: The queries.
  ///   - candidates: The documents of each that may be found; nil for those of the options, or all.
  /// - Returns: For each its documents, best first, with what their scores are made of where that is
  ///   asked for.
  /// - Throws: What searching throws.
  package func documents(
    _ ids: [[UInt8]], _ queries: Embeddings, among candidates: [[RecordID]]? = nil
  ) throws(Failure) -> [[ScoredDocument]] {
    var queries = queries
    let found = try self.found(ids, &queries, candidates)
    guard options.explains, let explaining = index as? any ExplainingIndex else {
      return found.map { $0.map { ScoredDocument(id: $0.id, score: $0.score) } }
    }
    return try found.enumerated().map { query, documents throws(Failure) in
      try documents.map { document throws(Failure) in
        var scored = ScoredDocument(id: document.id, score: document.score)
        scored.explanation = try explanation(document, explaining, queries, query)
        return scored
      }
    }
  }

  /// Checks that every query of given pairs was there.
  ///
  /// - Throws: 65 for the first that was not.
  func check(queries seen: Set<[UInt8]>) throws(Failure) { try options.pairs?.check(seen: seen) }

  /// The most documents that a query can have.
  ///
  /// - Parameter id: The query's id.
  /// - Returns: The number of those that were given for it, or what `k` and the index allow.
  package func mostDocuments(of id: [UInt8]) -> Int {
    if let pairs = options.pairs { return pairs.ordinals(of: id).count }
    var all = index.documents.liveCount
    if options.dropsSelf, index.documents.ordinal(id) != nil { all -= 1 }
    if let candidates = options.candidates { all = min(all, candidates.ordinals(of: id).count) }
    return min(options.k, all)
  }

  private func found(
    _ ids: [[UInt8]], _ queries: inout Embeddings, _ candidates: [[RecordID]]?
  ) throws(Failure) -> [[FoundDocument]] {
    if let index = index as? any RescoringIndex, candidates != nil || options.candidates != nil {
      return try ids.enumerated().map { query, id throws(Failure) in
        let named = candidates?[query].map { index.documents.ordinal($0.bytes) }
        let ordinals = named?.compactMap { $0 } ?? options.candidates?.ordinals(of: id) ?? []
        return try best(of: ordinals, id, index, queries, query)
      }
    }
    if let pairs = options.pairs, let index = index as? any RescoringIndex {
      return try ids.enumerated().map { query, id throws(Failure) in
        try scored(pairs.ordinals(of: id), index, queries, query)
      }
    }
    // Indexes reckon with multiples of it.
    var request = SearchRequest(
      ids: ids, queries: queries, k: min(options.k, max(1, index.documents.count)),
      dropsSelf: options.dropsSelf, filter: options.filter, ties: options.ties)
    request.filterOut = options.filterOut
    request.floor = options.floor
    request.foldsPassages = options.aggregation != nil
    if let feedback = options.feedback, let index = index as? any VectorIndex {
      request = try feedback.expanding(request, index)
      queries = request.queries
    }
    if let aggregation = options.aggregation {
      return try PassageFolding(index, aggregation).search(request)
    }
    if let count = options.scored, let index = index as? any RescoringIndex {
      request.k = max(request.k, min(count, index.documents.count))
      request.floor = -.infinity
      let found = try index.search(request)
      return try ids.enumerated().map { query, id throws(Failure) in
        try best(of: found[query].map { Int($0.ordinal) }, id, index, queries, query)
      }
    }
    return try index.search(request).map { entries in
      entries.map { entry in
        FoundDocument(
          id: RecordID(index.documents.id(Int(entry.ordinal))), score: entry.score,
          ordinals: options.explains ? [Int(entry.ordinal)] : [])
      }
    }
  }

  /// The best of the documents that a first stage found for a query.
  private func best(
    of ordinals: [Int], _ id: [UInt8], _ index: any RescoringIndex, _ queries: Embeddings,
    _ query: Int
  ) throws(Failure) -> [FoundDocument] {
    let (allowed, refused) = (options.filter?.mask(id), options.filterOut?.mask(id))
    let own = ordinals.filter { ordinal in
      (allowed?.contains(ordinal) ?? true) && !(refused?.contains(ordinal) ?? false)
        && !(options.dropsSelf && index.documents.withID(ordinal) { $0.elementsEqual(id) })
    }
    let scored = try scored(own, index, queries, query).filter { $0.score > -.infinity }
    if let document = scored.first(where: { !$0.score.isFinite }) {
      throw .data(
        "query \(String(decoding: id, as: UTF8.self))",
        "its score with document \(document.id) is not a finite number")
    }
    return Array(
      scored.filter { $0.score >= options.floor }.sorted { $0.precedes($1, options.ties) }
        .prefix(options.k))
  }

  /// Given documents with their scores, best first.
  private func scored(
    _ ordinals: [Int], _ index: any RescoringIndex, _ queries: Embeddings, _ query: Int
  ) throws(Failure) -> [FoundDocument] {
    let scores = try index.scores(queries, query, of: ordinals)
    return zip(ordinals, scores).map { ordinal, score in
      FoundDocument(
        id: RecordID(index.documents.id(ordinal)), score: score, ordinals: [ordinal])
    }.sorted { $0.precedes($1) }
  }

  /// The text of a JSON object that says what a document's score is made of.
  private func explanation(
    _ document: FoundDocument, _ index: any ExplainingIndex, _ queries: Embeddings, _ query: Int
  ) throws(Failure) -> String {
    var parts = try index.explanations(
      queries, query, of: document.ordinals, naming: options.name)
    guard let aggregation = options.aggregation else {
      return JSON.object(parts.first ?? []).serialized()
    }
    for (place, ordinal) in document.ordinals.enumerated() {
      let id = String(decoding: index.documents.id(ordinal), as: UTF8.self)
      parts[place].insert(JSON.Member("passage", .string(id)), at: 0)
    }
    return JSON.object([
      JSON.Member("aggregate", .string(aggregation.rawValue)),
      JSON.Member("passages", .array(parts.map { .object($0) })),
    ]).serialized()
  }
}
