import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Vectors
import Workers

/// Search for several vectors a document by an index of single vectors: the nearest vectors of each of a
/// query's, and of the documents that these belong to the sum of the largest scores.
///
/// That is how Lightning IR searches ColBERT's vectors with faiss (`retrieve/base/searcher.py`,
/// `ApproximateSearcher`, at 98cb3fd), with the same parameters. Vectors are found in all segments
/// together, so that nothing depends on how documents are split between these.
final class TokenIndex: RescoringIndex, VectorSource, ExplainingIndex {
  let documents: SegmentedDocuments
  let parts: [TokenPart]
  let scoring: VectorScoring
  let width: Int
  let settings: TokenSettings
  let kernels: Kernels
  /// What compares all vectors of all documents.
  private let exact: any SearchableIndex
  private let joined: SegmentedIndex
  private let pool: WorkerPool

  /// Opens segments of several vectors a document.
  ///
  /// - Parameters:
  ///   - segments: At least one; their centroids are the same.
  ///   - settings: How they are searched.
  ///   - rounding: What vectors are rounded to before they are compared; nil for as they are.
  ///   - work: What searches.
  /// - Returns: What searches them.
  /// - Throws: 65 where files do not fit the manifest, 78 for scores that are not known, and where vectors
  ///   lie elsewhere and are missing.
  static func open(
    _ segments: [IndexSegment], _ settings: TokenSettings, roundedTo rounding: HalfFormat?,
    _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let references = try segments.map { segment throws(Failure) in
      guard segment.has(MultiVector.vectors) else {
        throw .config(
          segment.folder, "documents are scored by all their vectors, which are missing")
      }
      return try MultiVectorIndex(segment, work, roundedTo: rounding)
    }
    let exact = SegmentedIndex.joining(references, of: segments)
    if settings.isExact { return exact }
    return try TokenIndex(segments, references, exact, settings, work)
  }

  private init(
    _ segments: [IndexSegment], _ references: [MultiVectorIndex], _ exact: any SearchableIndex,
    _ settings: TokenSettings, _ work: IndexWork
  ) throws(Failure) {
    parts = try zip(segments, references).map { segment, reference throws(Failure) in
      TokenPart(
        reference: reference,
        lists: TokenLists.are(in: segment) ? try TokenLists(segment, work.kernels) : nil)
    }
    scoring = references[0].scoring
    width = references[0].width
    self.settings = settings
    self.exact = exact
    kernels = work.kernels
    pool = work.pool
    documents = SegmentedDocuments(references.map(\.documents))
    joined = SegmentedIndex(references, of: segments)
  }

  /// Documents that were found, with their scores, in each segment.
  typealias Found = [[(ordinal: Int, score: Float)]]

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let sets = try parts[0].reference.checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    // All of them are found, and nothing is left to be imputed.
    if parts.reduce(0, { $0 + $1.reference.vectors.count }) <= settings.candidates,
      !settings.isApproximate
    {
      return try exact.search(request)
    }
    let results = Results<Found>(sets.count)
    let rooms = WorkerLocal(pool) { TokenRoom() }
    for part in parts { part.lists?.lists.prepare(kernels) }
    try pool.forEach(sets.count) { [self] query, worker throws(Failure) in
      try rooms.with(worker) { room throws(Failure) in
        results.set(query, try answer(sets[query], request.ids[query], request, room))
      }
    }
    let found = sets.indices.map { results.take($0) }
    return try joined.search(request) { part, request throws(Failure) in
      var answers: [[TopDocuments.Entry]] = []
      for (query, id) in request.ids.enumerated() {
        var best = Candidates(id, request, parts[part].documents)
        for (ordinal, score) in found[query][part] { best.offer(ordinal, score) }
        answers.append(try best.finish(id, parts[part].reference.place))
      }
      return answers
    }
  }

  private func answer(
    _ set: VectorSet, _ id: [UInt8], _ request: SearchRequest, _ room: TokenRoom
  ) throws(Failure) -> Found {
    let admitted = AdmittedDocuments(id, request, parts.map(\.documents), documents.firsts)
    guard !set.values.isEmpty else {
      // The sum over no vectors.
      if scoring.aggregations.query == .max { return parts.map { _ in [] } }
      return admitted.all().map { $0.map { (Int($0), 0) } }
    }
    // Where no more may be found than are asked for, no vector need be found first.
    if settings.imputation == .gather, admitted.isFiltered,
      let few = admitted.all(atMost: request.k)
    {
      return try gathered(few.map { $0.map { Int($0) } }, set)
    }
    var search = TokenSearch(self, set, admitted)
    while true {
      let retrieved = try search.retrieve(room)
      let found = try scores(retrieved, set)
      if found.reduce(0, { $0 + $1.count }) >= request.k || search.isComplete { return found }
      search.widen()
    }
  }

  // MARK: Scores

  /// Scores of all documents of which a vector was found.
  private func scores(_ retrieved: RetrievedTokens, _ set: VectorSet) throws(Failure) -> Found {
    if settings.imputation == .gather {
      return try gathered(retrieved.documents, set)
    }
    return parts.indices.map { part in
      retrieved.documents[part].map { ordinal in
        (ordinal, retrieved.score(part, ordinal, settings.imputation, scoring.aggregations.query))
      }
    }
  }

  private func gathered(_ ordinals: [[Int]], _ set: VectorSet) throws(Failure) -> Found {
    let batch = InteractionBatch(
      [set], width: width, scoring.similarity, scoring.aggregations, kernels)
    return try parts.indices.map { part throws(Failure) in
      let reference = parts[part].reference
      var own: [Int] = []
      for ordinal in ordinals[part] {
        let items = try reference.offsets.range(ordinal).count
        if batch.hasScore(0, items: items) { own.append(ordinal) }
      }
      return zip(own, try reference.scores(batch, of: own)).map { ($0, $1) }
    }
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let set = try parts[0].reference.checked(queries[query..<query + 1]) { _ in "the query" }[0]
    guard settings.imputation != .gather, !set.values.isEmpty else {
      return try (exact as? any RescoringIndex)?.scores(queries, query, of: ordinals) ?? []
    }
    let request = SearchRequest(ids: [[]], queries: queries[query..<query + 1], k: 1)
    let admitted = AdmittedDocuments([], request, parts.map(\.documents), documents.firsts)
    let retrieved = try TokenSearch(self, set, admitted).retrieve(TokenRoom())
    return ordinals.map { ordinal in
      let place = documents.place(of: ordinal)
      return retrieved.score(
        place.table, place.ordinal, settings.imputation, scoring.aggregations.query)
    }
  }

  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    try (exact as? any ExplainingIndex)?.explanations(queries, query, of: ordinals, naming: name)
      ?? []
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    precondition(parts.count == 1, "vectors of several segments at once")
    return try parts[0].reference.vectors(of: ordinals)
  }
}

