import Kernels

/// Products with weights.
extension Tape {
  /// Rows of a product that one thread computes at a time: a block of the kernel.
  private static let blockRows = 96
  /// Outputs that one thread computes at a time where there are few rows.
  private static let blockColumns = 4 * PackedMatrix.panelWidth
  /// Tokens that a product over tokens packs at a time.
  private static let blockTokens = 1024
  /// Floats between the rows of what such a product turns: at a distance of a power of two they would
  /// all be in the same few lines of the cache.
  private static let turnedPadding = 16

  package func linear(_ x: Recorded, _ layer: Linear, _ activation: Activation) -> Recorded {
    if layer.isUpdated {
      let z = updated(x, layer)
      return activation.function.map { map(z, $0) } ?? z
    }
    let z = matrix(x.value.rows, layer.outputs)
    multiply(x.value.view.view, layer, into: z.view)
    guard let function = activation.function else {
      return record(z, of: layer.parameters, x) { [unowned self] derivative in
        linearAdjoint(x, layer, derivative.view.view)
      }
    }
    let y = matrix(z.rows, z.columns)
    forElements(z.elements.count) { [kernels] range in
      kernels.apply(
        function, to: UnsafeBufferPointer(rebasing: z.elements[range]),
        into: UnsafeMutableBufferPointer(rebasing: y.elements[range]))
    }
    return record(y, of: layer.parameters, x) { [unowned self] derivative in
      mapAdjoint(function, z, derivative)
      linearAdjoint(x, layer, derivative.view.view)
    }
  }

  /// x · Wᵀ + b, and what low-rank updates of W add.
  private func updated(_ x: Recorded, _ layer: Linear) -> Recorded {
    let terms = lowRankTerms(x, layer)
    let y = matrix(x.value.rows, layer.outputs)
    multiply(x.value.view.view, layer, into: y.view)
    let product = record(y, of: layer.parameters, x) { [unowned self] derivative in
      linearAdjoint(x, layer, derivative.view.view)
    }
    return terms.reduce(product) { add($1, to: $0, of: layer) }
  }

  package func linear(
    _ x: Recorded, _ layer: Linear, adding residual: Recorded, dropout: Float,
    _ batch: PackedBatch
  ) -> Recorded {
    if layer.isUpdated {
      return finish(updated(x, layer), adding: residual, nextMasks(dropout, batch), batch)
    }
    let y = matrix(x.value.rows, layer.outputs)
    multiply(x.value.view.view, layer, into: y.view)
    let masks = nextMasks(dropout, batch).map { tokenMasks($0, batch) }
    if let masks { drop(masks, y, into: y) }
    let sum = addRows(residual.value, to: y)
    return record(sum, of: layer.parameters, x, residual) { [unowned self] derivative in
      if let masks {
        let kept = matrix(derivative.rows, derivative.columns)
        drop(masks, derivative, into: kept)
        linearAdjoint(x, layer, kept.view.view)
      } else {
        linearAdjoint(x, layer, derivative.view.view)
      }
      add(derivative, to: residual.slot)
    }
  }

  /// residual + what masks leave of y, in the place of y, which nothing else has read.
  private func finish(
    _ y: Recorded, adding residual: Recorded, _ masks: [Dropout]?, _ batch: PackedBatch
  ) -> Recorded {
    let masks = masks.map { tokenMasks($0, batch) }
    if let masks { drop(masks, y.value, into: y.value) }
    return record(addRows(residual.value, to: y.value), of: [], y, residual) {
      [unowned self] derivative in
      // Slots take what they get, and each needs one of its own.
      let kept = matrix(derivative.rows, derivative.columns)
      if let masks {
        drop(masks, derivative, into: kept)
      } else {
        kept.view.copy(derivative.view.view)
      }
      add(kept, to: y.slot)
      add(derivative, to: residual.slot)
    }
  }

  private func addRows(_ x: Matrix, to y: Matrix) -> Matrix {
    precondition(x.rows == y.rows && x.columns == y.columns, "residual: shapes differ")
    forElements(x.elements.count) { [kernels] range in
      kernels.addScaled(
        UnsafeBufferPointer(rebasing: x.elements[range]), by: 1,
        to: UnsafeMutableBufferPointer(rebasing: y.elements[range]))
    }
    return y
  }

  /// Multiplies a derivative by f′(x), in place.
  func mapAdjoint(_ function: ElementaryFunction, _ x: Matrix, _ derivative: Matrix) {
    forElements(x.elements.count) { [kernels] range in
      let part = UnsafeMutableBufferPointer(rebasing: derivative.elements[range])
      kernels.applyGradient(
        of: function, at: UnsafeBufferPointer(rebasing: x.elements[range]),
        UnsafeBufferPointer(part), into: part)
    }
  }

  // MARK: Forward

  /// c = a · Wᵀ + b.
  private func multiply(_ a: MatrixView, _ layer: Linear, into c: MutableMatrixView) {
    let w = layer.isInTraining ? pack(layer) : WeightPanels(layer)
    product(a, w, accumulates: false, into: c)
  }

  /// c += a · Wᵀ.
  func accumulate(_ a: MatrixView, _ layer: Linear, into c: MutableMatrixView) {
    product(a, pack(layer), accumulates: true, into: c)
  }

