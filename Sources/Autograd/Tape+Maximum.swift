import Kernels

/// The maximum over the tokens of a product with a vocabulary's weights.
extension Tape {
  /// Outputs whose products exist at a time.
  private static let blockOutputs = 4 * PackedMatrix.panelWidth

  package func linearMax(_ x: Recorded, _ layer: Linear, _ batch: PackedBatch) -> Recorded {
    precondition(layer.weights.count == 1, "linearMax: \(layer.weights.count) weights")
    if layer.weights.contains(where: { $0.lowRank?.isProduct == false }) {
      // What is more than a product of two matrices is not computed block by block.
      return pool(linear(x, layer, .none), .max, batch)
    }
    let term = lowRankTerms(x, layer).first
    let out = matrix(batch.sequences, layer.outputs)
    var places = [Int32](repeating: 0, count: batch.sequences * layer.outputs)
    places.withUnsafeMutableBufferPointer { places in
      forRanges(layer.outputs, by: Self.blockOutputs) { outputs, worker in
        maximum(x.value, layer, term, outputs, batch, into: out, places, worker)
      }
    }
    let tokens = places
    guard let term else {
      return record(out, of: layer.parameters, x) { [unowned self] derivative in
        maximumAdjoint(x, layer, batch, tokens, derivative)
      }
    }
    return record(out, of: layer.parameters + term.up.parameters, x, term.inner) {
      [unowned self] derivative in
      maximumAdjoint(x, layer, batch, tokens, derivative)
      maximumAdjoint(term.inner, term.up, batch, tokens, derivative)
    }
  }

  func maximumAdjoint(
    _ x: Recorded, _ layer: Linear, _ batch: PackedBatch, _ tokens: [Int32], _ dy: Matrix
  ) {
    addMaximumGradients(x.value, layer, batch, tokens, dy)
    guard let slot = x.slot else { return }
    add(inputGradient(x.value, layer, batch, tokens, dy), to: slot)
  }

  /// The maxima of some outputs for all sequences, and the tokens that have them.
  private func maximum(
    _ x: Matrix, _ layer: Linear, _ term: LowRankTerm?, _ outputs: Range<Int>,
    _ batch: PackedBatch, into out: Matrix, _ places: UnsafeMutableBufferPointer<Int32>,
    _ worker: Int
  ) {
    let longest = (0..<batch.sequences).reduce(0) { max($0, batch.range($1).count) }
    let w = packedPart(layer, outputs)
    let update = term.map { (inner: $0.inner.value.view.view, up: packedPart($0.up, outputs)) }
    scratch.with(worker) { scratch in
      let memory = scratch.take(longest * outputs.count)
      for sequence in 0..<batch.sequences {
        let rows = batch.range(sequence)
        let logits = memory.matrix(rows: rows.count, columns: outputs.count)
        narrowed.with(worker) { narrowed in
          w.multiply(x.view.view.rows(rows), into: logits, kernels: kernels, scratch: &narrowed)
          if let update {
            update.up.multiply(
              update.inner.rows(rows), accumulates: true, into: logits, kernels: kernels,
              scratch: &narrowed)
          }
        }
        let first = sequence * layer.outputs + outputs.lowerBound
        guard let base = places.baseAddress else { return }
        kernels.argmaxRows(logits.view, into: out.buffer.pointer + first, base + first)
      }
    }
  }

  /// The weights of some outputs.
  private func packedPart(_ layer: Linear, _ outputs: Range<Int>) -> WeightPanels {
    var memory = ScratchBuffer()
    let w = WeightPanels(
      layer.precision, rows: outputs.count, columns: layer.inputs, in: &memory,
      bias: layer.biases.first.map { $0.values + outputs.lowerBound })
    for panel in 0..<w.panels {
      w.fill(
        panel: panel, layer.weights[0].values + outputs.lowerBound * layer.inputs,
        rowStride: layer.inputs, columnStride: 1, kernels: kernels)
    }
    return w
  }

  /// dW[v] += dy[s,v] · x[token of (s,v)] and db[v] += dy[s,v], sequence by sequence.
  private func addMaximumGradients(
    _ x: Matrix, _ layer: Linear, _ batch: PackedBatch, _ tokens: [Int32], _ dy: Matrix
  ) {
    let weight = layer.weights[0].gradientToAddTo()
    let bias = layer.biases.first?.gradientToAddTo()
    if weight == nil, bias == nil { return }
    forRanges(layer.outputs, by: Self.blockOutputs) { [kernels] outputs, _ in
      for output in outputs {
        for sequence in 0..<batch.sequences {
          let slope = dy.elements[sequence * dy.columns + output]
          // Most terms have none: a sparse embedding is zero almost everywhere.
          if slope == 0 { continue }
          let token = batch.offsets[sequence] + Int(tokens[sequence * dy.columns + output])
          if let bias { bias.base[output] += slope }
          guard let weight else { continue }
          kernels.addScaled(
            x.row(token), by: slope,
            to: UnsafeMutableBufferPointer(
              start: weight.base + output * weight.stride, count: weight.columns))
        }
      }
    }
  }

  /// dx[token of (s,v)] += dy[s,v] · W[v], term by term.
  private func inputGradient(
    _ x: Matrix, _ layer: Linear, _ batch: PackedBatch, _ tokens: [Int32], _ dy: Matrix
  ) -> Matrix {
    let dx = zeros(x.rows, x.columns)
    let weights = layer.weights[0].matrix
    forEach(batch.sequences) { [kernels] sequence, _ in
      for output in 0..<dy.columns {
        let slope = dy.elements[sequence * dy.columns + output]
        if slope == 0 { continue }
        let token = batch.offsets[sequence] + Int(tokens[sequence * dy.columns + output])
        kernels.addScaled(
          UnsafeBufferPointer(start: weights.base + output * weights.stride, count: x.columns),
          by: slope, to: dx.mutableRow(token))
      }
    }
    return dx
  }
}
