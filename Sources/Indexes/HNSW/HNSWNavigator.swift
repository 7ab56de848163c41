import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// A walk from layer to layer of a graph, and through the lowest one.
struct HNSWNavigator: GraphNavigator {
  private let graph: StoredHNSW
  private let vectors: HNSWVectors
  private let kernels: Kernels

  /// A hop compares many neighbours.
  static let price = 12.0

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment, _ graph: StoredHNSW, _ kernels: Kernels) throws(Failure) {
    self.graph = graph
    self.kernels = kernels
    vectors = try HNSWVectors(segment, kernels)
  }

  func makeRoom() -> LayerRoom { LayerRoom(degree: graph.lowest.degree) }

  func nearest(
    _ values: ArraySlice<Float>, _ width: Int, _ k: Int, _ admission: Admission, _ room: LayerRoom
  ) -> [Int]? {
    guard let rounding = vectors.rounding(values) else { return nil }
    return values.withUnsafeBufferPointer { values in
      let distances = vectors.distances(values)
      let start = start(distances, room)
      let walk = LayerWalk(
        kernels: kernels, links: graph.lowest, distances: distances, count: graph.sizes[0])
      let found =
        admission.isOpen
        ? walk(width, from: start, else: graph.entry, room)
        : walk(width, from: start, else: graph.entry, room, admission)
      return NearestKeys.vertices(k, of: found) { rounding($0) }
    }
  }

  /// The document at which the walk through the lowest layer begins.
  private func start(_ distances: HNSWVectors.Distances, _ room: LayerRoom) -> Int {
    if graph.upper.isEmpty { return graph.entry }
    let placed = PlacedDistances(distances: distances, documents: graph.documents)
    var start = 0
    for (links, count) in zip(graph.upper, graph.sizes.dropFirst()).reversed() {
      start = LayerWalk(kernels: kernels, links: links, distances: placed, count: count).nearest(
        from: start, room)
    }
    return Int(graph.documents[start])
  }
}

/// Distances of documents by their places above the lowest layer.
private struct PlacedDistances: LayerDistances {
  let distances: HNSWVectors.Distances
  let documents: UnsafePointer<Int32>

  func callAsFunction(
    _ count: Int, at vertices: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { places in
      for i in 0..<count { places[i] = documents[Int(vertices[i])] }
      if let base = places.baseAddress { distances(count, at: base, into: out) }
    }
  }

  func fetch(_ vertex: Int) { distances.fetch(Int(documents[vertex])) }
}
