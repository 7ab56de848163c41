import Failures
import Kernels
import Retrieval
import Vectors

/// Finds the vectors of a collection that are nearest to those of a query.
struct TokenSearch {
  private let index: TokenIndex
  private let query: VectorSet
  private let admitted: AdmittedDocuments
  /// The query's vectors, of cosines of unit length.
  private let unit: [Float]
  private var probes: Int
  private var candidates: Int

  init(_ index: TokenIndex, _ set: VectorSet, _ admitted: AdmittedDocuments) {
    self.index = index
    query = set
    self.admitted = admitted
    var unit = set.values
    if index.scoring.similarity == .cosine {
      DenseComparison.bringToUnitLength(&unit, dimension: index.width, index.kernels)
    }
    self.unit = unit
    probes = index.settings.probes
    candidates = index.settings.candidates
  }

  /// Vectors of the query.
  private var count: Int { query.values.count / index.width }
  /// Lists of each segment.
  private var lists: Int { index.parts.map { $0.lists?.lists.count ?? 0 }.max() ?? 0 }
  private var vectors: Int { index.parts.reduce(0) { $0 + $1.reference.offsets.rows } }

  /// Whether all vectors are found that there are.
  var isComplete: Bool { probes >= lists && candidates >= vectors }

  /// Has more vectors be found.
  mutating func widen() {
    probes = min(lists, 2 * min(probes, lists) + 1)
    candidates = min(vectors, 2 * min(candidates, vectors) + 1)
  }

  /// - Parameter room: Scratch memory.
  /// - Returns: What was found for each vector of the query.
  /// - Throws: 65 for a score that is not a finite number, and for damaged files.
  func retrieve(_ room: TokenRoom) throws(Failure) -> RetrievedTokens {
    room.reserve(queries: count, width: index.width)
    let comparison = DenseComparison(
      query.values, count: count, index.scoring.similarity, index.kernels)
    let isEstimated = index.parts.contains { $0.lists?.codes != nil }
    let rescores = isEstimated && !index.settings.isApproximate
    let most =
      rescores
      ? Int(min(Double(Int32.max), (Double(candidates) * index.settings.oversample).rounded(.up)))
      : candidates
    var best = (0..<count).map { _ in NearestTokens(most) }
    let scores = listScores()
    for (place, part) in index.parts.enumerated() {
      if let lists = part.lists {
        var members = [[Int]](repeating: [], count: lists.lists.count)
        for vector in scores.indices where !members.isEmpty {
          for list in InvertedLists.best(min(probes, members.count), of: scores[vector]) {
            members[list].append(vector)
          }
        }
        try scan(lists, members, place, comparison, &best, room)
      } else {
        try scan(place, comparison, &best, room)
      }
    }
    if rescores { best = try rescored(best, room) }
    var found = best.map { $0.sorted }
    if isEstimated, !rescores, index.scoring.similarity == .l2 {
      for (vector, square) in squares.enumerated() {
        for place in found[vector].indices {
          // What was found by is not yet a distance.
          found[vector][place].score = -max(0, square - 2 * found[vector][place].score).squareRoot()
        }
      }
    }
    return try RetrievedTokens(found, index.parts.map(\.reference.offsets))
  }

  /// The square of the length of each vector of the query.
  private var squares: [Float] {
    stride(from: 0, to: unit.count, by: index.width).map { start in
      unit[start..<start + index.width].reduce(0) { $0 + $1 * $1 }
    }
  }

  /// Scores of all lists for each vector of the query; none without lists.
  private func listScores() -> [[Float]] {
    guard let lists = index.parts.first(where: { $0.lists?.lists.count ?? 0 > 0 })?.lists?.lists
    else { return [] }
    return (0..<count).map { vector in
      lists.scores(Array(unit[vector * index.width..<(vector + 1) * index.width]), index.kernels)
    }
  }

