import Kernels

/// Low-rank updates of weights that stay as they are: nothing as large as a weight is computed, but for
/// the lengths of rows.
extension Tape {
  /// A product that is added to some outputs of a layer.
  struct LowRankTerm {
    let weight: Parameter
    let update: LowRankUpdate
    /// dropout(x), and whether that is another matrix than x.
    let kept: Recorded
    let drops: Bool
    /// s · dropout(x) · Aᵀ.
    let inner: Recorded
    let columns: Range<Int>

    /// B.
    var up: Linear { update.up }
  }

  /// Terms that are added to the outputs of a layer for x; none where no weight of it is updated.
  func lowRankTerms(_ x: Recorded, _ layer: Linear) -> [LowRankTerm] {
    var terms: [LowRankTerm] = []
    var first = 0
    for weight in layer.weights {
      let columns = first..<first + weight.matrix.rows
      first = columns.upperBound
      guard let update = weight.lowRank else { continue }
      let masks = nextMasks(update.dropout, rows: x.value.rows)
      let kept = masks.map { dropout(x, $0) } ?? x
      let inner = linear(kept, update.down)
      terms.append(
        LowRankTerm(
          weight: weight, update: update, kept: kept, drops: masks != nil,
          inner: scale(inner, by: Float(update.scale)), columns: columns))
    }
    return terms
  }

  /// The outputs of a layer with a term, in the place of y, which are those without it.
  ///
  /// - Precondition: nothing else has read y.
  func add(_ term: LowRankTerm, to y: Recorded, of layer: Linear) -> Recorded {
    if let lengths = term.update.lengths { return stretch(term, lengths, y, layer) }
    accumulate(
      term.inner.value.view.view, term.up, into: y.value.view.columns(term.columns))
    if let bias = term.update.bias { add(bias, Float(term.update.scale), to: y, term.columns) }
    let parameters = term.up.parameters + [term.update.bias].compactMap { $0 }
    return record(y.value, of: parameters, term.inner, y) { [unowned self] derivative in
      let dy = derivative.view.view.columns(term.columns)
      linearAdjoint(term.inner, term.up, dy)
      if let gradient = term.update.bias?.gradientToAddTo() {
        addColumns(dy, by: Float(term.update.scale), to: gradient)
      }
      add(derivative, to: y.slot)
    }
  }

  private func add(
    _ bias: Parameter, _ factor: Float, to y: Recorded, _ columns: Range<Int>
  ) {
    let values = UnsafeBufferPointer(start: bias.values, count: bias.count)
    forEach(y.value.rows) { [kernels] row, _ in
      kernels.addScaled(
        values, by: factor, to: y.value.view.columns(columns).row(row))
    }
  }

  /// sums[j] += factor · Σ dy[·,j], row by row.
  private func addColumns(_ dy: MatrixView, by factor: Float, to sums: MutableMatrixView) {
    let target = UnsafeMutableBufferPointer(start: sums.base, count: dy.columns)
    for row in 0..<dy.rows { kernels.addScaled(dy.row(row), by: factor, to: target) }
  }

  // MARK: Lengths

  /// What a stretched product was made of.
  private struct Stretch {
    /// The weight alone.
    let base: Linear
    /// The bias that the outputs have besides; nil where the outputs are kept and changed.
    let bias: Parameter?
    /// x · Wᵀ + inner · Bᵀ.
    let products: Matrix
    /// Lengths that the rows of the sum come out with.
    let norms: [Float]
    /// What products are multiplied by.
    let factors: [Float]
  }

  /// Outputs with rows of other lengths: g ∘ (x · Wᵀ + inner · Bᵀ) + b.
  ///
  /// g are lengths over those that the rows come out with. The latter count as constants, as in the paper
  /// (section 4.3). Where something is dropped of x, the plain product keeps all of it, and only the
  /// difference is of what is left, as in PEFT.
  private func stretch(
    _ term: LowRankTerm, _ lengths: Parameter, _ y: Recorded, _ layer: Linear
  ) -> Recorded {
    let target = y.value.view.columns(term.columns)
    let bias = term.drops ? nil : layer.bias(of: term.weight)
    let products = matrix(y.value.rows, term.columns.count)
    let base = Linear(weights: [term.weight])
    if term.drops {
      products.elements.update(repeating: 0)
      accumulate(term.kept.value.view.view, base, into: products.view)
    } else {
      products.view.copy(target.view)
      if let bias { subtract(bias, from: products) }
    }
    let plain = term.drops ? copy(products) : nil
    accumulate(term.inner.value.view.view, term.up, into: products.view)
    let norms = rowLengths(term)
    let factors = norms.indices.map { lengths.values[$0] / norms[$0] }
    forEach(products.rows) { row, _ in
      let (out, product, plain) = (target.row(row), products.row(row), plain?.row(row))
      for j in out.indices {
        let stretched = factors[j] * product[j]
        if let plain {
          out[j] += stretched - plain[j]
        } else {
          out[j] = stretched + (bias?.values[j] ?? 0)
        }
      }
    }
    let made = Stretch(base: base, bias: bias, products: products, norms: norms, factors: factors)
    let parameters = term.up.parameters + [lengths]
    return record(y.value, of: parameters, term.inner, y, term.drops ? term.kept : y) {
      [unowned self] derivative in
      stretchAdjoint(term, lengths, made, derivative.view.columns(term.columns))
      add(derivative, to: y.slot)
    }
  }

