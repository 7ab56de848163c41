import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors
import Workers

/// Search by centroids and codes, of all segments of a collection together.
///
/// Documents with a vector of a centroid that is near to one of the query's are candidates; their
/// centroids alone leave some of them, which are scored by their codes (PLAID, arXiv:2205.09707). Where
/// vectors are kept, those of the best are compared themselves, and scores are theirs. What
/// is found does not depend on how documents are split between segments.
final class PlaidIndex: RescoringIndex {
  let documents: SegmentedDocuments
  let segments: [PlaidSegment]
  let scoring: VectorScoring
  let parameters: PlaidParameters
  let codebook: PlaidCodebook
  let width: Int
  let kernels: Kernels
  /// What compares the vectors of each segment's documents; none where codes alone are asked for.
  let references: [MultiVectorIndex]
  /// What compares all vectors of all documents; nil where codes alone are asked for.
  private let exact: (any SearchableIndex)?
  private let joined: SegmentedIndex
  private let pool: WorkerPool
  private let rooms: WorkerLocal<PlaidRoom>
  private let scored = SurvivorCounts()

  /// - Parameters:
  ///   - segments: At least one; their centroids are the same.
  ///   - parameters: How they are searched.
  ///   - work: What searches.
  /// - Throws: 65 where files do not fit the manifest, 78 for scores that are not known.
  init(
    _ segments: [IndexSegment], _ parameters: PlaidParameters, _ work: IndexWork
  ) throws(Failure) {
    let own = try segments.map { segment throws(Failure) in try PlaidSegment(segment) }
    let scoring = try VectorScoring(segments[0].manifest.source, segments[0].folder)
    let codebook = own[0].codebook
    self.segments = own
    self.scoring = scoring
    self.parameters = parameters
    self.codebook = codebook
    references =
      parameters.oversample != nil && segments.allSatisfy { $0.has(Plaid.vectors) }
      ? try segments.map { segment throws(Failure) in try MultiVectorIndex(segment, work) } : []
    exact = references.isEmpty ? nil : SegmentedIndex.joining(references, of: segments)
    width = codebook.width
    kernels = work.kernels
    pool = work.pool
    documents = SegmentedDocuments(own.map(\.documents))
    joined = SegmentedIndex(own.map { PlaidPart(documents: $0.documents) }, of: segments)
    rooms = WorkerLocal(work.pool) {
      PlaidRoom(codebook, scoring.similarity, own, work.kernels)
    }
  }

  var figures: [(name: String, value: String)] { scored.figures }

  var place: String { segments[0].place }