/// A segment of several vectors a document.
struct TokenPart: Sendable {
  let reference: MultiVectorIndex
  /// The lists of its vectors; nil where all are compared.
  let lists: TokenLists?

  var documents: DocumentTable { reference.documents }
}

/// How vectors of tokens are searched.
struct TokenSettings: Sendable {
  enum Imputation: String, CaseIterable { case min, gather, zero }

  let isExact: Bool
  /// Whether vectors are taken for found by their codes alone.
  let isApproximate: Bool
  let probes: Int
  /// Vectors that are found for each of a query's.
  let candidates: Int
  let imputation: Imputation
  /// Vectors that are compared for each of these, where codes find them.
  let oversample: Double

  static let candidates = "candidates"
  static let imputation = "imputation"

  static let parameters = [
    IndexParameter(
      candidates, .search, .integer(1...Int(Int32.max)), default: nil,
      "Of several vectors a document: how many of the collection's are found for each of a query's, "
        + "whose documents are scored. (default: 100)"),
    IndexParameter(
      imputation, .search, .word(Imputation.allCases.map(\.rawValue)), default: nil,
      "Of several vectors a document: what stands for the score of a vector that was not found: the "
        + "least of those that were (min), the document's own (gather, the default), or nothing (zero)."
    ),
  ]

  /// - Throws: 64 for what does not go together.
  init(_ arguments: IndexArguments, probes: Int) throws(Failure) {
    (isExact, isApproximate) = (arguments.flag(Flat.exact), arguments.flag(Flat.approximate))
    if isExact, isApproximate {
      throw .usage("--\(Flat.exact) and --\(Flat.approximate) exclude each other")
    }
    self.probes = probes
    candidates =
      arguments.text(Self.candidates) == nil ? 100 : try arguments.integer(Self.candidates)
    imputation =
      arguments.text(Self.imputation).flatMap { Imputation(rawValue: $0) } ?? .gather
    oversample =
      arguments.text(Flat.oversample) == nil ? 10 : try arguments.number(Flat.oversample)
  }

  /// Refuses parameters of several vectors a document for an index of one.
  ///
  /// - Throws: 64 for them.
  static func refuse(_ arguments: IndexArguments, _ place: String) throws(Failure) {
    for name in [candidates, imputation] where arguments.text(name) != nil {
      throw .usage("--\(name) is for several vectors a document, \(place) has one")
    }
  }

  /// Refuses what lists of several vectors a document do not have.
  ///
  /// - Throws: 64 for it.
  static func check(
    _ source: IndexSource, _ arguments: IndexArguments, _ type: any IndexType.Type
  ) throws(Failure) {
    let scoring = try VectorScoring(source, type.name)
    guard scoring.aggregations.doc == .max else {
      throw .usage(
        "vectors are found for the largest score of a document's, the model's aggregation is "
          + scoring.aggregations.doc.rawValue, hint: "--type \(MultiVector.name)")
    }
    if arguments.text(Originals.name) == "none" {
      throw .usage("--\(Originals.name) none: documents are scored by all their vectors")
    }
    if type.parameters.contains(where: { $0.name == Flat.codes }),
      let codes = arguments.text(Flat.codes), CodeForm(rawValue: codes) != nil || type == Flat.self
    {
      throw .usage(
        "--\(Flat.codes) \(codes): of several vectors a document there are codes of the types "
          + "\(MultiVector.name), \(IVF.name) (\(ResidualCoder.words.joined(separator: ", "))) and "
          + "others", hint: "lir-index types")
    }
  }
}
