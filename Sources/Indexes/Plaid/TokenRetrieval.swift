import Failures
import Kernels
import Vectors

/// Scores made of those vectors of documents that were looked at, with something in the place of the
/// others: WARP's (arXiv:2501.17788) and XTR's (arXiv:2304.01982).
///
/// For a vector of the query, the vectors of its near centroids are looked at. With XTR of these only
/// the `retrieved` that score highest count, and others that score as high as the last of them.
struct TokenRetrieval {
  private let index: PlaidIndex
  private let query: PlaidQuery
  /// What stands in place of a vector that was not looked at, for each of the query's; nil for the
  /// document's own largest score.
  private var imputed: [Float]?
  /// The least score that counts; nil for all.
  private var least: [Float]?
  /// The near centroids of each vector of the query.
  private let near: [Int32]
  /// Scores of all centroids before they were masked, where documents' own are asked for.
  private let own: CentroidScores?

  /// Finds what is looked at, and masks all other centroids.
  ///
  /// - Parameters:
  ///   - index: What is searched.
  ///   - query: The query, whose centroids have scores in `room`.
  ///   - room: What the worker has.
  /// - Throws: 65 where the files are damaged.
  init(_ index: PlaidIndex, _ query: PlaidQuery, _ room: PlaidRoom) throws(Failure) {
    self.index = index
    self.query = query
    let parameters = index.parameters
    let sizes = (0..<index.codebook.count).map { centroid in
      index.segments.reduce(0) { $0 + $1.lists.vectors(centroid) }
    }
    let vectors = sizes.reduce(0, +)
    let cells = parameters.tokenCells(of: sizes.count, with: vectors)
    // The paper's centroids are of unit length, as its vectors are. Means are shorter: their own scores
    // would stand too low for what was not looked at.
    let isStretched = parameters.scoring == .warp || parameters.imputation == .warp
    if isStretched { room.centroids.stretch() }
    near = room.centroids.nearest(cells)
    let missing =
      parameters.imputation == .warp ? Self.missing(index, query, room.centroids, sizes) : nil
    if isStretched { room.centroids.score(query) }
    if parameters.imputation == .gather {
      let own = CentroidScores(index.codebook, index.scoring.similarity, index.kernels)
      own.score(query)
      self.own = own
    } else {
      own = nil
    }
    room.centroids.mask(near: near)
    if parameters.scoring == .xtr {
      least = try threshold(parameters.retrieved, room)
    }
    switch parameters.imputation {
    case .zero: imputed = Array(repeating: 0, count: query.count)
    case .gather: imputed = nil
    case .warp: imputed = missing
    case .min:
      if let least { imputed = least } else { imputed = try threshold(.max, room) }
    }
  }

  // MARK: What stands for others

  /// For each vector of the query the stretched score of the centroid at which the vectors of it and
  /// all nearer ones are as many as `t-prime` says (WARP, `warp_select_centroids.cpp`).
  private static func missing(
    _ index: PlaidIndex, _ query: PlaidQuery, _ scores: CentroidScores, _ sizes: [Int]
  ) -> [Float] {
    let total = sizes.reduce(0, +)
    let usual = max(1000, Int(Double(8 * total).squareRoot() / 1000) * 1000)
    let wanted = index.parameters.missing ?? usual
    // Most often a few hundred centroids have as many.
    var looked = min(index.codebook.count, 256)
    while true {
      let near = scores.nearest(looked)
      var results: [Float] = []
      for vector in 0..<query.count {
        var sum = 0
        for centroid in near[vector * looked..<(vector + 1) * looked] {
          sum += sizes[Int(centroid)]
          if sum >= wanted || looked == index.codebook.count && sum == total {
            results.append(scores.score(Int(centroid), vector))
            break
          }
        }
        if results.count == vector { break }
      }
      if results.count == query.count { return results }
      if looked == index.codebook.count { return Array(repeating: 0, count: query.count) }
      looked = min(index.codebook.count, 4 * looked)
    }
  }

