import Glibc
import Models

/// The losses of a SpaDE's two encoders, each by itself: the cross entropy of a query's positive document among
/// all of the batch, and for the encoder that adds terms how well a document gives back its query.
///
/// Choi et al., arXiv:2209.05917, Algorithm 1; the authors' `model/SpaDE_cotraining.py` at a026cce.
package struct DualEncoderLoss: Sendable, Equatable {
  /// Factor of the loss of queries that are given back.
  package var lambda: Double
  /// Share of a batch's queries that train an encoder: those on which the other one is worst; nil for all.
  package var teachingRatio: Double?
  /// Steps that train both encoders with all queries before that.
  package var teachingStart: Int
  /// Tuples of which that share is chosen at a time; nil for those of a batch.
  package var teachingPool: Int?
  /// Steps before this one, from 1, train the second encoder with the largest weights of all terms.
  package var masksFrom: Int
  /// Rule by which terms are taken out of the vocabulary; nil for none.
  package var pruning: TermPruning?
  /// The step that is taken, from 0.
  package var step = 0
  /// The only encoder that is trained, by all queries, for they were chosen before; nil for both.
  package var part: Int?

  package init(
    lambda: Double = 1, teachingRatio: Double? = nil, teachingStart: Int = 0,
    teachingPool: Int? = nil, masksFrom: Int = 0, pruning: TermPruning? = nil
  ) {
    self.lambda = lambda
    self.teachingRatio = teachingRatio
    self.teachingStart = teachingStart
    self.teachingPool = teachingPool
    self.masksFrom = masksFrom
    self.pruning = pruning
  }

  /// Whether a batch says which of its queries train an encoder.
  var choosesOfBatch: Bool {
    part == nil && teachingPool == nil && teachingRatio != nil && step >= teachingStart
  }

  /// What of the encoders trains in the step.
  var trainedParts: TrainedParts {
    TrainedParts(only: part, keepsAllTerms: step + 1 < masksFrom)
  }

  /// How many of some queries train an encoder.
  package func chosen(of count: Int) -> Int {
    teachingRatio.map { max(1, Int(Double(count) * $0)) } ?? count
  }

  /// The place of each query's positive document: the first of those with the largest target.
  static func positives(_ targets: ScoreTable) -> [Int] {
    (0..<targets.queries).map { query in
      let row = Array(targets.row(query))
      return row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
    }
  }

  /// How bad an encoder is at some queries: the cross entropy of each one's positive document among its own.
  ///
  /// - Parameters:
  ///   - scores: What the encoder gives the queries' own documents.
  ///   - targets: Of these.
  /// - Returns: A number for each query.
  static func losses(_ scores: ScoreTable, _ targets: ScoreTable) -> [Double] {
    let positives = positives(targets)
    return (0..<scores.queries).map { query in
      LogitScale().crossEntropy(scores.row(query), right: positives[query]).value
    }
  }

  /// The queries that train an encoder: those which the other one is worst at, in order.
  ///
  /// - Parameter losses: How bad that one is at each query.
  /// - Returns: The queries.
  func chosen(_ losses: [Double]) -> [Int] {
    let order = losses.indices.sorted {
      losses[$0] != losses[$1] ? losses[$0] > losses[$1] : $0 < $1
    }
    return order.prefix(chosen(of: losses.count)).sorted()
  }

  /// The documents that each query is compared with, its positive one first; none for queries that were not
  /// chosen.
  static func columns(_ chosen: [Int], _ targets: ScoreTable) -> [[Int]] {
    let n = targets.documents
    let positives = positives(targets)
    var columns = [[Int]](repeating: [], count: targets.queries)
    let documents = chosen.flatMap { $0 * n..<($0 + 1) * n }
    for query in chosen {
      let own = query * n + positives[query]
      columns[query] = [own] + documents.filter { $0 != own }
    }
    return columns
  }

  /// −Σ q·log(softmax(d) + 10⁻¹⁰) of a query's terms, and its derivative by the document's.
  static func reconstruction(
    _ query: UnsafeBufferPointer<Float>, _ document: UnsafeBufferPointer<Float>
  ) -> (value: Double, slopes: [Double]) {
    let epsilon = 1e-10
    let largest = Double(document.max() ?? 0)
    var shares = document.map { exp(Double($0) - largest) }
    let total = shares.reduce(0, +)
    for i in shares.indices { shares[i] /= total }
    var (value, common) = (0.0, 0.0)
    var slopes = [Double](repeating: 0, count: shares.count)
    for i in shares.indices where query[i] != 0 {
      let weight = Double(query[i])
      value -= weight * log(shares[i] + epsilon)
      slopes[i] = -weight / (shares[i] + epsilon)
      common += slopes[i] * shares[i]
    }
    for i in shares.indices { slopes[i] = shares[i] * (slopes[i] - common) }
    return (value, slopes)
  }
}

/// Terms that too many documents get are taken out of the vocabulary, for good.
///
/// The authors' `df_cutoff_btw`: every so many steps those that more than a share of the documents since then
/// got from the encoder that adds terms.
package struct TermPruning: Sendable, Equatable {
  /// Share of the documents.
  package var ratio: Double
  package var every: Int
  /// Steps before the first time.
  package var start: Int
  /// Whether the share begins 0.2 higher and falls by 0.05 a time.
  package var isGradual: Bool

  /// Times after which no more is pruned.
  private static let most = 6

  package init(ratio: Double, every: Int, start: Int, isGradual: Bool) {
    self.ratio = ratio
    self.every = every
    self.start = start
    self.isGradual = isGradual
  }

  /// Whether the counting begins anew before a step, from 1.
  func endsBefore(_ step: Int) -> Bool { step % every == 0 }

  /// Most documents that a term may have; nil where nothing is pruned before a step, from 1.
  ///
  /// - Parameters:
  ///   - step: The step.
  ///   - documents: Documents that were counted.
  ///   - times: Times that something was pruned.
  /// - Returns: The number.
  func cutoff(_ step: Int, documents: Double, times: Int) -> Double? {
    guard endsBefore(step), step > start, ratio < 1, times < Self.most else { return nil }
    let share = isGradual ? max(ratio, ratio + 0.2 - 0.05 * Double(times)) : ratio
    return documents * share
  }
}
