import Kernels

// Matrices of several blocks of rows, seen in another way.

extension Matrix {
  /// Each block of `rows` rows as columns: [P·R,N] to [P·N,R].
  fileprivate func turn(_ rows: Int, into out: Matrix, _ blocks: Range<Int>) {
    for block in blocks {
      let (first, target) = (block * rows, block * columns)
      for row in 0..<rows {
        let values = self.row(first + row)
        for (column, value) in values.enumerated() {
          out.elements[(target + column) * rows + row] = value
        }
      }
    }
  }

  fileprivate func copy(into out: Matrix) {
    _ = out.elements.update(fromContentsOf: elements)
  }
}

extension Inference {
  package func turn(_ x: Matrix, rows: Int) -> Matrix {
    let out = matrix(x.rows / rows * x.columns, rows)
    x.turn(rows, into: out, 0..<x.rows / rows)
    return out
  }

  package func reshape(_ x: Matrix, rows: Int) -> Matrix {
    let out = matrix(rows, x.elements.count / max(rows, 1))
    x.copy(into: out)
    return out
  }
}

extension Tape {
  package func turn(_ x: Recorded, rows: Int) -> Recorded {
    let columns = x.value.columns
    return record(turned(x.value, rows), of: [], x) { [unowned self] derivative in
      add(turned(derivative, columns), to: x.slot)
    }
  }

  private func turned(_ x: Matrix, _ rows: Int) -> Matrix {
    let out = matrix(x.rows / rows * x.columns, rows)
    forEach(x.rows / rows) { block, _ in x.turn(rows, into: out, block..<block + 1) }
    return out
  }

  package func reshape(_ x: Recorded, rows: Int) -> Recorded {
    let before = x.value.rows
    return record(reshaped(x.value, rows), of: [], x) { [unowned self] derivative in
      add(reshaped(derivative, before), to: x.slot)
    }
  }

  private func reshaped(_ x: Matrix, _ rows: Int) -> Matrix {
    let out = matrix(rows, x.elements.count / max(rows, 1))
    x.copy(into: out)
    return out
  }
}
