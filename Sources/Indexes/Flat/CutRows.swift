import Kernels
import Vectors

/// Rows of vectors, cut to their first numbers where that is asked for.
struct CutRows: Sendable {
  private let stored: StoredRows
  /// Nil where vectors are as they are stored.
  private let cut: VectorCut?

  init(_ stored: StoredRows, _ cut: VectorCut?) {
    self.stored = stored
    self.cut = cut
  }

  /// Numbers of a row.
  var width: Int { cut?.width ?? stored.width }
  /// Numbers of a row as it is stored.
  var full: Int { stored.width }

  /// Some rows in single precision: as they lie in the file where that is possible, else in `scratch`,
  /// which has room for them; `one` is room for two whole rows.
  func rows(_ range: Range<Int>, scratch: AlignedBuffer, one: AlignedBuffer) -> MatrixView {
    guard let cut else { return stored.rows(range, scratch: scratch) }
    for (place, ordinal) in range.enumerated() {
      let whole = stored.rows(ordinal..<ordinal + 1, scratch: one)
      cut.cut(whole.base, of: full, into: scratch.pointer + place * width)
    }
    return scratch.matrix(rows: range.count, columns: width).view
  }

  /// All rows, where they lie in the file in single precision; nil where they are made of something else.
  var asStored: MatrixView? { cut == nil ? stored.asStored : nil }

  /// Asks for the numbers of a row.
  @inline(__always)
  func fetch(_ ordinal: Int) { stored.fetch(ordinal) }

  /// A row; `one` is room for two whole ones.
  func row(_ ordinal: Int, one: AlignedBuffer) -> MatrixView {
    let whole = stored.rows(ordinal..<ordinal + 1, scratch: one)
    guard let cut else { return whole }
    cut.cut(whole.base, of: full, into: one.pointer + full)
    return MatrixView(one.pointer + full, rows: 1, columns: width)
  }
}
