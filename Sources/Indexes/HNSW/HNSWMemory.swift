import Failures
import Kernels
import Streams

/// What a graph in layers is built in: vectors and lists, of which as much is in memory as it may take,
/// and the rest in a file that is gone with the process.
///
/// Vertices are places of the order of `HNSWLayers`.
final class HNSWMemory {
  let layers: HNSWLayers
  /// Neighbours of a vertex above the lowest layer; in it there are twice as many.
  let degree: Int
  /// Numbers of a vector, a multiple of 16.
  let width: Int
  /// Vectors without the centre, [count, width]; what they do not fill is zero.
  let vectors: UnsafeMutablePointer<Float>
  /// What is taken off squared distances of a vertex, the square of its length, where products are compared.
  let lifts: UnsafeMutablePointer<Float>?
  /// The neighbours in each layer, the lowest first.
  let lists: [GraphLists]
  private let offered: UnsafeMutablePointer<GraphKey>
  private let spaces: [ScratchMemory]

  /// - Parameters:
  ///   - layers: Those of the graph.
  ///   - degree: Neighbours of a vertex above the lowest layer.
  ///   - dimension: Numbers of a vector.
  ///   - hasLifts: Whether products are compared.
  ///   - limit: Bytes that may be in memory at once.
  ///   - make: Makes room for some bytes, in memory or in a file; all of them are zero.
  /// - Throws: 73 and 74 where a file cannot be made.
  init(
    _ layers: HNSWLayers, degree: Int, dimension: Int, hasLifts: Bool, limit: Int,
    _ make: (_ bytes: Int, _ inMemory: Bool) throws(Failure) -> ScratchMemory
  ) throws(Failure) {
    self.layers = layers
    self.degree = degree
    width = (dimension + 15) / 16 * 16
    var left = limit
    var spaces: [ScratchMemory] = []
    func take<T>(_ type: T.Type, _ number: Int) throws(Failure) -> UnsafeMutablePointer<T> {
      let bytes = max(64, number * MemoryLayout<T>.stride)
      let space = try make(bytes, bytes <= left)
      if bytes <= left { left -= bytes }
      spaces.append(space)
      return space.base.bindMemory(to: type, capacity: max(1, number))
    }
    var lists: [GraphLists] = []
    for (layer, size) in layers.sizes.enumerated() {
      let degree = Self.degree(degree, layer)
      lists.append(
        GraphLists(
          degree: degree, keys: try take(GraphKey.self, size * degree),
          counts: try take(Int32.self, size)))
    }
    self.lists = lists
    vectors = try take(Float.self, layers.order.count * width)
    lifts = hasLifts ? try take(Float.self, layers.order.count) : nil
    offered = try take(
      GraphKey.self,
      layers.sizes.enumerated().reduce(0) { most, layer in
        let degree = Self.degree(degree, layer.offset)
        return max(most, HNSWConstruction.largestRound(layer.element, degree: degree) * degree)
      })
    self.spaces = spaces
  }

  /// The most neighbours of a vertex of a layer.
  static func degree(_ degree: Int, _ layer: Int) -> Int { layer == 0 ? 2 * degree : degree }

  /// Room for the edges backwards of a round.
  func offers(_ number: Int) -> UnsafeMutablePointer<GraphKey> { offered }
}

extension GraphLists: LayerLinks {
  func count(_ vertex: Int) -> Int { Int(counts[vertex]) }

  @inline(__always)
  func neighbour(_ vertex: Int, _ place: Int) -> Int { keys[vertex * degree + place].vertex }

  @inline(__always)
  func fetch(_ vertex: Int) {
    Kernels.prefetch(keys + vertex * degree, degree * MemoryLayout<GraphKey>.stride)
  }
}

/// Distances of a vector and those that a graph is built of: squares, or what has the order of products.
struct BuiltDistances: LayerDistances {
  /// What is taken off for the vector and for each other, where products are compared.
  let lift: Float
  let lifts: UnsafeMutablePointer<Float>?
  let query: UnsafePointer<Float>
  let vectors: UnsafePointer<Float>
  let width: Int
  let kernels: Kernels

  @inline(__always)
  func callAsFunction(
    _ count: Int, at vertices: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Float>
  ) {
    kernels.squaredDistances(count, width: width, query, vectors, at: vertices, into: out)
    guard let lifts else { return }
    for i in 0..<count { out[i] -= lift + lifts[Int(vertices[i])] }
  }

  @inline(__always)
  func fetch(_ vertex: Int) { Kernels.prefetch(vectors + vertex * width, 128) }
}
