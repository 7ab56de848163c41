import Kernels

/// Numbers that are added to the scores of each head by the distance of key and query, for distances
/// up to `radius`: those of relative positions, and for a decoder one that hides what comes later.
struct RelativeTable {
  let radius: Int
  /// Keeps the parameter alive, whose identity is the key of a cache.
  private let parameter: Parameter?
  private let heads: Int
  /// values[H,2R+1].
  private let values: AlignedBuffer
  /// 2R + 1.
  var columns: Int { 2 * radius + 1 }

  /// Number that is added to the score of a key behind the query.
  ///
  /// Finite, as an infinite one less another is no number; so large that every other score is lost
  /// in it.
  private static let hidden: Float = -1e30

  /// - Parameters:
  ///   - options: Of the attention, which depends on distances.
  ///   - heads: H.
  ///   - radius: R.
  init(_ options: AttentionOptions, heads: Int, radius: Int) {
    precondition(options.reach == nil || !options.isCausal, "a reach of a decoder")
    self.radius = radius
    self.heads = heads
    parameter = options.relative?.table
    let columns = 2 * radius + 1
    values = AlignedBuffer(count: heads * columns)
    if let all = options.relative?.expanded(radius: radius) {
      for (i, value) in all.enumerated() { values.pointer[i] = value }
    } else {
      values.pointer.update(repeating: 0, count: heads * columns)
    }
    guard options.isCausal else { return }
    for head in 0..<heads {
      for column in radius + 1..<columns {
        values.pointer[head * columns + column] = Self.hidden
      }
    }
  }

  /// Valid while this lives.
  var view: MatrixView { values.matrix(rows: heads, columns: columns).view }
}

/// What a table of numbers by distance depends on, but for its length.
struct RelativeTableKey: Hashable {
  let parameter: ObjectIdentifier?
  let heads: Int
  let isCausal: Bool
}
