import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Vectors
import Workers

/// Search in the lists whose centroids are nearest to a query.
///
/// Queries are answered one by one, each from its nearest list on, so that what is found there excludes
/// most of what follows; a worker has a query at a time. Where the lists hold fewer documents than are
/// asked for, or a filter admits fewer there, further lists are looked at. Where a filter admits no more
/// documents than the lists would hold, these are compared, and no list.
final class IVFIndex: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  let similarity: Similarity
  private let lists: InvertedLists
  /// What compares vectors; nil where there are estimates alone.
  private let reference: FlatIndex?
  private let coded: CodedFlatIndex?
  private let codes: ListCodes?
  private let probes: Int
  private let isExact: Bool
  private let isApproximate: Bool
  private let oversample: Double
  private let place: String
  private let kernels: Kernels
  private let pool: WorkerPool

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - arguments: What was said.
  ///   - probes: How many lists are looked at.
  ///   - rounding: What vectors are rounded to that are compared; nil for as they are.
  ///   - work: What searches.
  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ arguments: IndexArguments, probes: Int,
    roundedTo rounding: HalfFormat?, _ work: IndexWork
  ) throws(Failure) {
    self.probes = probes
    place = segment.folder
    kernels = work.kernels
    pool = work.pool
    documents = try DocumentTable(segment)
    similarity = try Flat.similarity(segment.manifest.source, segment.folder)
    let lists = try InvertedLists(segment)
    self.lists = lists
    isApproximate = arguments.flag(Flat.approximate)
    isExact = arguments.flag(Flat.exact)
    codes =
      segment.has(IVF.estimates) && lists.count > 0
      ? try ListCodes(segment, lists, work.kernels) : nil
    let hasVectors = segment.has(Flat.vectors)
    if hasVectors {
      reference = try FlatIndex(segment, work, roundedTo: rounding)
    } else if segment.has(Flat.codeRows) {
      reference = try FlatIndex(segment, work, rows: (Flat.codeRows, Flat.codeScales))
    } else {
      reference = nil
    }
    coded = try Self.coded(segment, reference, arguments, work)
    oversample =
      arguments.text(Flat.oversample) == nil ? 10 : try arguments.number(Flat.oversample)
  }

  /// What compares codes before vectors; nil where vectors alone are compared.
  private static func coded(
    _ segment: IndexSegment, _ reference: FlatIndex?, _ arguments: IndexArguments,
    _ work: IndexWork
  ) throws(Failure) -> CodedFlatIndex? {
    guard let reference, segment.has(Flat.codeRows), !arguments.flag(Flat.exact) else { return nil }
    let isApproximate = arguments.flag(Flat.approximate)
    // Codes of two bytes that are all there is are vectors like others.
    if !segment.has(Flat.vectors), !isApproximate, !(try FlatCodes(segment).isBytes) { return nil }
    return try CodedFlatIndex(segment, reference: reference, isApproximate, work)
  }

  var figures: [(name: String, value: String)] { coded?.figures ?? [] }

  private func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [Float] {
    try FlatIndex.checked(queries, lists.dimension, place, name)
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let values = try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    // All lists are all documents, which are compared with many queries at once.
    if isExact || probes >= lists.count && codes == nil {
      if let coded { return try coded.search(request) }
      if let reference { return try reference.search(request) }
    }
    let dimension = lists.dimension
    let results = Results<[TopDocuments.Entry]>(request.ids.count)
    let rooms = WorkerLocal(pool) {
      FlatRoom(rows: FlatIndex.step, queries: 1, dimension: dimension)
    }
    try pool.forEach(request.ids.count) { [self] query, worker throws(Failure) in
      let own = Array(values[query * dimension..<(query + 1) * dimension])
      var part = request
      part.ids = [request.ids[query]]
      part.queries = .dense(own, dimension: dimension)
      let found = try rooms.with(worker) { room throws(Failure) in
        try answer(own, part, room)
      }
      results.set(query, found)
    }
    return request.ids.indices.map { results.take($0) }
  }

  /// The best documents of one query.
  private func answer(
    _ query: [Float], _ request: SearchRequest, _ room: FlatRoom
  ) throws(Failure) -> [TopDocuments.Entry] {
    if lists.count == 0 { return [] }
    if let few = try answerOfFew(request) { return few }
    // How many lists are looked at does not depend on the least score.
    var limits = request
    limits.floor = -.infinity
    var unit = query
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&unit, dimension: unit.count, kernels)
    }
    let scores = lists.scores(unit, kernels)
    var scan = probe(query, unit, limits)
    var (done, wanted) = (0, min(probes, lists.count))
    while true {
      let order = InvertedLists.best(wanted, of: scores)
      for list in order[done...] {
        let range = lists.range(list)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: FlatIndex.step) {
          scan.look(at: start..<min(start + FlatIndex.step, range.upperBound), of: list, room)
        }
      }
      done = wanted
      let found = try scan.answer(room)
      if found.count >= request.k || done == lists.count {
        return found.filter { $0.score >= request.floor }
      }
      wanted = min(lists.count, max(2 * wanted, wanted + 1))
    }
  }

  /// The best documents of a query of which a filter admits few, all of which are compared; else nil.
  private func answerOfFew(
    _ request: SearchRequest
  ) throws(Failure) -> [TopDocuments.Entry]? {
    guard let filter = request.filter, lists.count > 0 else { return nil }
    let share = Double(min(probes, lists.count)) / Double(lists.count)
    let most = max(request.k, Int(share * Double(documents.count)))
    guard
      let admitted = filter.mask(request.ids[0]).ordinals(below: documents.count, atMost: most)
    else { return nil }
    var candidates = Candidates(request.ids[0], request, documents)
    let scores = try scores(request.queries, 0, of: admitted)
    for (ordinal, score) in zip(admitted, scores) { candidates.offer(ordinal, score) }
    return try candidates.finish(request.ids[0], place)
  }

  private func probe(
    _ query: [Float], _ unit: [Float], _ request: SearchRequest
  ) -> any ProbeScan {
    let comparison = DenseComparison(query, count: 1, similarity, kernels)
    let id = request.ids[0]
    if let codes {
      let own = codes.coder.query(unit, kernels)
      if own.isSmall || reference == nil {
        return estimates(codes, own, comparison, unit, request)
      }
    }
    guard let reference else { preconditionFailure("an index of neither vectors nor codes") }
    if let coded {
      let queries = coded.codes.queries(unit, count: 1, similarity, kernels)
      if queries.proof.covers(documentsUpTo: coded.codes.longest) {
        if isApproximate {
          var limits = request
          // What is scanned by is not yet a distance.
          if similarity == .l2 { limits.floor = -.infinity }
          return CodeProbe(
            coded: coded, queries: queries, request: request,
            best: BlockCandidates([Candidates(id, limits, documents)]))
        }
        return CertifiedProbe(
          coded: coded, queries: queries, comparison: comparison, request: request,
          state: coded.scan(queries.proof, request))
      }
    }
    return VectorProbe(
      reference: reference, comparison: comparison, id: id,
      best: BlockCandidates([Candidates(id, request, documents)]))
  }

  private func estimates(
    _ codes: ListCodes, _ query: EstimateQuery, _ comparison: DenseComparison, _ unit: [Float],
    _ request: SearchRequest
  ) -> EstimateProbe {
    var wide = request
    // An estimate says nothing about a least score.
    wide.floor = -.infinity
    let rescores = reference != nil && !isApproximate
    if rescores {
      wide.k = Int(min(Double(Int32.max), (Double(request.k) * oversample).rounded(.up)))
    } else if !query.products.isEmpty {
      // Steps of a scan bring some out of their order.
      wide.k = min(Int(Int32.max), 2 * request.k + 32)
    }
    return EstimateProbe(
      codes: codes, lists: lists, query: query, products: lists.products(unit, kernels),
      reference: rescores ? reference : nil, comparison: comparison, similarity: similarity,
      request: request, place: place, kernels: kernels,
      best: Candidates(request.ids[0], wide, documents))
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    guard let reference else {
      throw .config(
        place, "the index has codes alone, no vectors", hint: "build it with --originals keep")
    }
    return reference.vectors(of: ordinals)
  }

  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    var explanations: [[JSON.Member]]
    if let reference {
      explanations = try reference.explanations(queries, query, of: ordinals, naming: name)
    } else {
      explanations = try scores(queries, query, of: ordinals).map { score in
        [
          JSON.Member("similarity", .string(similarity.rawValue)),
          JSON.Member("estimate", .number(score)),
        ]
      }
    }
    for (place, ordinal) in ordinals.enumerated() {
      explanations[place].append(JSON.Member("list", .integer(lists.list(of: ordinal))))
    }
    return explanations
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    if let reference { return try reference.scores(queries, query, of: ordinals) }
    guard let codes else { preconditionFailure("an index of neither vectors nor codes") }
    var unit = try checked(queries[query..<query + 1]) { _ in "the query" }
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&unit, dimension: unit.count, kernels)
    }
    let (own, products) = (codes.coder.query(unit, kernels), lists.products(unit, kernels))
    return ordinals.map { ordinal in
      let list = lists.list(of: ordinal)
      let estimate = codes.estimate(
        ordinal, of: list, from: lists.range(list).lowerBound, own)
      return own.score(estimate + products[list], similarity)
    }
  }
}
