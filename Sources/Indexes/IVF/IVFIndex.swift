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
/// most of what follows; a worker has a block of queries at a time. Where vectors themselves are compared
/// and a list is looked at for several queries, they are compared together (`SharedProbes`). Where the lists hold fewer documents than are
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
    if lists.count == 0 { return request.ids.map { _ in [] } }
    lists.prepare(kernels)
    let count = request.ids.count
    let size = min(Self.block(request.k), max(1, (count + pool.threads - 1) / pool.threads))
    let results = Results<[TopDocuments.Entry]>(count)
    let rooms = WorkerLocal(pool) {
      FlatRoom(rows: FlatIndex.step, queries: 1, dimension: lists.dimension)
    }
    try pool.forEach((count + size - 1) / size) { [self] block, worker throws(Failure) in
      let range = block * size..<min((block + 1) * size, count)
      try rooms.with(worker) { room throws(Failure) in
        let isShared = shares(range.count, request)
        let found =
          isShared
          ? try sharing(values, range, request, room) : try oneByOne(values, range, request, room)
        for (query, entries) in zip(range, found) { results.set(query, entries) }
      }
    }
    return request.ids.indices.map { results.take($0) }
  }

  /// Queries that a worker has at a time; fewer where much is kept of each.
  private static func block(_ k: Int) -> Int { min(1024, max(16, (1 << 20) / max(k, 1))) }

  /// Queries whose products with centroids are computed at a time.
  private static let prepared = 64

  /// Prepares some queries together: what follows of each does not depend on the others.
  private func prepare(
    _ values: [Float], _ range: Range<Int>, _ body: (PreparedProbe) throws(Failure) -> Void
  ) throws(Failure) {
    let (dimension, count) = (lists.dimension, lists.count)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.prepared) {
      let some = start..<min(start + Self.prepared, range.upperBound)
      let own = Array(values[some.lowerBound * dimension..<some.upperBound * dimension])
      var units = own
      if similarity == .cosine {
        DenseComparison.bringToUnitLength(&units, dimension: dimension, kernels)
      }
      let scores = lists.scores(units, kernels)
      let turned = codes?.coder.turned(units, kernels)
      for query in some {
        let place = query - start
        let numbers = place * dimension..<(place + 1) * dimension
        try body(
          PreparedProbe(
            query: query, values: Array(own[numbers]), unit: Array(units[numbers]),
            turned: turned.map { Array($0[numbers]) } ?? [],
            scores: Array(scores[place * count..<(place + 1) * count])))
      }
    }
  }

  private func oneByOne(
    _ values: [Float], _ range: Range<Int>, _ request: SearchRequest, _ room: FlatRoom
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    var results: [[TopDocuments.Entry]] = []
    try prepare(values, range) { probe throws(Failure) in
      var part = request
      part.ids = [request.ids[probe.query]]
      part.queries = .dense(probe.values, dimension: lists.dimension)
      results.append(try answer(probe, part, room))
    }
    return results
  }

  /// Whether some queries look so often at the same lists that they do it together.
  private func shares(_ queries: Int, _ request: SearchRequest) -> Bool {
    codes == nil && coded == nil && reference != nil && request.filter == nil
      && queries * min(probes, lists.count) >= 2 * lists.count
  }

  private func sharing(
    _ values: [Float], _ range: Range<Int>, _ request: SearchRequest, _ room: FlatRoom
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    guard let reference else { preconditionFailure("lists without vectors") }
    let wanted = min(probes, lists.count)
    var (units, nearest): ([Float], [Int32]) = ([], [])
    try prepare(values, range) { probe throws(Failure) in
      units += probe.unit
      nearest += InvertedLists.best(wanted, of: probe.scores).map { Int32($0) }
    }
    var limits = request
    limits.floor = -.infinity
    var best = BlockCandidates(range.map { Candidates(request.ids[$0], limits, documents) })
    let shared = SharedProbes(
      reference: reference, lists: lists, kernels: kernels, queries: units)
    shared.compare(
      nearest, wanted, &best,
      FlatRoom(
        rows: FlatIndex.step, queries: SharedProbes.together, dimension: lists.dimension))
    return try range.map { query throws(Failure) in
      let found = try best.best[query - range.lowerBound].finish(request.ids[query], place)
      if found.count < request.k, wanted < lists.count {
        return try oneByOne(values, query..<query + 1, request, room)[0]
      }
      return found.filter { $0.score >= request.floor }
    }
  }

  /// The best documents of one query.
  private func answer(
    _ query: PreparedProbe, _ request: SearchRequest, _ room: FlatRoom
  ) throws(Failure) -> [TopDocuments.Entry] {
    if let few = try answerOfFew(request) { return few }
    // How many lists are looked at does not depend on the least score.
    var limits = request
    limits.floor = -.infinity
    let scores = query.scores
    var scan = probe(query, limits)
    var (done, wanted) = (0, min(probes, lists.count))
    while true {
      let order = InvertedLists.best(wanted, of: scores)
      for (place, list) in order.enumerated().dropFirst(done) {
        if place + 1 < order.count { scan.fetch(order[place + 1]) }
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

  private func probe(_ query: PreparedProbe, _ request: SearchRequest) -> any ProbeScan {
    let comparison = DenseComparison(query.values, count: 1, similarity, kernels)
    let (id, unit) = (request.ids[0], query.unit)
    if let codes {
      let own = codes.coder.query(unit, turned: query.turned)
      if own.isSmall || reference == nil {
        return estimates(codes, own, comparison, query.scores, request)
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
    _ codes: ListCodes, _ query: EstimateQuery, _ comparison: DenseComparison, _ scores: [Float],
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
      codes: codes, lists: lists, query: query, products: lists.products(of: scores, kernels),
      reference: rescores ? reference : nil, comparison: comparison, similarity: similarity,
      request: request, documents: documents, place: place, kernels: kernels,
      best: EstimatePool(wide.k, wide, documents))
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
    let own = codes.coder.query(unit, turned: codes.coder.turned(unit, kernels))
    let products = lists.products(unit, kernels)
    return ordinals.map { ordinal in
      let list = lists.list(of: ordinal)
      let estimate = codes.estimate(
        ordinal, of: list, from: lists.range(list).lowerBound, own)
      return own.score(estimate + products[list], similarity)
    }
  }
}

/// A query, and what is known of it before lists are looked at.
private struct PreparedProbe {
  let query: Int
  let values: [Float]
  /// The values, of cosines of unit length.
  let unit: [Float]
  /// What products with codes are made of; none without codes.
  let turned: [Float]
  /// Scores of the lists.
  let scores: [Float]
}
