/// How much further from their centroids some vectors are than those that the centroids are made for.
struct CentroidDrift {
  /// The sum of the squares of what is left of the vectors beside their centroids.
  private(set) var rest = 0.0
  private(set) var vectors = 0

  /// What searches lose by, and how many vectors tell: a few documents may be odd.
  private static let warned = (ratio: 1.25, vectors: 1024)

  mutating func add(rest: Float) { self.rest += Double(rest) }

  mutating func add(vectors: Int) { self.vectors += vectors }

  /// The mean square of what is left, divided by that of the vectors of the sample that were held out.
  ///
  /// - Returns: About 1 for documents like those of the sample; nil where there is nothing to compare.
  func ratio(_ codebook: PlaidCodebook) -> Double? {
    guard vectors > 0, codebook.spread > 0 else { return nil }
    return rest / Double(vectors) / Double(codebook.spread)
  }

  /// What is said of documents that are far from the centroids; nil where they are not.
  func warning(_ codebook: PlaidCodebook) -> String? {
    guard vectors >= Self.warned.vectors, let ratio = ratio(codebook), ratio > Self.warned.ratio
    else { return nil }
    return "the vectors are \((ratio * 100).rounded() / 100) times as far (mean square) from the "
      + "centroids as those that these were learned for, and searches miss some of them: "
      + "lir-index compact --retrain learns others where vectors are kept"
  }
}
