import Kernels

/// Runs operations at once, on packed weights, one thread an instance.
package final class Inference: Operations {
  package typealias Value = Matrix
  let kernels: Kernels
  private let arena = Arena()
  /// Working memory of the attention kernels.
  var scratch = AlignedBuffer(count: 0)
  /// Working memory of products whose weights are in bfloat16 or bytes.
  private var narrowed = AlignedBuffer(count: 0)
  /// Agreement between products of bytes and products in single precision, by the layer's name.
  package private(set) var agreements: [String: LayerAgreement] = [:]
  var relativeTables: [ObjectIdentifier: RelativeTable] = [:]
  /// What went into layers, where somebody asks for it.
  private var entered: [Matrix]?

  package init(_ kernels: Kernels) { self.kernels = kernels }

  func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, arena: arena)
  }

  package func embed(
    _ batch: PackedBatch, word: Parameter, type: Parameter?, positions: PositionTable?
  ) -> Matrix {
    let out = matrix(batch.tokens, word.columns)
    if let half = word.half {
      embed(batch, half, type: type, positions: positions, into: out)
      return out
    }
    batch.ids.withUnsafeBufferPointer { ids in
      batch.typeIDs.withUnsafeBufferPointer { typeIDs in
        (positions?.indices ?? []).withUnsafeBufferPointer { indices in
          kernels.embed(
            word: EmbeddingLookup(word.matrix, ids: ids),
            type: type.map { EmbeddingLookup($0.matrix, ids: typeIDs) },
            position: positions.map { EmbeddingLookup($0.table.matrix, ids: indices) },
            into: out.view)
        }
      }
    }
    return out
  }

  /// Embeds from words in half precision, with the sums of the others.
  private func embed(
    _ batch: PackedBatch, _ words: HalfTable, type: Parameter?, positions: PositionTable?,
    into out: Matrix
  ) {
    let columns = out.columns
    for (token, id) in batch.ids.enumerated() {
      let row = out.mutableRow(token)
      words.copy(from: Int(id) * columns, into: row, kernels)
      let others = [
        type.map { ($0, batch.typeIDs[token]) }, positions.map { ($0.table, $0.indices[token]) },
      ]
      for (table, index) in others.compactMap({ $0 }) {
        precondition(index >= 0 && Int(index) < table.rows, "row \(index) of \(table.name)")
        kernels.addScaled(
          UnsafeBufferPointer(start: table.values + Int(index) * columns, count: columns), by: 1,
          to: row)
      }
    }
  }

  package func linear(_ x: Matrix, _ layer: Linear, _ activation: Activation) -> Matrix {
    compare(x, layer)
    let out = matrix(x.rows, layer.outputs)
    if let w = layer.narrow {
      kernels.multiply(
        x.view.view, w, activation: activation, into: out.view, scratch: &narrowed)
    } else {
      kernels.multiply(x.view.view, layer.packed, activation: activation, into: out.view)
    }
    return out
  }

  package func linear(
    _ x: Matrix, _ layer: Linear, adding residual: Matrix, dropout: Float, _ batch: PackedBatch
  ) -> Matrix {
    compare(x, layer)
    let out = matrix(x.rows, layer.outputs)
    let added = residual.view.view
    if let w = layer.narrow {
      kernels.multiply(x.view.view, w, adding: added, into: out.view, scratch: &narrowed)
    } else {
      kernels.multiply(x.view.view, layer.packed, adding: added, into: out.view)
    }
    return out
  }

  /// Multiplies in bytes as well where the layer asks for it, x being the same for both.
  private func compare(_ x: Matrix, _ layer: Linear) {
    guard let trial = layer.trial else { return }
    let (exact, found) = (matrix(x.rows, layer.outputs), matrix(x.rows, layer.outputs))
    kernels.multiply(x.view.view, layer.packed, into: exact.view)
    kernels.multiply(x.view.view, trial, into: found.view, scratch: &narrowed)
    note(layer, exact, found)
  }

  private func note(_ layer: Linear, _ exact: Matrix, _ found: Matrix) {
    let name = layer.name
    var agreement =
      agreements[name] ?? LayerAgreement(layer.weights.map(\.name), place: agreements.count)
    for i in 0..<exact.rows { agreement.add(exact.row(i), found.row(i)) }
    agreements[name] = agreement
  }

  package func layerNorm(_ x: Matrix, _ norm: LayerNorm) -> Matrix {
    let out = matrix(x.rows, x.columns)
    kernels.layerNorm(
      x.view.view, weight: norm.weight.values, bias: norm.bias?.values, epsilon: norm.epsilon,
      into: out.view)
    return out
  }

  package func rmsNorm(_ x: Matrix, _ norm: RMSNorm) -> Matrix {
    let out = matrix(x.rows, x.columns)
    norm.withFactors {
      kernels.rmsNorm(x.view.view, weight: $0, epsilon: norm.epsilon, into: out.view)
    }
    return out
  }

  package func gate(_ x: Matrix, _ activation: Activation) -> Matrix {
    let out = matrix(x.rows, x.columns / 2)
    kernels.gate(x.view.view, activation, into: out.view)
    return out
  }

  package func dropout(_ x: Matrix, rate: Float, _ batch: PackedBatch) -> Matrix { x }

  package func layer(_ x: Matrix, _ body: @escaping (Matrix) -> Matrix) -> Matrix {
    body(entering(x))
  }

  package func entering(_ x: Matrix) -> Matrix {
    entered?.append(x)
    return x
  }

  package func states(_ body: () -> Matrix) -> [Matrix] {
    entered = []
    defer { entered = nil }
    let last = body()
    return (entered ?? []) + [last]
  }

  package func pool(_ x: Matrix, _ pooling: Pooling, _ batch: PackedBatch) -> Matrix {
    let out = matrix(batch.sequences, x.columns)
    for sequence in 0..<batch.sequences {
      kernels.pool(
        x.view.view.rows(batch.range(sequence)), pooling,
        into: UnsafeMutableBufferPointer(
          start: out.buffer.pointer + sequence * x.columns, count: x.columns))
    }
    return out
  }

  package func linearMax(_ x: Matrix, _ layer: Linear, _ batch: PackedBatch) -> Matrix {
    let out = matrix(batch.sequences, layer.outputs)
    if let w = layer.narrow {
      kernels.multiplyMax(
        x.view.view, w, offsets: batch.offsets, into: out.view, scratch: &narrowed)
    } else {
      kernels.multiplyMax(x.view.view, layer.packed, offsets: batch.offsets, into: out.view)
    }
    if let trial = layer.trial {
      let found = matrix(out.rows, out.columns)
      kernels.multiplyMax(
        x.view.view, trial, offsets: batch.offsets, into: found.view, scratch: &narrowed)
      note(layer, out, found)
    }
    return out
  }

  package func map(_ x: Matrix, _ function: ElementaryFunction) -> Matrix {
    let out = matrix(x.rows, x.columns)
    let count = x.rows * x.columns
    kernels.apply(
      function, to: UnsafeBufferPointer(start: x.buffer.pointer, count: count),
      into: UnsafeMutableBufferPointer(start: out.buffer.pointer, count: count))
    return out
  }

  /// torch.nn.functional.normalize: x / max(‖x‖, 1e-12).
  package static let normalizationEpsilon: Float = 1e-12

  package func normalize(_ x: Matrix) -> Matrix {
    let out = matrix(x.rows, x.columns)
    kernels.l2NormalizeRows(x.view.view, epsilon: Self.normalizationEpsilon, into: out.view)
    return out
  }

  package func concatenate(_ values: [Matrix]) -> Matrix {
    precondition(!values.isEmpty, "concatenate: nothing")
    let columns = values.reduce(0) { $0 + $1.columns }
    let out = matrix(values[0].rows, columns)
    var first = 0
    for value in values {
      precondition(value.rows == out.rows, "concatenate: \(value.rows) and \(out.rows) rows")
      for row in 0..<out.rows {
        (out.buffer.pointer + row * columns + first).update(
          from: value.buffer.pointer + row * value.columns, count: value.columns)
      }
      first += value.columns
    }
    return out
  }

  package func rows(_ x: Matrix, _ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.rows, "rows \(range) of \(x.rows)")
    let out = matrix(range.count, x.columns)
    out.buffer.pointer.update(
      from: x.buffer.pointer + range.lowerBound * x.columns, count: range.count * x.columns)
    return out
  }

  package func columns(_ x: Matrix, first count: Int) -> Matrix {
    precondition(count <= x.columns, "\(count) of \(x.columns) columns")
    let out = matrix(x.rows, count)
    out.view.copy(x.view.view.columns(0..<count))
    return out
  }

  package func stack(_ values: [Matrix]) -> Matrix {
    precondition(!values.isEmpty, "stack: nothing")
    let out = matrix(values.reduce(0) { $0 + $1.rows }, values[0].columns)
    var row = 0
    for value in values {
      precondition(
        value.columns == out.columns, "stack: \(value.columns) and \(out.columns) columns")
      (out.buffer.pointer + row * out.columns).update(
        from: value.buffer.pointer, count: value.rows * value.columns)
      row += value.rows
    }
    return out
  }

  package func sumRows(_ x: Matrix) -> Matrix {
    let out = matrix(1, x.columns)
    kernels.sumRows(x.view.view, into: out.buffer.pointer)
    return out
  }

  package func add(_ x: Matrix, _ y: Matrix) -> Matrix {
    precondition(x.rows == y.rows && x.columns == y.columns, "add: shapes differ")
    let out = rows(x, 0..<x.rows)
    let count = x.rows * x.columns
    kernels.addScaled(
      UnsafeBufferPointer(start: y.buffer.pointer, count: count), by: 1,
      to: UnsafeMutableBufferPointer(start: out.buffer.pointer, count: count))
    return out
  }

  package func constant(_ value: Float, rows: Int, columns: Int) -> Matrix {
    let out = matrix(rows, columns)
    out.elements.update(repeating: value)
    return out
  }

  package var leavesStatesOut: Bool { true }

  package func rowCount(_ x: Matrix) -> Int { x.rows }

  package func scale(_ x: Matrix, by factor: Float) -> Matrix {
    let out = matrix(x.rows, x.columns)
    let count = x.rows * x.columns
    kernels.scale(
      UnsafeBufferPointer(start: x.buffer.pointer, count: count), by: factor,
      into: UnsafeMutableBufferPointer(start: out.buffer.pointer, count: count))
    return out
  }
}
