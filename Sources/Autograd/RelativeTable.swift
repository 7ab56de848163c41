import Kernels

/// Numbers that relative positions add to the scores of each head by the distance of key and query,
/// for distances up to `radius`.
struct RelativeTable {
  let radius: Int
  /// Keeps the parameter alive, whose identity is the key of a cache.
  private let parameter: Parameter
  private let heads: Int
  /// values[H,2R+1].
  private let values: AlignedBuffer
  /// 2R + 1.
  var columns: Int { 2 * radius + 1 }

  /// - Parameters:
  ///   - positions: What gives the numbers.
  ///   - radius: R.
  init(_ positions: RelativePositions, radius: Int) {
    self.radius = radius
    heads = positions.heads
    parameter = positions.table
    let all = positions.expanded(radius: radius)
    values = AlignedBuffer(count: all.count)
    for (i, value) in all.enumerated() { values.pointer[i] = value }
  }

  /// Valid while this lives.
  var view: MatrixView { values.matrix(rows: heads, columns: columns).view }
}
