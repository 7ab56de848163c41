internal import CKernels

/// W[N,K] and perhaps bias[N], laid out for multiplication; immutable once it is filled.
///
/// Panels of 64 outputs, the last one narrowed to the next multiple of 16. The layout is the same
/// for all instruction sets.
package final class PackedMatrix: @unchecked Sendable {
  // Unchecked because of the buffers; all else is constant. `init` writes both, and `fill` one panel
  // of the weights, where two threads may fill different panels at the same time. Whoever fills sees
  // to it that nobody multiplies meanwhile.
  /// `memoryCount` floats, without the bias.
  package let storage: AlignedBuffer
  let biasStorage: AlignedBuffer?

  /// N, the outputs.
  package let rows: Int
  /// K, the inputs.
  package let columns: Int

  /// Outputs of a full panel; a range of outputs given to a kernel begins at a multiple.
  package static var panelWidth: Int { CK_PANEL }

  /// Packs w[N,K], where element (n, k) is `source[n * rowStride + k * columnStride]`.
  ///
  /// - Parameters:
  ///   - source: The elements; read only now.
  ///   - rows: N.
  ///   - columns: K.
  ///   - rowStride: Elements from one output to the next; K where it is left out.
  ///   - columnStride: Elements from one input to the next.
  ///   - bias: bias[N], copied.
  ///   - kernels: Who packs; the result does not depend on it.
  package init(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int, rowStride: Int? = nil,
    columnStride: Int = 1, bias: UnsafePointer<Float>? = nil, kernels: Kernels = Kernels()
  ) {
    precondition(rows > 0 && columns > 0, "PackedMatrix of \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    storage = AlignedBuffer(count: ck_packed_f32_count(rows, columns))
    biasStorage = Self.copy(bias, count: rows)
    kernels.table.pointee.pack_f32(
      rows, columns, source, rowStride ?? columns, columnStride, storage.pointer)
  }

  /// W[N,K] that `fill` will pack, in memory that is used again and again; or that another one
  /// packed and kept.
  ///
  /// - Parameters:
  ///   - rows: N.
  ///   - columns: K.
  ///   - memory: Of at least `memoryCount(rows:columns:)` floats, or the other one's `storage`;
  ///     nobody else writes it meanwhile.
  ///   - bias: bias[N], copied.
  package init(
    rows: Int, columns: Int, memory: AlignedBuffer, bias: UnsafePointer<Float>? = nil
  ) {
    precondition(rows > 0 && columns > 0, "PackedMatrix of \(rows) × \(columns)")
    precondition(memory.count >= Self.memoryCount(rows: rows, columns: columns))
    self.rows = rows
    self.columns = columns
    storage = memory
    biasStorage = Self.copy(bias, count: rows)
  }

  /// Floats that W[N,K] takes.
  package static func memoryCount(rows: Int, columns: Int) -> Int {
    ck_packed_f32_count(rows, columns)
  }

  /// Number of panels; they may be filled at the same time.
  package var panels: Int { (rows + Self.panelWidth - 1) / Self.panelWidth }

  /// Packs one panel, where element (n, k) of W is `source[n * rowStride + k * columnStride]`.
  package func fill(
    panel: Int, _ source: UnsafePointer<Float>, rowStride: Int, columnStride: Int,
    kernels: Kernels
  ) {
    let first = panel * Self.panelWidth
    precondition(panel >= 0 && first < rows, "panel \(panel) of \(panels)")
    kernels.table.pointee.pack_f32(
      min(Self.panelWidth, rows - first), columns, source + first * rowStride, rowStride,
      columnStride, storage.pointer + first * columns)
  }

  private static func copy(_ bias: UnsafePointer<Float>?, count: Int) -> AlignedBuffer? {
    guard let bias else { return nil }
    let buffer = AlignedBuffer(count: count)
    buffer.pointer.update(from: bias, count: count)
    return buffer
  }

  /// bias[N], or nil; valid while the matrix lives.
  var bias: UnsafePointer<Float>? { biasStorage.map { UnsafePointer($0.pointer) } }
}
