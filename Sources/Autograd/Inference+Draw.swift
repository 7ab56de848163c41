import Kernels

extension Inference {
  package func draw(_ x: Matrix, _ batch: PackedBatch, layer: Int) -> Matrix {
    let drawn = batch.groups.reduce(0) { $0 + $1.additionalRows.count }
    if drawn == 0 { return x }
    let width = x.columns
    let out = matrix(x.rows + drawn, width)
    out.buffer.pointer.update(from: x.buffer.pointer, count: x.rows * width)
    for group in batch.groups where !group.additionalRows.isEmpty {
      precondition(group.additionalRows.upperBound <= out.rows, "rows \(group.additionalRows)")
      let target = out.buffer.pointer + group.additionalRows.lowerBound * width
      let random = CounterRandom(seed: group.seed, stream: UInt64(layer))
      for column in 0..<width {
        let (mean, deviation) = Self.moments(
          group.sequences.map { x.row(batch.offsets[$0] + group.token)[column] })
        for row in group.additionalRows.indices {
          let index = (row - group.additionalRows.lowerBound) * width + column
          target[index] = mean + deviation * random.normal(at: UInt64(index))
        }
      }
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
