import Kernels

/// A query as tables: what each combination of four signs adds to the product with a code.
///
/// Σ s · q is the tables' sum times `step`, and `base`. The rounding is to the nearest, ties to even, and
/// every operation is written out, so that the numbers are the same on every machine.
struct GraphTables {
  let tables: UnsafeMutablePointer<UInt8>
  private let sums: UnsafeMutablePointer<Float>
  private let width: Int
  private(set) var step: Float = 0
  private(set) var base: Float = 0

  init(width: Int) {
    self.width = width
    tables = .allocate(capacity: 4 * width)
    sums = .allocate(capacity: 4 * width)
  }

  func deallocate() {
    tables.deallocate()
    sums.deallocate()
  }

  /// Makes the tables of a rotated query[width].
  mutating func fill(_ query: UnsafePointer<Float>, _ kernels: Kernels) {
    (step, base) = kernels.signTables(query, width: width, sums, into: tables)
  }
}
