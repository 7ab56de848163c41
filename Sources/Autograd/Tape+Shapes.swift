import Kernels

/// Operations on whole values: pooling, arrangement, functions of elements.
extension Tape {
  package func pool(_ x: Recorded, _ pooling: Pooling, _ batch: PackedBatch) -> Recorded {
    let out = matrix(batch.sequences, x.value.columns)
    forEach(batch.sequences) { [kernels] sequence, _ in
      kernels.pool(
        x.value.view.view.rows(batch.range(sequence)), pooling,
        into: UnsafeMutableBufferPointer(
          start: out.buffer.pointer + sequence * out.columns, count: out.columns))
    }
    return record(out, x.slot != nil) { [unowned self] derivative in
      add(poolAdjoint(x.value, pooling, batch, derivative), to: x.slot)
    }
  }

  private func poolAdjoint(
    _ x: Matrix, _ pooling: Pooling, _ batch: PackedBatch, _ dy: Matrix
  ) -> Matrix {
    let dx = zeros(x.rows, x.columns)
    forEach(batch.sequences) { [kernels] sequence, _ in
      let rows = batch.range(sequence)
      let count = Float(rows.count)
      func add(_ factor: Float, to row: Int) {
        kernels.addScaled(dy.row(sequence), by: factor, to: dx.mutableRow(row))
      }
      switch pooling {
      case .first: add(1, to: rows.lowerBound)
      case .last: add(1, to: rows.upperBound - 1)
      case .mean: for row in rows { add(1 / count, to: row) }
      case .sum: for row in rows { add(1, to: row) }
      case .meanSqrtLength: for row in rows { add(1 / count.squareRoot(), to: row) }
      case .weightedMean:
        let total = Float(rows.count * (rows.count + 1) / 2)
        for (i, row) in rows.enumerated() { add(Float(i + 1) / total, to: row) }
      case .max:
        var values = [Float](repeating: 0, count: x.columns)
        var places = [Int32](repeating: 0, count: x.columns)
        kernels.argmaxRows(x.view.view.rows(rows), into: &values, &places)
        for (column, place) in places.enumerated() {
          dx.elements[(rows.lowerBound + Int(place)) * x.columns + column] =
            dy.row(sequence)[column]
        }
      }
    }
    return dx
  }

  // MARK: Arrangement

  package func concatenate(_ values: [Recorded]) -> Recorded {
    precondition(!values.isEmpty, "concatenate: nothing")
    let rows = values[0].value.rows
    precondition(values.allSatisfy { $0.value.rows == rows }, "concatenate: rows differ")
    let out = matrix(rows, values.reduce(0) { $0 + $1.value.columns })
    var first = 0
    var places: [Range<Int>] = []
    for value in values {
      places.append(first..<first + value.value.columns)
      out.view.columns(places[places.count - 1]).copy(value.value.view.view)
      first += value.value.columns
    }
    return record(out, from: values) { [unowned self] derivative in
      places.map { place in
        let part = matrix(rows, place.count)
        part.view.copy(derivative.view.view.columns(place))
        return part
      }
    }
  }

  package func stack(_ values: [Recorded]) -> Recorded {
    precondition(!values.isEmpty, "stack: nothing")
    let columns = values[0].value.columns
    precondition(values.allSatisfy { $0.value.columns == columns }, "stack: columns differ")
    let out = matrix(values.reduce(0) { $0 + $1.value.rows }, columns)
    var first = 0
    var places: [Range<Int>] = []
    for value in values {
      places.append(first..<first + value.value.rows)
      out.view.rows(places[places.count - 1]).copy(value.value.view.view)
      first += value.value.rows
    }
    return record(out, from: values) { [unowned self] derivative in
      places.map { place in
        let part = matrix(place.count, columns)
        part.view.copy(derivative.view.view.rows(place))
        return part
      }
    }
  }

  package func rows(_ x: Recorded, _ range: Range<Int>) -> Recorded {
    let out = matrix(range.count, x.value.columns)
    out.view.copy(x.value.view.view.rows(range))
    let all = x.value.rows
    return record(out, x.slot != nil) { [unowned self] derivative in
      add(derivative, to: x.slot, firstRow: range.lowerBound, of: all)
    }
  }

