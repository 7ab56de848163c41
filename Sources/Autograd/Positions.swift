import Glibc
import Kernels

/// Learned positions, and which of them the tokens of a batch have.
package struct PositionTable: Sendable {
  package let table: Parameter
  /// indices[T].
  package let indices: [Int32]

  package init(_ table: Parameter, _ indices: [Int32]) {
    self.table = table
    self.indices = indices
  }
}

/// Settings of an attention: scale, distances, dropout, precision.
package struct AttentionOptions: Sendable {
  /// Factor of the scores; nil for 1/√E.
  package var scale: Float?
  /// Relative positions, whose numbers are added to the scores.
  package var relative: RelativePositions?
  /// Largest distance that is attended to; nil for all.
  package var reach: Int?
  /// Share of the attention weights that training drops.
  package var dropout: Float = 0
  /// Precision of the attention products, as `Kernels.attention` has it; not on a tape.
  package var precision = Precision.f32
  /// Whether only the first token of each sequence asks; not on a tape, nor in sets.
  package var onlyFirstQueries = false
  /// Whether a token attends to none behind it, as in a decoder; not in sets.
  package var isCausal = false
  /// Heads of keys and values, a divisor of those of queries; nil for as many.
  package var keyHeads: Int?
  /// Number of the attention in a backbone whose sequences may stand behind a prefix; nil in others.
  package var layer: Int?

  package init(
    scale: Float? = nil, relative: RelativePositions? = nil, reach: Int? = nil,
    isCausal: Bool = false, keyHeads: Int? = nil
  ) {
    self.keyHeads = keyHeads
    self.scale = scale
    self.relative = relative
    self.reach = reach
    self.isCausal = isCausal
  }

  /// Largest distance of a token behind the one that asks; nil for the reach.
  var ahead: Int? { isCausal ? 0 : nil }
  /// Whether some distances are not attended to, or change a score.
  var knowsDistances: Bool { relative != nil || reach != nil || isCausal }
}

extension AttentionOptions {
  /// A copy of the options in which training drops attention weights at a rate.
  package func dropping(_ rate: Float) -> AttentionOptions {
    var options = self
    options.dropout = rate
    return options
  }

  /// A copy of the options, of the attention with a number.
  package func numbered(_ layer: Int) -> AttentionOptions {
    var options = self
    options.layer = layer
    return options
  }

  /// A copy of the options with the precision of the layer that computed queries, keys and values.
  package func following(_ layer: Linear) -> AttentionOptions {
    var options = self
    options.precision = layer.precision
    return options
  }

  /// A copy of the options under which only the first token of each sequence asks.
  package var ofFirstQueries: AttentionOptions {
    var options = self
    options.onlyFirstQueries = true
    return options
  }
}

/// A learned number a head for every bucket of distances between query and key, or one that falls with
/// the distance.
///
/// Raffel et al., arXiv:1910.10683, section 2.1; transformers `models/t5/modeling_t5.py`,
/// `_relative_position_bucket` in both directions.
package struct RelativePositions: Sendable {
  /// table[buckets,H].
  package let table: Parameter
  /// Distances from here on share the last bucket of their direction.
  package let maximumDistance: Int
  /// Whether the table has one number a head, which is taken off for every step of distance.
  private let falls: Bool

  package var buckets: Int { table.matrix.rows }
  package var heads: Int { table.matrix.columns }

  /// Relative positions with table[buckets,H], of an even number of at least four buckets.
  package init(table: Parameter, maximumDistance: Int) {
    precondition(table.matrix.rows % 2 == 0 && table.matrix.rows >= 4, "buckets")
    precondition(maximumDistance > table.matrix.rows / 4, "the greatest distance")
    self.table = table
    self.maximumDistance = maximumDistance
    falls = false
  }

  /// Fixed numbers −slope · |distance|, of two parts of the heads whose slopes fall in geometric rows
  /// (ALiBi, Press et al., arXiv:2108.12409).
  ///
  /// - Parameter heads: Number of heads, at least one.
  package init(fallingOver heads: Int) {
    let slopes = Self.slopes(heads)
    let buffer = AlignedBuffer(count: heads)
    for (i, slope) in slopes.enumerated() { buffer.pointer[i] = Float(slope) }
    table = Parameter(
      name: "slopes", shape: [1, heads], values: UnsafePointer(buffer.pointer), owner: buffer)
    maximumDistance = .max
    falls = true
  }

  /// Where the number of heads is no power of two, the rest gets every other one of twice as many.
  static func slopes(_ heads: Int) -> [Double] {
    var power = 1
    while 2 * power <= heads { power *= 2 }
    func row(_ count: Int) -> [Double] {
      let ratio = exp2(-8 / Double(count))
      return (1...count).map { pow(ratio, Double($0)) }
    }
    let more = row(2 * power).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    return row(power) + more.prefix(heads - power)
  }

  /// Bucket of a key at `distance` = key − query.
  ///
  /// Half of the buckets for each direction; half of those for one distance each, the others for
  /// logarithmically growing ranges. In single precision, as the reference computes it.
  package func bucket(_ distance: Int) -> Int {
    let half = buckets / 2
    let exact = half / 2
    let size = abs(distance)
    let start = distance > 0 ? half : 0
    if size < exact { return start + size }
    let position =
      logf(Float(size) / Float(exact)) / Float(log(Double(maximumDistance) / Double(exact)))
      * Float(half - exact)
    return start + min(half - 1, exact + Int(position))
  }

  /// Numbers that are added to the scores at the distances −R…R: out[H,2R+1].
  package func expanded(radius: Int) -> [Float] {
    let columns = 2 * radius + 1
    var out = [Float](repeating: 0, count: heads * columns)
    if falls {
      for head in 0..<heads {
        for column in 0..<columns {
          out[head * columns + column] = -table.values[head] * Float(abs(column - radius))
        }
      }
      return out
    }
    for column in 0..<columns {
      let row = bucket(column - radius)
      for head in 0..<heads { out[head * columns + column] = table.values[row * heads + head] }
    }
    return out
  }

  /// The adjoint of `expanded`: adds derivatives[H,2R+1] to those by the table.
  func addGradients(_ derivatives: MatrixView) {
    guard let gradient = table.gradientToAddTo() else { return }
    let radius = derivatives.columns / 2
    for column in 0..<derivatives.columns {
      let row = gradient.base + bucket(column - radius) * gradient.stride
      for head in 0..<heads { row[head] += derivatives.base[head * derivatives.stride + column] }
    }
  }
}
