import Glibc
import Kernels
import Synchronization

/// The angles by which rotary positions turn pairs of elements, for as many positions as texts have.
///
/// Su et al., arXiv:2104.09864. The angle of pair e at position p is p / θ^(2e/E), rounded to
/// single precision where the reference rounds: transformers
/// `models/modernbert/modeling_modernbert.py`, `ModernBertRotaryEmbedding`.
package final class RotaryPositions: Sendable {
  private let frequencies: RotaryFrequencies
  /// The longest table that was asked for so far.
  private let table = Mutex<RotaryTable?>(nil)

  /// Positions that the first table has at least.
  private static let fewest = 128

  /// Angles for heads of an even width E.
  package convenience init(headWidth: Int, base: Float) {
    self.init(RotaryFrequencies(headWidth: headWidth, base: base))
  }

  /// Angles by frequencies.
  package init(_ frequencies: RotaryFrequencies) { self.frequencies = frequencies }

  /// Whether a text's length changes the angles of its first tokens.
  package var dependOnLength: Bool { frequencies.ofLongTexts != nil }

  /// A table of at least as many positions as the longest sequence of a batch has tokens.
  func table(_ batch: PackedBatch) -> RotaryTable {
    let needed = batch.longest
    return table.withLock { table in
      if let table, table.count >= needed { return table }
      // Twice as long each time: texts of growing lengths make few tables.
      var count = Self.fewest
      while count < needed { count *= 2 }
      let new = RotaryTable(frequencies, positions: count)
      table = new
      return new
    }
  }
}

/// What a position is multiplied by to give the angle of each pair of elements of a head, [E/2].
package struct RotaryFrequencies: Sendable {
  package var values: [Float]
  /// Factor of cosines and sines.
  package var scale: Float
  /// Frequencies of texts that are longer than a number of tokens; nil where all have the same.
  package var ofLongTexts: (values: [Float], from: Int)?

  package init(
    _ values: [Float], scale: Float = 1, ofLongTexts: (values: [Float], from: Int)? = nil
  ) {
    precondition(!values.isEmpty && ofLongTexts?.values.count ?? values.count == values.count)
    self.values = values
    self.scale = scale
    self.ofLongTexts = ofLongTexts
  }

  /// Those of the paper, for heads of an even width.
  package init(headWidth: Int, base: Float) {
    precondition(headWidth % 2 == 0 && headWidth > 0, "a head of \(headWidth)")
    self.init(
      (0..<headWidth / 2).map { pair in
        1 / Float(pow(Double(base), Double(Float(2 * pair) / Float(headWidth))))
      })
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
  /// Tokens of the longest text that has the first frequencies; nil where all have them.
  private let shortest: Int?
  /// Rows of the tables: those of long texts stand behind the others.
  private var tableRows: Int { shortest == nil ? count : 2 * count }

  init(_ frequencies: RotaryFrequencies, positions: Int) {
    count = positions
    pairs = frequencies.values.count
    shortest = frequencies.ofLongTexts?.from
    let sets = [frequencies.values] + (frequencies.ofLongTexts.map { [$0.values] } ?? [])
    let elements = sets.count * positions * pairs
    cosineTable = AlignedBuffer(count: elements)
    sineTable = AlignedBuffer(count: elements)
    oppositeTable = AlignedBuffer(count: elements)
    for (number, values) in sets.enumerated() {
      for (pair, frequency) in values.enumerated() {
        for position in 0..<positions {
          let angle = Double(Float(position) * frequency)
          let place = (number * positions + position) * pairs + pair
          // Rounded from double precision: one ulp of a mathematical library does not show.
          let sine = Float(sin(angle)) * frequencies.scale
          cosineTable.pointer[place] = Float(cos(angle)) * frequencies.scale
          sineTable.pointer[place] = sine
          oppositeTable.pointer[place] = -sine
        }
      }
    }
  }

  /// The row of the tables for each token of a batch.
  func rows(_ batch: PackedBatch) -> [Int32] {
    guard let shortest else { return batch.positions }
    var rows = batch.positions
    for sequence in 0..<batch.sequences where batch.range(sequence).count > shortest {
      for token in batch.range(sequence) { rows[token] += Int32(count) }
    }
    return rows
  }

  /// cos[P,E/2]; valid while this lives.
  var cosines: MatrixView { cosineTable.matrix(rows: tableRows, columns: pairs).view }
  /// sin[P,E/2]; valid while this lives.
  var sines: MatrixView { sineTable.matrix(rows: tableRows, columns: pairs).view }
  /// Sines of the opposite angles, which turn back, [P,E/2]; valid while this lives.
  var oppositeSines: MatrixView { oppositeTable.matrix(rows: tableRows, columns: pairs).view }
}
