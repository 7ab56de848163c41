internal import CKernels

/// W[N,K] and perhaps bias[N] in bfloat16 or bytes, laid out for multiplication; immutable once it is
/// filled.
///
/// One block of memory, the same for all instruction sets: words of 32 bits in the panels of
/// `PackedMatrix`, then scale and sum of each output, then the bias.
package final class NarrowMatrix: @unchecked Sendable {
  // Unchecked because of the buffer; all else is constant. `init` writes it, and `fill` one panel of
  // it, where two threads may fill different panels at the same time. Whoever fills sees to it that
  // nobody multiplies meanwhile.
  /// `memoryCount` floats.
  package let storage: AlignedBuffer

  /// N, the outputs.
  package let rows: Int
  /// K, the inputs.
  package let columns: Int
  /// Not `f32`.
  package let precision: Precision
  private let hasBias: Bool

  /// Largest K of bytes: the sums of products fit 32 bits.
  package static var mostColumns: Int { 65536 }

  /// Packs w[N,K], where element (n, k) is `source[n * rowStride + k]`.
  ///
  /// - Parameters:
  ///   - source: The elements; read only now.
  ///   - precision: `bf16`, or `int8` for K up to `mostColumns`.
  ///   - rows: N.
  ///   - columns: K.
  ///   - rowStride: Elements from one output to the next; K where it is left out.
  ///   - bias: bias[N], copied.
  ///   - kernels: Who packs; the result does not depend on it.
  package convenience init(
    _ source: UnsafePointer<Float>, _ precision: Precision, rows: Int, columns: Int,
    rowStride: Int? = nil, bias: UnsafePointer<Float>? = nil, kernels: Kernels = Kernels()
  ) {
    let count = Self.memoryCount(rows: rows, columns: columns, precision)
    let memory = AlignedBuffer(count: count)
    memory.pointer.update(repeating: 0, count: count)
    self.init(
      memory: memory, precision, rows: rows, columns: columns, hasBias: bias != nil)
    let stride = rowStride ?? columns
    switch precision {
    case .bf16: kernels.table.pointee.pack_bf16(rows, columns, source, stride, 1, words)
    case .int8:
      kernels.table.pointee.pack_s8(rows, columns, source, stride, 1, words, scales, sums)
    case .f32: break
    }
    if let bias { self.biases.update(from: bias, count: rows) }
  }

  /// What another one packed and kept.
  ///
  /// - Parameters:
  ///   - memory: `memoryCount` floats, its `storage`.
  ///   - precision: Its precision.
  ///   - rows: N.
  ///   - columns: K.
  ///   - hasBias: Whether it had a bias.
  package init(
    memory: AlignedBuffer, _ precision: Precision, rows: Int, columns: Int, hasBias: Bool
  ) {
    precondition(rows > 0 && columns > 0, "NarrowMatrix of \(rows) × \(columns)")
    precondition(precision != .f32, "NarrowMatrix in single precision")
    precondition(precision == .bf16 || columns <= Self.mostColumns, "\(columns) bytes a row")
    precondition(memory.count >= Self.memoryCount(rows: rows, columns: columns, precision))
    storage = memory
    self.rows = rows
    self.columns = columns
    self.precision = precision
    self.hasBias = hasBias
  }

  /// W[N,K] in bfloat16 that `fill` will pack, in memory that is used again and again.
  ///
  /// - Parameters:
  ///   - rows: N.
  ///   - columns: K.
  ///   - memory: Of at least `memoryCount` floats; nobody else writes it meanwhile.
  ///   - bias: bias[N], copied.
  package convenience init(
    rows: Int, columns: Int, memory: AlignedBuffer, bias: UnsafePointer<Float>? = nil
  ) {
    self.init(memory: memory, .bf16, rows: rows, columns: columns, hasBias: bias != nil)
    if let bias { biases.update(from: bias, count: rows) }
  }

  /// Packs one panel of bfloat16, where element (n, k) of W is
  /// `source[n * rowStride + k * columnStride]`; one of the strides is 1.
  package func fill(
    panel: Int, _ source: UnsafePointer<Float>, rowStride: Int, columnStride: Int,
    kernels: Kernels
  ) {
    let first = panel * PackedMatrix.panelWidth
    precondition(precision == .bf16 && (rowStride == 1 || columnStride == 1))
    precondition(panel >= 0 && first < rows, "panel \(panel) of \(rows) outputs")
    kernels.table.pointee.pack_bf16(
      min(PackedMatrix.panelWidth, rows - first), columns, source + first * rowStride, rowStride,
      columnStride, words + first * ((columns + 1) / 2))
  }

  /// The bytes of an output and what a step of them is worth.
  package func bytes(of row: Int) -> (codes: [Int8], scale: Float) {
    precondition(precision == .int8 && row >= 0 && row < rows, "bytes of output \(row)")
    let depth = (columns + 3) / 4
    let panel = row / PackedMatrix.panelWidth * PackedMatrix.panelWidth
    let width = Self.padded(min(PackedMatrix.panelWidth, rows - panel))
    let first = UnsafeRawPointer(words + panel * depth + (row - panel))
    let codes = (0..<columns).map { column in
      first.load(fromByteOffset: column / 4 * 4 * width + column % 4, as: Int8.self)
    }
    return (codes, scales[row])
  }

  /// Floats that W[N,K] and a bias take.
  package static func memoryCount(rows: Int, columns: Int, _ precision: Precision) -> Int {
    wordCount(rows, columns, precision) + 3 * padded(rows)
  }

  private static func wordCount(_ rows: Int, _ columns: Int, _ precision: Precision) -> Int {
    precision == .bf16 ? ck_packed_bf16_count(rows, columns) : ck_packed_s8_count(rows, columns)
  }

  private static func padded(_ rows: Int) -> Int { (rows + 15) / 16 * 16 }

  private var words: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: Int32.self)
  }

  private var scales: UnsafeMutablePointer<Float> {
    storage.pointer + Self.wordCount(rows, columns, precision)
  }

  private var sums: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(scales + Self.padded(rows)).assumingMemoryBound(to: Int32.self)
  }

  private var biases: UnsafeMutablePointer<Float> { scales + 2 * Self.padded(rows) }

  /// bias[N], or nil; valid while the matrix lives.
  var bias: UnsafePointer<Float>? { hasBias ? UnsafePointer(biases) : nil }

  /// Valid while the matrix lives.
  var weights: ck_narrow_weights {
    ck_narrow_weights(
      n: rows, k: columns, packed: UnsafePointer(words), scales: UnsafePointer(scales),
      sums: UnsafePointer(sums))
  }
}
