import Glibc

/// A penalty on embeddings, [n,vectors,dim], that makes them small or sparse.
///
/// Lightning IR `loss/regularization.py`.
package struct Regularization: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Σ over vectors and dimensions of (the mean of |x| over the texts)².
    ///
    /// Paria et al., arXiv:2004.05665.
    case flops = "FLOPSRegularization"
    /// The mean sum of |x| of a vector.
    case l1 = "L1Regularization"
    /// The mean Euclidean length of a vector.
    case l2 = "L2Regularization"
  }

  package var kind: Kind
  package var queryWeight: Double
  package var docWeight: Double

  package init(_ kind: Kind, queryWeight: Double = 1e-4, docWeight: Double = 1e-4) {
    self.kind = kind
    self.queryWeight = queryWeight
    self.docWeight = docWeight
  }

  /// The penalty on the embeddings of one role, before its weight, and its derivative.
  ///
  /// - Parameters:
  ///   - embeddings: [texts,vectors,dimension].
  ///   - texts: number of texts.
  ///   - dimension: length of a vector.
  /// - Returns: The penalty and its derivative by `embeddings`.
  package func penalty(_ embeddings: [Float], texts: Int, dimension: Int) -> LossValue {
    precondition(
      texts > 0 && dimension > 0 && embeddings.count % (texts * dimension) == 0,
      "\(embeddings.count) values of \(texts) texts and dimension \(dimension)")
    switch kind {
    case .flops: return flops(embeddings, texts: texts)
    case .l1:
      return meanOverVectors(embeddings, dimension) { $0.reduce(0) { $0 + abs(Double($1)) } }
    case .l2:
      return meanOverVectors(embeddings, dimension) {
        $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      }
    }
  }

  private func flops(_ embeddings: [Float], texts: Int) -> LossValue {
    let places = embeddings.count / texts
    var means = [Double](repeating: 0, count: places)
    for (i, x) in embeddings.enumerated() { means[i % places] += abs(Double(x)) / Double(texts) }
    var total = LossValue(count: embeddings.count)
    total.value = means.reduce(0) { $0 + $1 * $1 }
    for (i, x) in embeddings.enumerated() where x != 0 {
      total.gradient[i] = 2 * means[i % places] / Double(texts) * (x > 0 ? 1 : -1)
    }
    return total
  }

  /// The mean of a norm over all vectors; its derivative at 0 is taken to be 0, as torch does.
  private func meanOverVectors(
    _ embeddings: [Float], _ dimension: Int, _ norm: (ArraySlice<Float>) -> Double
  ) -> LossValue {
    var total = LossValue(count: embeddings.count)
    let vectors = embeddings.count / dimension
    for start in stride(from: 0, to: embeddings.count, by: dimension) {
      let vector = embeddings[start..<start + dimension]
      let length = norm(vector)
      total.value += length
      for i in vector.indices where vector[i] != 0 {
        total.gradient[i] =
          kind == .l2 ? Double(vector[i]) / length : vector[i] > 0 ? 1 : -1
      }
    }
    total.average(over: vectors)
    return total
  }
}

/// The cross entropy of the similarities between a query and a document's vectors, where the
/// largest one is right: one vector of a document shall stand out.
///
/// Zhang et al., Multi-View Document Representation Learning, ACL 2022; Lightning IR
/// `loss/embedding.py`, which ignores its temperature, and so does this.
package struct ContrastiveLocalLoss: Sendable {
  package init() {}

  /// The loss and its derivative by the similarities.
  ///
  /// - Parameter similarity: [B,V], V vectors a document.
  /// - Returns: The mean over the queries.
  package func callAsFunction(_ similarity: ScoreTable) -> LossValue {
    meanOverQueries(similarity) { query in
      let row = similarity.row(query)
      return Softmax(row).crossEntropy(right: firstLargest(row))
    }
  }
}