  /// Documents that were found, with their scores, in each segment.
  typealias Found = [[(ordinal: Int32, score: Float)]]

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let sets = try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    if let exact, comparesAll(request) {
      for query in sets.indices { scored.add(documents.count, of: query, request) }
      return try exact.search(request)
    }
    let results = Results<Found>(sets.count)
    try pool.forEach(sets.count) { [self] query, worker throws(Failure) in
      try rooms.with(worker) { room throws(Failure) in
        results.set(query, try answer(sets[query], query, request, room))
      }
    }
    let found = sets.indices.map { results.take($0) }
    return try joined.search(request) { part, request throws(Failure) in
      var answers: [[TopDocuments.Entry]] = []
      for (query, id) in request.ids.enumerated() {
        var best = Candidates(id, request, segments[part].documents)
        for (ordinal, score) in found[query][part] { best.offer(Int(ordinal), score) }
        answers.append(try best.finish(id, segments[part].place))
      }
      return answers
    }
  }

  /// Whether as many documents as there are may be candidates: then comparing their vectors is no more
  /// work than all that is done to leave some of them out.
  private func comparesAll(_ request: SearchRequest) -> Bool {
    parameters.scoring == .plaid && documents.count <= parameters.resolved(request.k).candidates
  }

  /// The vectors of queries; `name` is what a query is called in messages.
  func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [VectorSet] {
    try MultiVectorIndex.checked(queries, width, place, name)
  }

  private func answer(
    _ set: VectorSet, _ place: Int, _ request: SearchRequest, _ room: PlaidRoom
  ) throws(Failure) -> Found {
    let admissions = AdmittedDocuments(
      request.ids[place], request, segments.map(\.documents), documents.firsts)
    guard !set.values.isEmpty else {
      // The sum over no vectors.
      if scoring.aggregations.query == .max { return segments.map { _ in [] } }
      return admissions.all().map { $0.map { ($0, 0) } }
    }
    let query = PlaidQuery(set.values, width: width, scoring.similarity, kernels)
    room.centroids.score(query)
    switch parameters.scoring {
    case .plaid:
      let wanted = compared(request.k)
      let ranked = try candidates(request.k, wanted, admissions, room)
      let (found, compared) = try best(of: ranked, wanted, room)
      scored.add(compared, of: place, request)
      return references.isEmpty ? found : try rescored(found, wanted, set)
    case .warp, .xtr:
      let retrieval = try TokenRetrieval(self, query, room)
      return try retrieval.answer(admissions, room)
    }
  }

  // MARK: Candidates

  /// The documents that are scored for a query whose centroids have scores, and what their centroids
  /// alone come to.
  private func candidates(
    _ k: Int, _ compared: Int, _ admissions: AdmittedDocuments, _ room: PlaidRoom
  ) throws(Failure) -> RankedDocuments {
    let limits = parameters.resolved(k)
    let wanted = max(limits.candidates, compared)
    var cells = limits.cells
    var near: [Int32] = []
    var ranked: RankedDocuments
    let limit = max(wanted, admissions.isFiltered ? Self.fewAllowed : 0)
    if let all = admissions.all(atMost: limit) {
      ranked = RankedDocuments(documents: all)
    } else {
      ranked = RankedDocuments(documents: [])
      // As many as are asked for are found where there are as many.
      while ranked.count < k {
        if cells >= codebook.count {
          ranked = RankedDocuments(documents: admissions.all())
          break
        }
        near = room.centroids.nearest(cells)
        ranked = RankedDocuments(
          documents: try room.documents(of: near, in: segments, admissions.admits))
        cells *= 2
      }
    }
    let isFew = ranked.count <= wanted && admissions.all(atMost: wanted) != nil
    let takesLargest = scoring.aggregations.query == .max
    room.centroids.makeLevels(
      threshold: limits.threshold, near: near, takesLargest: takesLargest)
    if ranked.count > wanted {
      // Without a list of centroids there is none that a document is a candidate for.
      try interact(&ranked, room, ofAll: near.isEmpty, takesLargest)
      ranked.keep(wanted)
    }
    try interact(&ranked, room, ofAll: true, takesLargest)
    if !isFew { ranked.keep(max(limits.candidates / 4, compared)) }
    return ranked
  }

  /// Documents that may be found up to which all of them are looked at, where others may not.
  private static let fewAllowed = 1 << 14

  /// Gives documents the numbers that their centroids come to.
  private func interact(
    _ ranked: inout RankedDocuments, _ room: PlaidRoom, ofAll: Bool, _ takesLargest: Bool
  ) throws(Failure) {
    let levels = room.centroids.levels(ofAll: ofAll, takesLargest: takesLargest)
    ranked.numbers = []
    for (segment, documents) in zip(segments, ranked.documents) {
      var (firsts, counts): ([Int64], [Int64]) = ([], [])
      firsts.reserveCapacity(documents.count)
      counts.reserveCapacity(documents.count)
      for document in documents {
        let rows = try segment.rows(Int(document))
        if !segment.isNarrow { _ = try segment.numbers(rows) }
        firsts.append(Int64(rows.lowerBound))
        counts.append(Int64(rows.count))
      }
      var numbers = [Int32](repeating: 0, count: documents.count)
      kernels.interact(
        segment.numbers, firsts: firsts, counts: counts, levels, into: &numbers)
      ranked.numbers.append(numbers)
    }
  }

  // MARK: Scores

  /// Scores candidates by their codes, those first whose centroids promise most, until no other can be
  /// among the best; tells how many it scored.
  private func best(
    of ranked: RankedDocuments, _ k: Int, _ room: PlaidRoom
  ) throws(Failure) -> (found: Found, compared: Int) {
    var order: [(segment: Int, document: Int32, number: Int32)] = []
    for segment in segments.indices {
      for (document, number) in zip(ranked.documents[segment], ranked.numbers[segment]) {
        order.append((segment, document, number))
      }
    }
    order.sort {
      $0.number != $1.number
        ? $0.number > $1.number : ($0.segment, $0.document) < ($1.segment, $1.document)
    }
    let bound = ScoreBound(room.centroids, scoring, codebook)
    var scores = LargestElements<Float>(k)
    var found: Found = segments.map { _ in [] }
    var next = 0
    var compared = 0
    while next < order.count {
      let part = order[next..<min(next + Self.together, order.count)]
      next = part.endIndex
      for segment in segments.indices {
        let own = part.filter { entry in
          guard entry.segment == segment else { return false }
          guard let least = scores.least else { return true }
          return bound.most(
            entry.number, radius: segments[segment].radius(Int(entry.document))) >= least
        }.map(\.document)
        compared += own.count
        for (document, score) in zip(own, try self.scores(own, of: segment, room)) {
          // A document without vectors has no score.
          guard score > -.infinity else { continue }
          if score.isFinite { scores.insert(score) }
          found[segment].append((document, score))
        }
      }
    }
    return (found, compared)
  }

  /// Documents whose vectors are compared where k are asked for; k where none are.
  private func compared(_ k: Int) -> Int {
    guard let oversample = parameters.oversample, !references.isEmpty else { return k }
    return Int(min(Double(Int32.max), (Double(k) * oversample).rounded(.up)))
  }

  /// The best documents by their codes with the scores of their vectors.
  private func rescored(
    _ found: Found, _ wanted: Int, _ set: VectorSet
  ) throws(Failure) -> Found {
    var order: [(segment: Int, ordinal: Int32, score: Float)] = []
    for (segment, documents) in found.enumerated() {
      order += documents.map { (segment, $0.ordinal, $0.score) }
    }
    order.sort {
      $0.score != $1.score
        ? $0.score > $1.score : ($0.segment, $0.ordinal) < ($1.segment, $1.ordinal)
    }
    let batch = InteractionBatch(
      [set], width: width, scoring.similarity, scoring.aggregations, kernels)
    var results: Found = []
    let last = order.count > wanted ? order[wanted - 1].score : -.infinity
    for (segment, reference) in references.enumerated() {
      let own = order.filter { $0.segment == segment && $0.score >= last }.map(\.ordinal)
      let scores = try reference.scores(batch, of: own.map { Int($0) })
      results.append(zip(own, scores).map { ($0, $1) })
    }
    return results
  }

  /// Documents that are scored before it is asked whether others may be better.
  private static let together = 32

  /// Scores of documents of a segment by their codes, for the query whose centroids have scores.
  func scores(
    _ documents: [Int32], of segment: Int, _ room: PlaidRoom
  ) throws(Failure) -> [Float] {
    guard let query = room.centroids.query else { preconditionFailure("no query") }
    var scores = [Float](repeating: -.infinity, count: documents.count)
    try room.tokens.maxima(documents, of: segments[segment], room.centroids) { place, maxima in
      if maxima[0] == -.infinity { return }
      scores[place] = combine(query) { maxima[$0] }
    }
    return scores
  }

  /// The score that a query's vectors come to, of what documents' vectors are ranked by.
  func combine(_ query: PlaidQuery, _ maximum: (Int) -> Float) -> Float {
    let similarity = scoring.similarity
    if scoring.aggregations.query == .max {
      return (0..<query.count).reduce(-.infinity) {
        max($0, query.score($1, maximum($1), similarity))
      }
    }
    let sum = (0..<query.count).reduce(Float(0)) {
      $0 + query.score($1, maximum($1), similarity)
    }
    return scoring.aggregations.query == .mean ? sum / Float(query.count) : sum
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let set = try checked(queries[query..<query + 1]) { _ in "the query" }[0]
    guard !set.values.isEmpty else {
      return ordinals.map { _ in scoring.aggregations.query == .max ? -.infinity : 0 }
    }
    let own = PlaidQuery(set.values, width: width, scoring.similarity, kernels)
    return try withRoom { room throws(Failure) in
      var places: [[Int]] = segments.map { _ in [] }
      var parts: [[Int32]] = segments.map { _ in [] }
      for (number, ordinal) in ordinals.enumerated() {
        let place = documents.place(of: ordinal)
        places[place.table].append(number)
        parts[place.table].append(Int32(place.ordinal))
      }
      if !references.isEmpty {
        var scores = [Float](repeating: 0, count: ordinals.count)
        for (segment, part) in parts.enumerated() where !part.isEmpty {
          let found = try references[segment].scores(queries, query, of: part.map { Int($0) })
          for (number, score) in zip(places[segment], found) { scores[number] = score }
        }
        return scores
      }
      let retrieval = try prepare(own, for: parts, room)
      var scores = [Float](repeating: 0, count: ordinals.count)
      for (segment, part) in parts.enumerated() where !part.isEmpty {
        let found =
          if let retrieval {
            try retrieval.scores(part, of: segment, room)
          } else {
            try self.scores(part, of: segment, room)
          }
        for (number, score) in zip(places[segment], found) { scores[number] = score }
      }
      return scores
    }
  }

  /// Calls `body` with what the calling thread needs.
  func withRoom<R>(_ body: (PlaidRoom) throws(Failure) -> R) throws(Failure) -> R {
    try rooms.with(0) { room throws(Failure) in try body(room) }
  }

  /// Scores those centroids that some documents of each segment have, or all.
  ///
  /// - Parameters:
  ///   - query: The query.
  ///   - documents: Of each segment.
  ///   - room: What the worker has.
  /// - Returns: What scores documents, where it is not all their vectors.
  /// - Throws: 65 where a document's vectors are not there.
  private func prepare(
    _ query: PlaidQuery, for documents: [[Int32]], _ room: PlaidRoom
  ) throws(Failure) -> TokenRetrieval? {
    guard parameters.scoring == .plaid else {
      room.centroids.score(query)
      return try TokenRetrieval(self, query, room)
    }
    var seen = [Bool](repeating: false, count: codebook.count)
    var own: [Int32] = []
    for (segment, part) in zip(segments, documents) {
      for document in part {
        for number in try segment.numbers(segment.rows(Int(document))) where !seen[Int(number)] {
          seen[Int(number)] = true
          own.append(number)
        }
      }
    }
    if own.count < codebook.count / 2 {
      room.centroids.score(query, only: own)
    } else {
      room.centroids.score(query)
    }
    return nil
  }
}

/// A segment by its ids; it is searched with the others.
private struct PlaidPart: SearchableIndex {
  let documents: DocumentTable

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    request.ids.map { _ in [] }
  }
}
