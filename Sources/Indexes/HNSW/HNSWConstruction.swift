import Kernels
import Workers

/// Builds a graph in layers: the same whatever the threads.
///
/// Layers are built from the highest to the lowest one. Vertices are inserted in rounds: each walks through the
/// higher layers and then this one as it was before the round, and chooses neighbours among the nearest
/// vertices that it finds; then edges are added backwards, and each list that they reach is pruned, in the
/// order of distances and vertices (rounds after Dobson et al., ParlayANN, arXiv:2305.04359).
final class HNSWConstruction {
  private let memory: HNSWMemory
  private let width: Int
  private let kernels: Kernels
  private let pool: WorkerPool
  private let rooms: WorkerLocal<(walk: LayerRoom, pruning: GraphPruning.Room)>

  /// - Parameters:
  ///   - memory: With vectors; takes the lists.
  ///   - width: Vertices that walks keep.
  ///   - kernels: What computes.
  ///   - pool: Who works.
  init(_ memory: HNSWMemory, width: Int, _ kernels: Kernels, _ pool: WorkerPool) {
    self.memory = memory
    self.width = width
    self.kernels = kernels
    self.pool = pool
    let degree = HNSWMemory.degree(memory.degree, 0)
    rooms = WorkerLocal(pool) {
      (LayerRoom(degree: degree), GraphPruning.Room(degree: degree))
    }
  }

  /// Builds the graph; there is at least one vertex.
  func run() {
    for layer in memory.lists.indices.reversed() { build(layer) }
    repair()
  }

  /// The most vertices that are inserted in one round: vertices of a round do not see each other, so they
  /// are to be few beside those that are there.
  static func largestRound(_ count: Int, degree: Int) -> Int {
    min(count, max(2 * degree, count / 32))
  }

  private func build(_ layer: Int) {
    let (lists, count) = (memory.lists[layer], memory.layers.sizes[layer])
    let pruning = GraphPruning(
      degree: lists.degree, width: memory.width, vectors: memory.vectors,
      lifts: memory.lifts, relaxation: 1, filling: .nobody, kernels: kernels)
    let most = Self.largestRound(count, degree: lists.degree)
    var inserted = min(count, 2 * lists.degree)
    begin(inserted, lists, pruning)
    while inserted < count {
      let end = min(count, inserted + min(inserted, most))
      insert(inserted..<end, layer, pruning)
      inserted = end
    }
  }

  /// The first vertices: each is compared with all others.
  private func begin(_ count: Int, _ lists: GraphLists, _ pruning: GraphPruning) {
    let vertices = (0..<count).map { Int32($0) }
    forEach(vertices) { vertex, rooms in
      var distances = [Float](repeating: 0, count: count)
      self.distances(of: vertex)(count, at: vertices, into: &distances)
      rooms.pruning.candidates.removeAll(keepingCapacity: true)
      for other in 0..<count where other != vertex {
        rooms.pruning.candidates.append(GraphKey(distance: distances[other], vertex: other))
      }
      pruning.choose(for: vertex, rooms.pruning, into: lists[vertex])
    }
  }

  private func insert(_ range: Range<Int>, _ layer: Int, _ pruning: GraphPruning) {
    let lists = memory.lists[layer]
    let vertices = range.map { Int32($0) }
    forEach(vertices) { vertex, rooms in
      let above = start(for: vertex, above: layer, rooms.walk)
      let found = walk(lists, range.lowerBound, vertex)(
        width, from: above < range.lowerBound ? above : 0, else: 0, rooms.walk)
      rooms.pruning.candidates.removeAll(keepingCapacity: true)
      rooms.pruning.candidates += found.lazy.map { $0 & ~1 }
      pruning.choose(for: vertex, rooms.pruning, into: lists[vertex])
    }
    let offers = GraphOffers(
      from: vertices, lists, count: range.lowerBound, in: memory.offers)
    forEach(offers.reached) { vertex, rooms in
      offers.gather(for: vertex, lists, into: &rooms.pruning.candidates)
      pruning.choose(for: vertex, rooms.pruning, into: lists[vertex])
    }
  }

  /// Where a walk towards a vertex begins that comes from the layers above one.
  private func start(for vertex: Int, above layer: Int, _ room: LayerRoom) -> Int {
    var start = 0
    for upper in (layer + 1..<memory.lists.count).reversed() {
      let count = memory.layers.sizes[upper]
      start = walk(memory.lists[upper], count, vertex).nearest(from: start, room)
    }
    return start
  }

  private func walk(
    _ lists: GraphLists, _ count: Int, _ vertex: Int
  ) -> LayerWalk<GraphLists, BuiltDistances> {
    LayerWalk(kernels: kernels, links: lists, distances: distances(of: vertex), count: count)
  }

  private func distances(of vertex: Int) -> BuiltDistances {
    BuiltDistances(
      lift: memory.lifts?[vertex] ?? 0, lifts: memory.lifts,
      query: memory.vectors + vertex * memory.width, vectors: memory.vectors,
      width: memory.width,
      kernels: kernels)
  }

  /// Sees to it that every vertex of the lowest layer is reached from the first one.
  private func repair() {
    let (lists, count) = (memory.lists[0], memory.layers.sizes[0])
    let room = LayerRoom(degree: lists.degree)
    let repair = GraphRepair(
      lists: lists, count: count, entry: 0,
      distance: { [self] from, to in
        var (place, distance) = (Int32(to), Float(0))
        distances(of: from)(1, at: &place, into: &distance)
        return distance
      },
      walk: { [self] vertex in
        walk(lists, count, vertex)(GraphRepair.width, from: 0, else: 0, room).map { $0 & ~1 }
      }, changed: { _ in })
    repair.run()
  }

  /// Vertices that a worker takes at a time.
  private static let chunk = 32

  private func forEach(
    _ vertices: [Int32],
    _ body: (_ vertex: Int, _ rooms: (walk: LayerRoom, pruning: GraphPruning.Room)) -> Void
  ) {
    pool.forEachUnchecked((vertices.count + Self.chunk - 1) / Self.chunk) { chunk, worker in
      rooms.with(worker) { rooms in
        let start = chunk * Self.chunk
        for vertex in vertices[start..<min(start + Self.chunk, vertices.count)] {
          body(Int(vertex), rooms)
        }
      }
    }
  }
}
