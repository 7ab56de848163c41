/// x[M,N], row-major with a row stride, read only; somebody else owns the memory.
///
/// Valid only as long as the memory is; never store one.
package struct MatrixView {
  /// The first element.
  package let base: UnsafePointer<Float>
  /// M.
  package let rows: Int
  /// N.
  package let columns: Int
  /// Elements from one row to the next.
  package let stride: Int

  /// x[M,N] at `base`; `stride` is at least N, and N where it is left out.
  package init(_ base: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    precondition(rows >= 0 && columns >= 0, "matrix of \(rows) × \(columns)")
    precondition(stride ?? columns >= columns, "stride \(stride ?? 0) < \(columns) columns")
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
  }

  /// The block of `rowRange` and `columnRange`, in the same memory.
  package subscript(rowRange: Range<Int>, columnRange: Range<Int>) -> MatrixView {
    precondition(rowRange.upperBound <= rows && rowRange.lowerBound >= 0, "rows \(rowRange)")
    precondition(
      columnRange.upperBound <= columns && columnRange.lowerBound >= 0, "columns \(columnRange)")
    return MatrixView(
      base + rowRange.lowerBound * stride + columnRange.lowerBound,
      rows: rowRange.count, columns: columnRange.count, stride: stride)
  }

  /// The rows `range`, in the same memory.
  package func rows(_ range: Range<Int>) -> MatrixView { self[range, 0..<columns] }

  /// The columns `range`, in the same memory.
  package func columns(_ range: Range<Int>) -> MatrixView { self[0..<rows, range] }

  /// Whether elements are shared, as far as that can be told: column ranges of one buffer
  /// interleave without sharing any, so two matrices with gaps are taken to be apart.
  func overlaps(_ other: MatrixView) -> Bool {
    (stride == columns || other.stride == other.columns) && extent.overlaps(other.extent)
  }

  /// The addresses from the first element to the last.
  private var extent: Range<UInt> {
    let count = rows == 0 ? 0 : (rows - 1) * stride + columns
    return UInt(bitPattern: base)..<UInt(bitPattern: base + count)
  }
}

/// x[M,N], row-major with a row stride, to be written; somebody else owns the memory.
///
/// Valid only as long as the memory is; never store one.
package struct MutableMatrixView {
  /// The first element.
  package let base: UnsafeMutablePointer<Float>
  /// M.
  package let rows: Int
  /// N.
  package let columns: Int
  /// Elements from one row to the next.
  package let stride: Int

  /// x[M,N] at `base`; `stride` is at least N, and N where it is left out.
  package init(_ base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    let view = MatrixView(base, rows: rows, columns: columns, stride: stride)
    self.base = base
    self.rows = view.rows
    self.columns = view.columns
    self.stride = view.stride
  }

  /// The block of `rowRange` and `columnRange`, in the same memory.
  package subscript(rowRange: Range<Int>, columnRange: Range<Int>) -> MutableMatrixView {
    let block = view[rowRange, columnRange]
    return MutableMatrixView(
      base + (block.base - UnsafePointer(base)),
      rows: block.rows, columns: block.columns, stride: stride)
  }

  /// The rows `range`, in the same memory.
  package func rows(_ range: Range<Int>) -> MutableMatrixView { self[range, 0..<columns] }

  /// The columns `range`, in the same memory.
  package func columns(_ range: Range<Int>) -> MutableMatrixView { self[0..<rows, range] }

  /// The matrix, read only.
  package var view: MatrixView { MatrixView(base, rows: rows, columns: columns, stride: stride) }
}