  /// Takes note of a vector's score, where its document may be found.
  private func offer(
    _ best: inout NearestTokens, _ part: Int, _ row: Int, _ score: Float
  ) throws(Failure) {
    if score < best.threshold { return }
    guard score.isFinite else {
      throw .data(
        index.parts[part].reference.place, "vector \(row) has the score \(score) for a query")
    }
    let ordinal = try index.parts[part].reference.offsets.owner(of: row)
    if admitted.admits(part, ordinal) {
      best.insert(FoundToken(score: score, part: Int32(part), row: Int32(row)))
    }
  }

  /// Compares all vectors of a segment.
  private func scan(
    _ part: Int, _ comparison: DenseComparison, _ best: inout [NearestTokens], _ room: TokenRoom
  ) throws(Failure) {
    let rows = index.parts[part].reference.vectors
    for start in stride(from: 0, to: rows.count, by: FlatIndex.step) {
      let range = start..<min(start + FlatIndex.step, rows.count)
      let scores = room.scores.matrix(rows: range.count, columns: count)
      comparison.score(
        rows.rows(range, scratch: room.rows), scratch: room.rows, into: scores)
      for place in 0..<range.count {
        for vector in 0..<count {
          try offer(
            &best[vector], part, start + place, room.scores.pointer[place * count + vector])
        }
      }
    }
  }

  /// Looks at the lists of a segment that are near to some vectors of the query.
  private func scan(
    _ lists: TokenLists, _ members: [[Int]], _ part: Int, _ comparison: DenseComparison,
    _ best: inout [NearestTokens], _ room: TokenRoom
  ) throws(Failure) {
    let estimated = lists.codes.map { codes in
      (0..<count).map { vector -> (tables: EstimateQuery, products: [Float]) in
        let own = Array(unit[vector * index.width..<(vector + 1) * index.width])
        return (
          codes.coder.query(own, turned: codes.coder.turned(own, index.kernels)),
          lists.lists.products(own, index.kernels)
        )
      }
    }
    for (list, vectors) in members.enumerated() where !vectors.isEmpty {
      let range = lists.lists.range(list)
      for start in stride(from: range.lowerBound, to: range.upperBound, by: FlatIndex.step) {
        let places = start..<min(start + FlatIndex.step, range.upperBound)
        if let estimated, let codes = lists.codes {
          for vector in vectors {
            let (tables, products) = estimated[vector]
            var found: [(place: Int, score: Float)] = []
            let threshold = best[vector].threshold - products[list]
            // A little less, for what is rounded when the product is added.
            let slack = 0x1p-20 * (abs(best[vector].threshold) + abs(products[list]))
            codes.scan(
              places, of: list, from: range.lowerBound, tables,
              threshold: threshold.isFinite ? threshold - slack : -.infinity,
              room.flat, index.kernels
            ) { found.append(($0, $1 + products[list])) }
            for (place, score) in found {
              try offer(&best[vector], part, lists.vector(place), score)
            }
          }
        } else {
          let rows = places.map { lists.vector($0) }
          compare(rows, part, comparison, room)
          for (place, row) in rows.enumerated() {
            for vector in vectors {
              try offer(&best[vector], part, row, room.scores.pointer[place * count + vector])
            }
          }
        }
      }
    }
  }

  /// Scores of some vectors of a segment, at most a step, into `room.scores`.
  private func compare(
    _ rows: [Int], _ part: Int, _ comparison: DenseComparison, _ room: TokenRoom
  ) {
    let stored = index.parts[part].reference.vectors
    for (place, row) in rows.enumerated() {
      (room.rows.pointer + place * index.width).update(
        from: stored.rows(row..<row + 1, scratch: room.one).base, count: index.width)
    }
    comparison.score(
      room.rows.matrix(rows: rows.count, columns: index.width).view, scratch: room.rows,
      into: room.scores.matrix(rows: rows.count, columns: comparison.count))
  }

