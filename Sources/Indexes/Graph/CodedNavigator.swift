import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors

/// A walk that codes of neighbours lead, one exact distance a hop.
struct CodedNavigator: GraphNavigator {
  private let graph: StoredGraph
  private let vectors: GraphVectors
  private let dimension: Int
  private let kernels: Kernels

  static let price = 3.0

  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ graph: StoredGraph, dimension: Int, _ work: IndexWork
  ) throws(Failure) {
    self.graph = graph
    self.dimension = dimension
    vectors = try GraphVectors(segment, graph, work.kernels)
    kernels = work.kernels
  }

  func makeRoom() -> GraphRoom { GraphRoom(graph.rows.layout) }

  func nearest(
    _ values: ArraySlice<Float>, _ width: Int, _ k: Int, _ admission: Admission, _ room: GraphRoom
  ) -> [Int]? {
    guard vectors.isSafe, let query = GraphQuery(values, graph.space) else { return nil }
    walk(query, width, k, admission, room)
    let unit = Float(dimension + 8) * 0x1p-22
    let sizes = query.square + graph.space.longest * graph.space.longest
    let isEuclidean = graph.space.similarity == .l2
    return NearestKeys.vertices(k, of: room.visited.keys) { last in
      unit * (isEuclidean ? last : sizes)
    }
  }

  private func walk(
    _ query: GraphQuery, _ width: Int, _ k: Int, _ admission: Admission, _ room: GraphRoom
  ) {
    query.rotated.withUnsafeBufferPointer {
      room.tables.fill($0.baseAddress.unsafelyUnwrapped, kernels)
    }
    let walk = GraphWalk(rows: graph.rows, entry: graph.entry, kernels: kernels)
    query.values.withUnsafeBufferPointer { values in
      let distances = vectors.distances(values.baseAddress.unsafelyUnwrapped, query.square)
      if admission.isOpen {
        walk(width, distances, room)
      } else {
        walk(width, atLeast: 0, distances, room, admission)
      }
      // A document may have been estimated several times, and others are not in sight then.
      if room.visited.count >= k { return }
      walk(width, atLeast: k, distances, room, admission)
    }
  }
}
