import Kernels

extension Inference {
  package func attention(_ qkv: Matrix, heads: Int, _ batch: PackedBatch) -> Matrix {
    let width = qkv.columns / 3
    let out = matrix(batch.tokens, width)
    guard batch.sets.isEmpty else {
      attendInSets(qkv.view.view, heads: heads, batch, into: out)
      return out
    }
    let all = qkv.view.view
    batch.attended.withUnsafeBufferPointer { attended in
      for sequence in 0..<batch.sequences {
        let rows = batch.range(sequence)
        attend(
          queries: all[rows, 0..<width], keys: all[rows, width..<2 * width],
          values: all[rows, 2 * width..<3 * width], heads: heads,
          keep: batch.hidesTokens ? UnsafeBufferPointer(rebasing: attended[rows]) : nil,
          into: out.view.rows(rows))
      }
    }
    return out
  }

  private func attend(
    queries: MatrixView, keys: MatrixView, values: MatrixView, heads: Int,
    keep: UnsafeBufferPointer<UInt8>?, into out: MutableMatrixView
  ) {
    let needed = kernels.attentionScratchCount(
      queries: queries.rows, keys: keys.rows, headWidth: queries.columns / heads)
    if scratch.count < needed { scratch = AlignedBuffer(count: needed) }
    kernels.attention(
      queries: queries, keys: keys, values: values, heads: heads,
      scale: 1 / Float(queries.columns / heads).squareRoot(), keep: keep, into: out,
      scratch: scratch)
  }

  // MARK: Sets

  /// Keys and values of a sequence are its own rows, the shared rows of its set, and drawn ones.
  private func attendInSets(
    _ all: MatrixView, heads: Int, _ batch: PackedBatch, into out: Matrix
  ) {
    let width = all.columns / 3
    var firstDrawn = batch.tokens
    for set in batch.sets {
      let shared =
        set.sequences.map { batch.offsets[$0] + set.sharedToken }
        + Array(firstDrawn..<firstDrawn + set.drawn)
      firstDrawn += set.drawn
      for sequence in set.sequences {
        let rows = batch.range(sequence)
        let others = shared.enumerated().filter { $0.offset != sequence - set.sequences.lowerBound }
          .map(\.element)
        let keys = Array(rows) + others
        let gathered = matrix(keys.count, 2 * width)
        for (i, row) in keys.enumerated() {
          (gathered.buffer.pointer + i * 2 * width).update(
            from: all.base + row * all.stride + width, count: 2 * width)
        }
        let keep = Array(batch.attended[rows]) + [UInt8](repeating: 1, count: others.count)
        keep.withUnsafeBufferPointer { keep in
          let view = gathered.view.view
          attend(
            queries: all[rows, 0..<width], keys: view.columns(0..<width),
            values: view.columns(width..<2 * width), heads: heads, keep: keep,
            into: out.view.rows(rows))
        }
      }
    }
  }

  package func draw(_ x: Matrix, _ batch: PackedBatch, layer: Int) -> Matrix {
    let drawn = batch.sets.reduce(0) { $0 + $1.drawn }
    if drawn == 0 { return x }
    let width = x.columns
    let out = matrix(x.rows + drawn, width)
    out.buffer.pointer.update(from: x.buffer.pointer, count: x.rows * width)
    var target = out.buffer.pointer + x.rows * width
    for set in batch.sets where set.drawn > 0 {
      let random = CounterRandom(seed: set.seed, stream: UInt64(layer))
      for column in 0..<width {
        let (mean, deviation) = Self.moments(
          set.sequences.map { x.row(batch.offsets[$0] + set.sharedToken)[column] })
        for row in 0..<set.drawn {
          let index = row * width + column
          target[index] = mean + deviation * random.normal(at: UInt64(index))
        }
      }
      target += set.drawn * width
    }
    return out
  }

  /// Mean and standard deviation as `torch.mean` and `torch.std` have them; a deviation of 0 for one
  /// value.
  private static func moments(_ values: [Float]) -> (mean: Float, deviation: Float) {
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    if values.count == 1 { return (Float(mean), 0) }
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (Float(mean), Float((squares / Double(values.count - 1)).squareRoot()))
  }
}