  /// The nearest by the vectors themselves of those that codes have found.
  private func rescored(
    _ found: [NearestTokens], _ room: TokenRoom
  ) throws(Failure) -> [NearestTokens] {
    var best = (0..<count).map { _ in NearestTokens(candidates) }
    for (vector, nearest) in found.enumerated() {
      let own = DenseComparison(
        Array(query.values[vector * index.width..<(vector + 1) * index.width]), count: 1,
        index.scoring.similarity, index.kernels)
      for part in index.parts.indices {
        let rows = nearest.sorted.filter { $0.part == part }.map { Int($0.row) }.sorted()
        for start in stride(from: 0, to: rows.count, by: FlatIndex.step) {
          let some = Array(rows[start..<min(start + FlatIndex.step, rows.count)])
          compare(some, part, own, room)
          for (place, row) in some.enumerated() {
            try offer(&best[vector], part, row, room.scores.pointer[place])
          }
        }
      }
    }
    return best
  }
}

/// A vector of a document that was found.
struct FoundToken: Sendable {
  var score: Float
  var part: Int32
  var row: Int32

  /// Best first, of equal scores the first of the collection.
  static func precedes(_ a: FoundToken, _ b: FoundToken) -> Bool {
    a.score != b.score ? a.score > b.score : (a.part, a.row) < (b.part, b.row)
  }
}

/// The vectors that score highest, so many of them at most, in memory of about twice as many.
struct NearestTokens {
  private let capacity: Int
  private var found: [FoundToken] = []
  /// What a score must reach to be kept.
  private(set) var threshold = -Float.infinity

  init(_ capacity: Int) { self.capacity = capacity }

  mutating func insert(_ token: FoundToken) {
    found.append(token)
    if found.count >= 2 * min(capacity, 1 << 30) + 64 {
      found = sorted
      threshold = found[found.count - 1].score
    }
  }

  /// The best, best first.
  var sorted: [FoundToken] { Array(found.sorted(by: FoundToken.precedes).prefix(capacity)) }
}

/// What was found for each vector of a query, by documents.
struct RetrievedTokens {
  /// Documents of each segment of which a vector was found, ascending.
  let documents: [[Int]]
  /// The largest score of a document's vectors that were found, for each of the query's; not a number
  /// for none.
  private let maxima: [[Int: [Float]]]
  /// The least score that was found for each of the query's vectors.
  private let least: [Float]

  /// - Throws: 65 where a vector belongs to no document.
  init(
    _ found: [[FoundToken]], _ offsets: [RaggedOffsets]
  ) throws(Failure) {
    var maxima = [[Int: [Float]]](repeating: [:], count: offsets.count)
    for (vector, tokens) in found.enumerated() {
      for token in tokens {
        let part = Int(token.part)
        let ordinal = try offsets[part].owner(of: Int(token.row))
        let none = [Float](repeating: .nan, count: found.count)
        // The first is the largest.
        if maxima[part][ordinal, default: none][vector].isNaN {
          maxima[part][ordinal, default: none][vector] = token.score
        }
      }
    }
    self.maxima = maxima
    documents = maxima.map { $0.keys.sorted() }
    least = found.map { $0.last?.score ?? 0 }
  }

  /// The score of a document, with something in place of what was not found.
  func score(
    _ part: Int, _ ordinal: Int, _ imputation: TokenSettings.Imputation, _ aggregation: Aggregation
  ) -> Float {
    let own = maxima[part][ordinal]
    return aggregation.value(
      of: least.indices.map { vector in
        if let score = own?[vector], !score.isNaN { return score }
        return imputation == .min ? least[vector] : 0
      })
  }
}

/// Scratch memory of a worker.
final class TokenRoom {
  private(set) var scores = AlignedBuffer(count: 0)
  private(set) var rows = AlignedBuffer(count: 0)
  private(set) var one = AlignedBuffer(count: 0)
  let flat = FlatRoom(rows: FlatIndex.step, queries: 1, dimension: 0)

  func reserve(queries: Int, width: Int) {
    if scores.count < FlatIndex.step * queries {
      scores = AlignedBuffer(count: FlatIndex.step * queries)
    }
    if rows.count < FlatIndex.step * width {
      rows = AlignedBuffer(count: FlatIndex.step * width)
      one = AlignedBuffer(count: width)
    }
  }
}
