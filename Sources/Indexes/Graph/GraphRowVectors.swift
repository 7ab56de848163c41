import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// Documents' own vectors as single ones are read: where they lie, of those in single precision.
///
/// Unchecked: the pointer leads into a file that stays mapped with `stored`, and nobody writes there.
struct GraphRowVectors: @unchecked Sendable {
  let width: Int
  /// The first vector; nil for those of other types.
  let base: UnsafePointer<Float>?
  private let stored: StoredRows

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - files: The vectors, and the scales that those of bytes have.
  ///   - kernels: What widens them.
  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ files: (vectors: IndexFile, scales: IndexFile), _ kernels: Kernels
  ) throws(Failure) {
    let rows = try segment.tensor(files.vectors)
    let scales = rows.entry.type == .i8 ? try segment.tensor(files.scales) : nil
    stored = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, kernels)
    width = stored.width
    let bytes = rows.bytes.baseAddress
    base =
      rows.entry.type == .f32
      ? bytes.flatMap {
        Int(bitPattern: $0) % 4 == 0 ? $0.assumingMemoryBound(to: Float.self) : nil
      }
      : nil
  }

  /// Room for a vector in single precision, where they are of other types.
  var scratch: AlignedBuffer? { base == nil ? AlignedBuffer(count: width) : nil }

  /// The numbers of a vector, perhaps in the scratch memory.
  @inline(__always)
  func row(_ vertex: Int, _ scratch: AlignedBuffer?) -> UnsafePointer<Float> {
    if let base { return base + vertex * width }
    return stored.rows(vertex..<vertex + 1, scratch: scratch.unsafelyUnwrapped).base
  }

  /// Asks for at most so many bytes of a vector.
  @inline(__always)
  func fetch(_ vertex: Int, _ most: Int = .max) {
    guard let base else { return }
    Kernels.prefetch(base + vertex * width, min(most, width * MemoryLayout<Float>.stride))
  }
}