  package func columns(_ x: Recorded, first count: Int) -> Recorded {
    let out = matrix(x.value.rows, count)
    out.view.copy(x.value.view.view.columns(0..<count))
    let all = x.value.columns
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = zeros(derivative.rows, all)
      dx.view.columns(0..<count).copy(derivative.view.view)
      return [dx]
    }
  }

  package func sumRows(_ x: Recorded) -> Recorded {
    let rows = x.value.rows
    let out = matrix(1, x.value.columns)
    kernels.sumRows(x.value.view.view, into: out.buffer.pointer)
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = matrix(rows, derivative.columns)
      for row in 0..<rows { dx.view.rows(row..<row + 1).copy(derivative.view.view) }
      return [dx]
    }
  }

  // MARK: Functions of elements and rows

  package func add(_ x: Recorded, _ y: Recorded) -> Recorded {
    precondition(
      x.value.rows == y.value.rows && x.value.columns == y.value.columns, "add: shapes differ")
    let out = matrix(x.value.rows, x.value.columns)
    out.view.copy(x.value.view.view)
    forElements(out.elements.count) { [kernels] range in
      kernels.addScaled(
        UnsafeBufferPointer(rebasing: y.value.elements[range]), by: 1,
        to: UnsafeMutableBufferPointer(rebasing: out.elements[range]))
    }
    return record(out, from: [x, y]) { [unowned self] derivative in
      // Each slot owns its derivative and may change it.
      let copy = matrix(derivative.rows, derivative.columns)
      copy.view.copy(derivative.view.view)
      return [derivative, copy]
    }
  }

  package func scale(_ x: Recorded, by factor: Float) -> Recorded {
    let out = matrix(x.value.rows, x.value.columns)
    func scale(_ x: Matrix, into y: Matrix) {
      forElements(x.elements.count) { [kernels] range in
        kernels.scale(
          UnsafeBufferPointer(rebasing: x.elements[range]), by: factor,
          into: UnsafeMutableBufferPointer(rebasing: y.elements[range]))
      }
    }
    scale(x.value, into: out)
    return record(out, from: [x]) { derivative in
      scale(derivative, into: derivative)
      return [derivative]
    }
  }

  package func constant(_ value: Float, rows: Int, columns: Int) -> Recorded {
    let out = matrix(rows, columns)
    out.elements.update(repeating: value)
    return constant(out)
  }

  /// A tape needs all states to derive by them.
  package var leavesStatesOut: Bool { false }

  package func rowCount(_ x: Recorded) -> Int { x.value.rows }

  package func map(_ x: Recorded, _ function: ElementaryFunction) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    forElements(input.elements.count) { [kernels] range in
      kernels.apply(
        function, to: UnsafeBufferPointer(rebasing: input.elements[range]),
        into: UnsafeMutableBufferPointer(rebasing: out.elements[range]))
    }
    return record(out, from: [x]) { [unowned self] derivative in
      mapAdjoint(function, input, derivative)
      return [derivative]
    }
  }

  package func gate(_ x: Recorded, _ activation: Activation) -> Recorded {
    let input = x.value
    let width = input.columns / 2
    let out = matrix(input.rows, width)
    forRanges(input.rows, by: 64) { [kernels] rows, _ in
      kernels.gate(input.view.view.rows(rows), activation, into: out.view.rows(rows))
    }
    return record(out, from: [x]) { [unowned self] derivative in
      [gateAdjoint(input, activation, derivative)]
    }
  }

  private func gateAdjoint(_ x: Matrix, _ activation: Activation, _ dy: Matrix) -> Matrix {
    let dx = matrix(x.rows, x.columns)
    forRanges(x.rows, by: 64) { [kernels] rows, _ in
      kernels.gateGradient(
        x.view.view.rows(rows), activation, dy.view.view.rows(rows), into: dx.view.rows(rows))
    }
    return dx
  }

  package func normalize(_ x: Recorded) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    let epsilon = Inference.normalizationEpsilon
    kernels.l2NormalizeRows(input.view.view, epsilon: epsilon, into: out.view)
    return record(out, from: [x]) { [unowned self] derivative in
      kernels.l2NormalizeGradient(
        input.view.view, epsilon: epsilon, derivative.view.view, into: derivative.view)
      return [derivative]
    }
  }
}

extension Matrix {
  /// Row `index`, to be written; valid as long as the matrix.
  func mutableRow(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(mutating: row(index))
  }
}

extension MutableMatrixView {
  /// Copies a matrix of the same shape.
  func copy(_ other: MatrixView) {
    precondition(rows == other.rows && columns == other.columns, "copy: shapes differ")
    for row in 0..<rows {
      (base + row * stride).update(from: other.base + row * other.stride, count: columns)
    }
  }
}
