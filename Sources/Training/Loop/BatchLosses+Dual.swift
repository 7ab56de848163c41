import Autograd
import Kernels
import Models

/// Losses of two encoders whose vectors are trained apart.
extension BatchLosses {
  /// The loss of a batch, and derivatives by what it was computed from.
  ///
  /// - Parameters:
  ///   - loss: The loss.
  ///   - weight: Factor of the derivatives.
  ///   - queries: Vectors of queries, a part for each encoder.
  ///   - documents: Vectors of documents.
  ///   - q: The same, ready to be compared.
  ///   - d: The same, ready to be compared.
  ///   - scoring: Compares them.
  /// - Returns: The loss before `weight`, and derivatives by values on the tape.
  func dual(
    _ loss: DualEncoderLoss, weight: Double, queries: TextVectors<Matrix>,
    documents: TextVectors<Matrix>, _ q: VectorScoring.Side, _ d: VectorScoring.Side,
    _ scoring: VectorScoring
  ) -> (value: Double, derivatives: [(value: Recorded, derivative: Matrix)]) {
    let n = targets.documents
    let tables = loss.choosesOfBatch ? ownScores(q, d, scoring) : []
    var value = 0.0
    var derivatives: [(value: Recorded, derivative: Matrix)] = []
    for part in loss.part.map({ [$0] }) ?? [0, 1] {
      // What one encoder is worst at trains the other.
      let chosen =
        tables.isEmpty
        ? Array(0..<targets.queries)
        : loss.chosen(DualEncoderLoss.losses(tables[1 - part], targets))
      let columns = DualEncoderLoss.columns(chosen, targets)
      let scores = scoring.scores(q, d, [columns], of: part, tape)
      let ranking = InBatchCrossEntropy()(
        ScoreTable(
          queries: chosen.count, documents: chosen.count * n, values: Array(scores.value.elements)))
      value += ranking.value
      let slopes = ranking.gradient.map { Float(weight * $0) }
      derivatives.append((scores, tape.matrix(slopes, rows: 1, columns: slopes.count)))
      if part == 1, loss.lambda != 0 {
        let positives = DualEncoderLoss.positives(targets)
        let given = reconstruction(
          chosen.map { (query: $0, document: $0 * n + positives[$0]) },
          weight: weight * loss.lambda, queries.parts[part].vectors, documents.parts[part].vectors)
        value += loss.lambda * given.value
        derivatives.append((d.variables[part], given.slopes))
      }
    }
    return (value, derivatives)
  }

  /// What each encoder gives the queries' own documents.
  func ownScores(
    _ q: VectorScoring.Side, _ d: VectorScoring.Side, _ scoring: VectorScoring
  ) -> [ScoreTable] {
    let n = targets.documents
    let own = (0..<targets.queries).map { query in (0..<n).map { query * n + $0 } }
    return q.variables.indices.map { part in
      ScoreTable(
        queries: targets.queries, documents: n,
        values: Array(scoring.scores(q, d, [own], of: part, tape).value.elements))
    }
  }

  /// How well documents give back their queries, and the derivative by all documents.
  private func reconstruction(
    _ pairs: [(query: Int, document: Int)], weight: Double, _ queries: Matrix, _ documents: Matrix
  ) -> (value: Double, slopes: Matrix) {
    let slopes = tape.matrix(
      repeatElement(0, count: documents.rows * documents.columns), rows: documents.rows,
      columns: documents.columns)
    var value = 0.0
    for (query, document) in pairs {
      let one = DualEncoderLoss.reconstruction(queries.row(query), documents.row(document))
      value += one.value / Double(pairs.count)
      for (i, slope) in one.slopes.enumerated() {
        slopes.elements[document * documents.columns + i] =
          Float(weight * slope / Double(pairs.count))
      }
    }
    return (value, slopes)
  }
}
