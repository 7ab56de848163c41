import Kernels

extension Tape {
  /// The dot product of each pair of a row of x[M,D] and a row of y[N,D]: [1,P].
  package func dotProducts(
    _ x: Recorded, _ y: Recorded, _ pairs: [(x: Int, y: Int)]
  ) -> Recorded {
    let (left, right) = (x.value, y.value)
    precondition(left.columns == right.columns, "dotProducts: widths differ")
    let out = matrix(1, pairs.count)
    forRanges(pairs.count, by: 64) { [kernels] range, _ in
      for i in range {
        out.elements[i] = kernels.dot(left.row(pairs[i].x), right.row(pairs[i].y))
      }
    }
    return record(out, from: [x, y]) { [unowned self] derivative in
      [
        sumOfPartners(left.rows, right, pairs.map { ($0.x, $0.y) }, derivative),
        sumOfPartners(right.rows, left, pairs.map { ($0.y, $0.x) }, derivative),
      ]
    }
  }

  /// Row i of the result is Σ derivative[p] · partners[j] over the pairs p = (i, j), in their order.
  private func sumOfPartners(
    _ rows: Int, _ partners: Matrix, _ pairs: [(Int, Int)], _ derivative: Matrix
  ) -> Matrix {
    let sums = zeros(rows, partners.columns)
    var pairsOfRow = [[Int]](repeating: [], count: rows)
    for (p, pair) in pairs.enumerated() { pairsOfRow[pair.0].append(p) }
    forEach(rows) { [kernels] row, _ in
      for p in pairsOfRow[row] {
        kernels.addScaled(
          partners.row(pairs[p].1), by: derivative.elements[p], to: sums.mutableRow(row))
      }
    }
    return sums
  }
}