  /// Adds the derivatives by all that a stretched product depends on but y, of which it leaves that in
  /// the place of `dy`.
  private func stretchAdjoint(
    _ term: LowRankTerm, _ lengths: Parameter, _ made: Stretch, _ dy: MutableMatrixView
  ) {
    if let gradient = lengths.gradientToAddTo() {
      addLengthGradients(dy.view, made.products, made.norms, to: gradient)
    }
    let slopes = matrix(dy.rows, dy.columns)
    forEach(dy.rows) { row, _ in
      let (d, slope) = (dy.row(row), slopes.view.row(row))
      for j in d.indices { slope[j] = made.factors[j] * d[j] }
    }
    linearAdjoint(term.inner, term.up, slopes.view.view)
    guard term.drops else {
      if let gradient = made.bias?.gradientToAddTo() {
        // What the layer itself will add to it are the sums of the slopes.
        addColumns(dy.view, by: 1, to: gradient)
        addColumns(slopes.view.view, by: -1, to: gradient)
      }
      return dy.copy(slopes.view.view)
    }
    let differences = matrix(dy.rows, dy.columns)
    forEach(dy.rows) { row, _ in
      let (d, slope) = (dy.row(row), slopes.row(row))
      let difference = differences.view.row(row)
      for j in d.indices { difference[j] = slope[j] - d[j] }
    }
    linearAdjoint(term.kept, made.base, differences.view.view)
  }

  /// Lengths of the rows of W + s · B · A, in single precision.
  private func rowLengths(_ term: LowRankTerm) -> [Float] {
    let (up, down) = (term.up.weights[0], term.update.down.weights[0])
    let (columns, rank) = (down.columns, down.rows)
    let scale = Float(term.update.scale)
    var lengths = [Float](repeating: 0, count: up.rows)
    lengths.withUnsafeMutableBufferPointer { lengths in
      forEach(up.rows) { [kernels, scratch] row, worker in
        scratch.with(worker) { scratch in
          let sum = scratch.take(columns)
          sum.pointer.update(from: term.weight.values + row * columns, count: columns)
          for k in 0..<rank {
            kernels.addScaled(
              UnsafeBufferPointer(start: down.values + k * columns, count: columns),
              by: scale * up.values[row * rank + k],
              to: UnsafeMutableBufferPointer(start: sum.pointer, count: columns))
          }
          lengths[row] = Float(LowRankUpdate.length(sum.pointer, columns))
        }
      }
    }
    return lengths
  }

  /// d length[j] += Σ dy[·,j] · product[·,j] / norm[j], row by row.
  private func addLengthGradients(
    _ dy: MatrixView, _ products: Matrix, _ norms: [Float], to gradient: MutableMatrixView
  ) {
    for j in 0..<dy.columns {
      var sum = 0.0
      for row in 0..<dy.rows { sum += Double(dy.row(row)[j]) * Double(products.row(row)[j]) }
      gradient.base[j] += Float(sum / Double(norms[j]))
    }
  }

  private func subtract(_ bias: Parameter, from products: Matrix) {
    let values = UnsafeBufferPointer(start: bias.values, count: bias.count)
    forEach(products.rows) { [kernels] row, _ in
      kernels.addScaled(values, by: -1, to: products.view.row(row))
    }
  }

  private func copy(_ matrix: Matrix) -> Matrix {
    let copy = self.matrix(matrix.rows, matrix.columns)
    copy.view.copy(matrix.view.view)
    return copy
  }
}

extension MatrixView {
  fileprivate func row(_ index: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: base + index * stride, count: columns)
  }
}

extension MutableMatrixView {
  fileprivate func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base + index * stride, count: columns)
  }
}

extension Linear {
  /// Whether any of the layer's weights has a low-rank update.
  var isUpdated: Bool { weights.contains { $0.lowRank != nil } }

  /// The bias that belongs to one of the layer's weights.
  fileprivate func bias(of weight: Parameter) -> Parameter? {
    guard !biases.isEmpty, let index = weights.firstIndex(where: { $0 === weight }) else {
      return nil
    }
    return biases[index]
  }
}
