import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors

/// What one query finds in the lists that are looked at.
protocol ProbeScan {
  /// Looks at documents of a list, at most a step (`FlatIndex.step`), the first of which begins a block.
  ///
  /// - Parameters:
  ///   - range: The documents.
  ///   - list: Their list.
  ///   - room: Scratch memory.
  mutating func look(at range: Range<Int>, of list: Int, _ room: FlatRoom)

  /// Asks for what the documents of a list are compared by.
  func fetch(_ list: Int)

  /// The best documents so far.
  ///
  /// - Throws: 65 for a score that is not a finite number.
  func answer(_ room: FlatRoom) throws(Failure) -> [TopDocuments.Entry]
}

extension ProbeScan {
  func fetch(_ list: Int) {}
}

/// Compares the vectors themselves.
struct VectorProbe: ProbeScan {
  let reference: FlatIndex
  let comparison: DenseComparison
  let id: [UInt8]
  var best: BlockCandidates

  mutating func look(at range: Range<Int>, of list: Int, _ room: FlatRoom) {
    reference.compare(range, comparison, &best, room)
  }

  func answer(_ room: FlatRoom) throws(Failure) -> [TopDocuments.Entry] {
    try best.best[0].finish(id, reference.place)
  }
}

/// Compares codes, and those vectors that codes cannot exclude: what comparing all vectors of the lists
/// finds.
struct CertifiedProbe: ProbeScan {
  let coded: CodedFlatIndex
  let queries: CodedQueries
  let comparison: DenseComparison
  let request: SearchRequest
  var state: CertifiedScan

  mutating func look(at range: Range<Int>, of list: Int, _ room: FlatRoom) {
    coded.look(at: range, queries, comparison, &state, room)
  }

  func answer(_ room: FlatRoom) throws(Failure) -> [TopDocuments.Entry] {
    var best = state.compared.best[0]
    let count = coded.rescore(state.contenders[0].survivors, comparison, &best) {
      queries.proof.threshold(0, reaching: $0)
    }
    coded.survivors.add(count + state.documents, of: 0, request)
    return try best.finish(request.ids[0], coded.reference.place)
  }
}

/// Takes the products of codes for scores.
struct CodeProbe: ProbeScan {
  let coded: CodedFlatIndex
  let queries: CodedQueries
  let request: SearchRequest
  var best: BlockCandidates

  private static let nothing = ScoreBounds(byError: [0], byNorm: [0], byNone: [0])

  mutating func look(at range: Range<Int>, of list: Int, _ room: FlatRoom) {
    coded.lookApproximately(at: range, queries, Self.nothing, &best, room)
  }

  func answer(_ room: FlatRoom) throws(Failure) -> [TopDocuments.Entry] {
    try coded.ranked(best.best[0], queries, 0, request)
  }
}

/// Ranks by estimates, and then the best of these by the vectors themselves where there are any.
struct EstimateProbe: ProbeScan {
  let codes: ListCodes
  let lists: InvertedLists
  let query: EstimateQuery
  /// Products of the query with the centroids.
  let products: [Float]
  /// What compares the vectors; nil where estimates are scores.
  let reference: FlatIndex?
  let comparison: DenseComparison
  let similarity: Similarity
  let request: SearchRequest
  let documents: DocumentTable
  let place: String
  let kernels: Kernels
  let best: EstimatePool

  func look(at range: Range<Int>, of list: Int, _ room: FlatRoom) {
    let product = products[list]
    // A little less, for what is rounded when the product is added.
    let threshold = best.threshold - product
    let slack = 0x1p-20 * (abs(best.threshold) + abs(product))
    codes.scan(
      range, of: list, from: lists.range(list).lowerBound, query,
      threshold: threshold.isFinite ? threshold - slack : -.infinity, room, kernels
    ) { ordinal, estimate in
      let score = estimate + product
      // What overflows is compared, where that can be.
      best.offer(ordinal, score.isFinite || reference == nil ? score : .greatestFiniteMagnitude)
    }
  }

  func fetch(_ list: Int) { codes.fetch(list, lists.range(list)) }

  func answer(_ room: FlatRoom) throws(Failure) -> [TopDocuments.Entry] {
    let ordinals = try best.finish(place)
    var candidates = Candidates(request.ids[0], request, documents)
    guard let reference else {
      for ordinal in ordinals {
        let list = lists.list(of: ordinal)
        let estimate = codes.estimate(
          ordinal, of: list, from: lists.range(list).lowerBound, query)
        candidates.offer(ordinal, query.score(estimate + products[list], similarity))
      }
      return try candidates.finish(request.ids[0], place)
    }
    for start in stride(from: 0, to: ordinals.count, by: FlatIndex.gathered) {
      let part = ordinals[start..<min(start + FlatIndex.gathered, ordinals.count)]
      for (ordinal, score) in zip(part, reference.scores(comparison, of: part, room)) {
        candidates.offer(ordinal, score)
      }
    }
    return try candidates.finish(request.ids[0], place)
  }
}