  /// c (+)= a · Wᵀ (+ b), split into blocks of rows, and of outputs where rows are few.
  private func product(
    _ a: MatrixView, _ w: WeightPanels, accumulates: Bool, into c: MutableMatrixView
  ) {
    let rowBlocks = (a.rows + Self.blockRows - 1) / Self.blockRows
    let width = rowBlocks < 8 ? Self.blockColumns : w.rows
    let columnBlocks = (w.rows + width - 1) / width
    forEach(rowBlocks * columnBlocks) { [kernels] index, worker in
      let firstRow = index / columnBlocks * Self.blockRows
      let rows = firstRow..<min(firstRow + Self.blockRows, a.rows)
      let firstColumn = index % columnBlocks * width
      let columns = firstColumn..<min(firstColumn + width, w.rows)
      narrowed.with(worker) { scratch in
        w.multiply(
          a.rows(rows), columns: columns, accumulates: accumulates, into: c.rows(rows),
          kernels: kernels, scratch: &scratch)
      }
    }
  }

  /// W[N,K] of a layer as one matrix, contiguous.
  private func weights(_ layer: Linear) -> UnsafePointer<Float> {
    if layer.weights.count == 1 { return layer.weights[0].values }
    let memory = stacked.take(layer.outputs * layer.inputs)
    Linear.stack(layer.weights, into: memory.pointer)
    return UnsafePointer(memory.pointer)
  }

  /// W[N,K] and b, for products with W.
  private func pack(_ layer: Linear) -> WeightPanels {
    var bias = [Float](repeating: 0, count: layer.biases.isEmpty ? 0 : layer.outputs)
    return bias.withUnsafeMutableBufferPointer { bias in
      if let base = bias.baseAddress { Linear.stack(layer.biases, into: base) }
      let w = WeightPanels(
        layer.precision, rows: layer.outputs, columns: layer.inputs, in: &packed,
        bias: layer.biases.isEmpty ? nil : bias.baseAddress.map { UnsafePointer($0) })
      let strides = layer.strides
      fill(w, weights(layer), rowStride: strides.output, columnStride: strides.input)
      return w
    }
  }

  private func fill(
    _ w: WeightPanels, _ source: UnsafePointer<Float>, rowStride: Int, columnStride: Int
  ) {
    forEach(w.panels) { [kernels] panel, _ in
      w.fill(
        panel: panel, source, rowStride: rowStride, columnStride: columnStride, kernels: kernels)
    }
  }

  // MARK: Backward

  /// dx += dy · W, dW += dyᵀ · x, db += Σ dy.
  func linearAdjoint(_ x: Recorded, _ layer: Linear, _ dy: MatrixView) {
    addWeightGradients(x.value.view.view, layer, dy)
    addBiasGradients(layer, dy)
    guard let slot = x.slot else { return }
    let w = WeightPanels(
      layer.precision, rows: layer.inputs, columns: layer.outputs, in: &packed)
    let strides = layer.strides
    fill(w, weights(layer), rowStride: strides.input, columnStride: strides.output)
    if let sum = sum(of: slot) {
      product(dy, w, accumulates: true, into: sum.view)
    } else {
      let dx = matrix(dy.rows, layer.inputs)
      product(dy, w, accumulates: false, into: dx.view)
      add(dx, to: slot)
    }
  }

  private func addWeightGradients(_ x: MatrixView, _ layer: Linear, _ dy: MatrixView) {
    guard layer.weights.contains(where: \.isTrained) else { return }
    // dW[N,K] = dyᵀ · x, and of a weight stored as [K,N] its transpose.
    let (left, right) = layer.isTurned ? (x, dy) : (dy, x)
    for first in stride(from: 0, to: x.rows, by: Self.blockTokens) {
      let tokens = first..<min(first + Self.blockTokens, x.rows)
      let part = right.rows(tokens)
      let w = WeightPanels(
        layer.precision, rows: right.columns, columns: tokens.count, in: &packedTokens)
      fill(w, part.base, rowStride: 1, columnStride: part.stride)
      let stride = tokens.count + Self.turnedPadding
      let turned = MutableMatrixView(
        turned.take(left.columns * stride).pointer, rows: left.columns, columns: tokens.count,
        stride: stride)
      forRanges(left.columns, by: PackedMatrix.panelWidth) { [kernels] columns, _ in
        kernels.transpose(left[tokens, columns], into: turned.rows(columns))
      }
      var row = 0
      for weight in layer.weights {
        let rows = row..<row + weight.matrix.rows
        row = rows.upperBound
        guard let gradient = weight.gradientToAddTo() else { continue }
        product(turned.view.rows(rows), w, accumulates: true, into: gradient)
      }
    }
  }

  private func addBiasGradients(_ layer: Linear, _ dy: MatrixView) {
    var first = 0
    for bias in layer.biases {
      let columns = first..<first + bias.count
      first = columns.upperBound
      guard let gradient = bias.gradientToAddTo() else { continue }
      forRanges(bias.count, by: PackedMatrix.panelWidth) { [kernels] range, _ in
        kernels.addRows(
          dy.columns(columns).columns(range), to: gradient.base + range.lowerBound)
      }
    }
  }
}

extension Linear {
  var parameters: [Parameter] { weights + biases }
  /// Whether any weight or bias of the layer is in training, frozen or not: then it is not packed.
  var isInTraining: Bool { parameters.contains { $0.training != nil } }
}

extension Activation {
  /// The function that is applied; nil for none.
  package var function: ElementaryFunction? {
    switch self {
    case .none: nil
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .relu: .relu
    case .tanh: .tanh
    case .silu: .silu
    }
  }
}
