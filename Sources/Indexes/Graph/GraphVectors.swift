import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// Documents' own vectors, as a walk compares them.
struct GraphVectors: @unchecked Sendable {
  private let graph: StoredGraph
  private let stored: StoredRows
  private let dimension: Int
  private let kernels: Kernels
  /// The vectors where they lie, of those in single precision; the file stays mapped with `stored`.
  private let base: UnsafePointer<Float>?
  /// Whether no distance of the documents and a query overflows or vanishes.
  let isSafe: Bool

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment, _ graph: StoredGraph, _ kernels: Kernels) throws(Failure) {
    self.graph = graph
    self.kernels = kernels
    let rows = try segment.tensor(Graph.vectors)
    let scales = rows.entry.type == .i8 ? try segment.tensor(Graph.scales) : nil
    stored = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, kernels)
    dimension = stored.width
    let bytes = rows.bytes.baseAddress
    base =
      rows.entry.type == .f32
      ? bytes.flatMap {
        Int(bitPattern: $0) % 4 == 0 ? $0.assumingMemoryBound(to: Float.self) : nil
      }
      : nil
    let longest = try FlatCodes.longest(segment)
    isSafe = longest < 0x1p40 && longest > 0x1p-40
  }

  /// Distances of a query.
  ///
  /// - Parameters:
  ///   - query: Its numbers; they must live as long as the distances are used.
  ///   - square: The square of its length in the graph's space.
  /// - Returns: What computes them.
  func distances(_ query: UnsafePointer<Float>, _ square: Float) -> Distances {
    Distances(
      rows: graph.rows, isEuclidean: graph.space.similarity == .l2, query: query, square: square,
      stored: stored, base: base, dimension: dimension, kernels: kernels,
      scratch: base == nil ? AlignedBuffer(count: dimension) : nil)
  }

  /// Distances of a query and documents by their own vectors.
  struct Distances: GraphDistances {
    let rows: GraphRows
    let isEuclidean: Bool
    let query: UnsafePointer<Float>
    let square: Float
    let stored: StoredRows
    let base: UnsafePointer<Float>?
    let dimension: Int
    let kernels: Kernels
    let scratch: AlignedBuffer?

    @inline(__always)
    func callAsFunction(_ vertex: Int) -> Float {
      let own: UnsafePointer<Float>
      if let base {
        own = base + vertex * dimension
      } else {
        own = stored.rows(vertex..<vertex + 1, scratch: scratch.unsafelyUnwrapped).base
      }
      if isEuclidean {
        var (place, distance) = (Int32(0), Float(0))
        kernels.squaredDistances(1, width: dimension, query, own, at: &place, into: &distance)
        return rows.factor(vertex) * distance
      }
      let product = kernels.dot(
        UnsafeBufferPointer(start: query, count: dimension),
        UnsafeBufferPointer(start: own, count: dimension))
      return square + rows.square(vertex) - 2 * rows.factor(vertex) * product
    }

    @inline(__always)
    func fetch(_ vertex: Int) {
      guard let base else { return }
      Kernels.prefetch(base + vertex * dimension, dimension * MemoryLayout<Float>.stride)
    }
  }
}
