import Glibc
import Kernels
import Synchronization

/// The angles by which rotary positions turn pairs of elements, for as many positions as texts have.
///
/// Su et al., arXiv:2104.09864. The angle of pair e at position p is p / θ^(2e/E), rounded to
/// single precision where the reference rounds: transformers
/// `models/modernbert/modeling_modernbert.py`, `ModernBertRotaryEmbedding`.
package final class RotaryPositions: Sendable {
  /// θ.
  package let base: Float
  private let headWidth: Int
  /// The longest table that was asked for so far.
  private let table = Mutex<RotaryTable?>(nil)

  /// Positions that the first table has at least.
  private static let fewest = 128

  /// Angles for heads of an even width E.
  package init(headWidth: Int, base: Float) {
    precondition(headWidth % 2 == 0 && headWidth > 0, "a head of \(headWidth)")
    self.headWidth = headWidth
    self.base = base
  }

  /// A table of at least as many positions as the longest sequence of a batch has tokens.
  func table(_ batch: PackedBatch) -> RotaryTable {
    let needed = batch.longest
    return table.withLock { table in
      if let table, table.count >= needed { return table }
      // Twice as long each time: texts of growing lengths make few tables.
      var count = Self.fewest
      while count < needed { count *= 2 }
      let new = RotaryTable(headWidth: headWidth, base: base, positions: count)
      table = new
      return new
    }
  }
}

/// Cosines and sines of the angles at the first positions.
///
/// Unchecked because of the three tables, which nobody writes after `init`; all else is constant.
final class RotaryTable: @unchecked Sendable {
  /// Positions that there are angles for.
  let count: Int
  private let cosineTable: AlignedBuffer
  private let sineTable: AlignedBuffer
  private let oppositeTable: AlignedBuffer
  private let pairs: Int

  init(headWidth: Int, base: Float, positions: Int) {
    count = positions
    pairs = headWidth / 2
    cosineTable = AlignedBuffer(count: positions * pairs)
    sineTable = AlignedBuffer(count: positions * pairs)
    oppositeTable = AlignedBuffer(count: positions * pairs)
    for pair in 0..<pairs {
      let inverse = 1 / Float(pow(Double(base), Double(Float(2 * pair) / Float(headWidth))))
      for position in 0..<positions {
        let angle = Double(Float(position) * inverse)
        // Rounded from double precision: one ulp of a mathematical library does not show.
        cosineTable.pointer[position * pairs + pair] = Float(cos(angle))
        sineTable.pointer[position * pairs + pair] = Float(sin(angle))
        oppositeTable.pointer[position * pairs + pair] = -Float(sin(angle))
      }
    }
  }

  /// cos[P,E/2]; valid while this lives.
  var cosines: MatrixView { cosineTable.matrix(rows: count, columns: pairs).view }
  /// sin[P,E/2]; valid while this lives.
  var sines: MatrixView { sineTable.matrix(rows: count, columns: pairs).view }
  /// Sines of the opposite angles, which turn back, [P,E/2]; valid while this lives.
  var oppositeSines: MatrixView { oppositeTable.matrix(rows: count, columns: pairs).view }
}
