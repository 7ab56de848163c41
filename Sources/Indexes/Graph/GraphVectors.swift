import Failures
import IndexFormat
import Kernels
import Vectors

/// Documents' own vectors, as a walk that codes lead compares them.
struct GraphVectors: Sendable {
  private let graph: StoredGraph
  private let rows: GraphRowVectors
  private let kernels: Kernels
  /// Whether no distance of the documents and a query overflows or vanishes.
  let isSafe: Bool

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment, _ graph: StoredGraph, _ kernels: Kernels) throws(Failure) {
    self.graph = graph
    self.kernels = kernels
    rows = try GraphRowVectors(segment, (Graph.vectors, Graph.scales), kernels)
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
      graph: graph.rows, isEuclidean: graph.space.similarity == .l2, query: query, square: square,
      rows: rows, kernels: kernels, scratch: rows.scratch)
  }

  /// Distances of a query and documents by their own vectors.
  struct Distances: GraphDistances {
    let graph: GraphRows
    let isEuclidean: Bool
    let query: UnsafePointer<Float>
    let square: Float
    let rows: GraphRowVectors
    let kernels: Kernels
    let scratch: AlignedBuffer?

    @inline(__always)
    func callAsFunction(_ vertex: Int) -> Float {
      let own = rows.row(vertex, scratch)
      if isEuclidean {
        var (place, distance) = (Int32(0), Float(0))
        kernels.squaredDistances(1, width: rows.width, query, own, at: &place, into: &distance)
        return graph.factor(vertex) * distance
      }
      let product = kernels.dot(
        UnsafeBufferPointer(start: query, count: rows.width),
        UnsafeBufferPointer(start: own, count: rows.width))
      return square + graph.square(vertex) - 2 * graph.factor(vertex) * product
    }

    @inline(__always)
    func fetch(_ vertex: Int) { rows.fetch(vertex) }
  }
}