  /// The score of the last of so many vectors that are looked at, for each of the query's: of the
  /// collection, whoever may be found.
  private func threshold(_ count: Int, _ room: PlaidRoom) throws(Failure) -> [Float] {
    var best = (0..<query.count).map { _ in LargestScores(count) }
    for (place, documents) in try looked(room).enumerated() {
      try room.tokens.scores(
        documents, of: index.segments[place], room.centroids, isMasked: true
      ) { scores in
        for vector in 0..<query.count where scores[vector] > -.infinity {
          best[vector].insert(scores[vector])
        }
      }
    }
    return best.map { $0.least }
  }

  /// Documents with a vector that is looked at, in each segment; deleted ones are none.
  private func looked(_ room: PlaidRoom) throws(Failure) -> [[Int32]] {
    try room.documents(of: near, in: index.segments) { index.segments[$0].documents.isLive($1) }
  }

  // MARK: Answers

  /// The documents that may be found and have a vector that counts, with their scores.
  func answer(
    _ admissions: AdmittedDocuments, _ room: PlaidRoom
  ) throws(Failure) -> PlaidIndex.Found {
    let documents = try room.documents(of: near, in: index.segments, admissions.admits)
    var found: PlaidIndex.Found = []
    for (segment, own) in documents.enumerated() {
      var scores: [(ordinal: Int32, score: Float)] = []
      for (document, score) in zip(own, try self.scores(own, of: segment, room, countingAll: false))
      where score > -.infinity {
        scores.append((document, score))
      }
      found.append(scores)
    }
    return found
  }

  /// Scores of documents of a segment.
  ///
  /// - Parameters:
  ///   - documents: The documents.
  ///   - segment: Place of the segment.
  ///   - room: What the worker has.
  ///   - countingAll: Whether documents without a vector that counts have a score, too.
  /// - Returns: Their scores, -∞ for none.
  /// - Throws: 65 where a document's vectors are not there.
  func scores(
    _ documents: [Int32], of segment: Int, _ room: PlaidRoom, countingAll: Bool = true
  ) throws(Failure) -> [Float] {
    let segments = index.segments
    var results = [Float](repeating: -.infinity, count: documents.count)
    var found: [[Float]] = []
    try room.tokens.maxima(
      documents, of: segments[segment], room.centroids, isMasked: true
    ) { place, maxima in
      var own = (0..<query.count).map { maxima[$0] }
      if let least {
        for vector in own.indices where own[vector] < least[vector] { own[vector] = -.infinity }
      }
      guard countingAll || own.contains(where: { $0 > -.infinity }) else {
        if imputed == nil { found.append([]) }
        return
      }
      if let imputed {
        results[place] = index.combine(query) { own[$0] > -.infinity ? own[$0] : imputed[$0] }
      } else {
        found.append(own)
      }
    }
    guard imputed == nil, let scores = own else { return results }
    let asked = documents.indices.filter { !found[$0].isEmpty }
    try room.tokens.maxima(asked.map { documents[$0] }, of: segments[segment], scores) {
      place, maxima in
      let own = found[asked[place]]
      if maxima[0] == -.infinity { return }
      results[asked[place]] = index.combine(query) { own[$0] > -.infinity ? own[$0] : maxima[$0] }
    }
    return results
  }
}

/// The largest of many numbers, so many of them at most, in memory of about twice as many.
struct LargestScores {
  private let capacity: Int
  private var scores: [Float] = []
  /// What the last of them is at least, once there are enough.
  private var floor = -Float.infinity

  init(_ capacity: Int) { self.capacity = capacity }

  mutating func insert(_ score: Float) {
    if score < floor { return }
    scores.append(score)
    if scores.count >= 2 * min(capacity, 1 << 30) + 64 { cut() }
  }

  private mutating func cut() {
    guard scores.count > capacity else { return }
    floor = scores.withUnsafeMutableBufferPointer { $0.bringForward(largest: capacity) }
    scores.removeLast(scores.count - capacity)
  }

  /// The last of them; 0 of none.
  var least: Float {
    var own = self
    own.cut()
    return own.scores.min() ?? 0
  }
}
