import Kernels

/// Low-rank updates of weights that stay as they are: nothing as large as a weight is computed.
extension Tape {
  /// A product that is added to some outputs of a layer.
  struct LowRankTerm {
    /// s · dropout(x) · Aᵀ.
    let inner: Recorded
    /// B.
    let up: Linear
    let columns: Range<Int>
  }

  /// Terms that are added to the outputs of a layer for x; none where no weight of it is updated.
  func lowRankTerms(_ x: Recorded, _ layer: Linear) -> [LowRankTerm] {
    var terms: [LowRankTerm] = []
    var first = 0
    for weight in layer.weights {
      let columns = first..<first + weight.matrix.rows
      first = columns.upperBound
      guard let update = weight.lowRank else { continue }
      let inner = linear(dropout(x, rate: update.dropout), update.down)
      terms.append(
        LowRankTerm(
          inner: scale(inner, by: Float(update.scale)), up: update.up, columns: columns))
    }
    return terms
  }

  /// y + inner · Bᵀ, in the place of y.
  ///
  /// - Precondition: nothing else has read y.
  func add(_ term: LowRankTerm, to y: Recorded) -> Recorded {
    accumulate(
      term.inner.value.view.view, term.up, into: y.value.view.columns(term.columns))
    return record(y.value, of: term.up.parameters, term.inner, y) {
      [unowned self] derivative in
      linearAdjoint(term.inner, term.up, derivative.view.view.columns(term.columns))
      add(derivative, to: y.slot)
    }
  }

  /// Elements dropped of rows that belong to the sequences of the batch with which dropout started,
  /// as `DropoutMasks.rows` has it.
  private func dropout(_ x: Recorded, rate: Float) -> Recorded {
    guard let masks = nextMasks(rate, rows: x.value.rows) else { return x }
    return dropout(x, masks)
  }
}

extension Linear {
  /// Whether any of the layer's weights has a low-rank update.
  var isUpdated: Bool { weights.contains { $0.lowRank != nil } }
}
