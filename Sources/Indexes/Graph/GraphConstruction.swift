import Kernels
import Workers

/// Builds a graph of vectors: the same whatever the threads.
///
/// Vertices are inserted in a random order, in rounds that double the graph. Each walks through the graph
/// as it was before the round, and what it visits are the candidates of its neighbours; then edges are
/// added backwards, and each list that they reach is pruned, in the order of distances and ordinals
/// (after Dobson et al., "Scaling Graph-Based ANNS Algorithms to Billion-Size Datasets", ParlayANN,
/// arXiv:2305.04359). Passes over the whole graph follow, in which every vertex walks once more.
final class GraphConstruction {
  struct Settings: Sendable {
    /// Estimates that walks keep in the rounds, and in the passes that follow.
    var first: Int
    var width: Int
    var passes: Int
    var relaxation: Float
    var seed: UInt64
  }

  private let count: Int
  private let layout: GraphLayout
  private let settings: Settings
  private let memory: GraphMemory
  private let kernels: Kernels
  private let pool: WorkerPool
  private let pruning: GraphPruning
  /// That of the last pass.
  private let spreading: GraphPruning
  private let rooms: WorkerLocal<(walk: GraphRoom, pruning: GraphPruning.Room)>
  private(set) var entry = 0

  /// - Parameters:
  ///   - memory: With rotated vectors; takes the rows.
  ///   - settings: How carefully it is built.
  ///   - kernels: What computes.
  ///   - pool: Who works.
  init(_ memory: GraphMemory, _ settings: Settings, _ kernels: Kernels, _ pool: WorkerPool) {
    count = memory.count
    let layout = memory.layout
    self.layout = layout
    self.settings = settings
    self.memory = memory
    self.kernels = kernels
    self.pool = pool
    let pruning = GraphPruning(
      degree: layout.degree, width: layout.width, vectors: memory.vectors, lifts: memory.lifts,
      relaxation: settings.relaxation, kernels: kernels)
    self.pruning = pruning
    spreading = pruning.filling(by: .spread)
    rooms = WorkerLocal(pool) {
      (GraphRoom(layout), GraphPruning.Room(degree: layout.degree))
    }
  }

  /// Builds the graph; there is at least one vertex.
  func run() {
    let order = VertexOrder.random(count, seed: settings.seed)
    entry = Int(order[0])
    var inserted = min(count, 2 * layout.degree)
    begin(Array(order[..<inserted]))
    while inserted < count {
      let end = min(count, 2 * inserted)
      insert(Array(order[inserted..<end]), settings.first)
      inserted = end
    }
    entry = central()
    for pass in 0..<settings.passes where count > 2 * layout.degree {
      refine(pass + 1 < settings.passes ? pruning : spreading)
    }
    repair()
  }

  /// Sees to it that every vertex is reached.
  private func repair() {
    let room = GraphRoom(layout)
    let repair = GraphRepair(
      lists: memory.lists, count: count, entry: entry,
      distance: { [self] from, to in distances(of: from)(to) },
      walk: { [self] vertex in
        room.tables.fill(memory.vectors + vertex * layout.width, kernels)
        GraphWalk(rows: memory.rows, entry: entry, kernels: kernels)(
          GraphRepair.width, distances(of: vertex), room)
        return Array(room.visited.keys)
      },
      // The codes of a row are those of its edges, by which the next walk goes.
      changed: { [memory, kernels] in memory.encode($0, kernels) })
    repair.run()
  }

  /// The vertex that is nearest to the centre, where rotated vectors are zero.
  private func central() -> Int {
    var best: GraphKey = .max
    let zero = [Float](repeating: 0, count: layout.width)
    for vertex in 0..<count {
      var (place, distance) = (Int32(vertex), Float(0))
      kernels.squaredDistances(
        1, width: layout.width, zero, memory.vectors, at: &place, into: &distance)
      best = min(best, GraphKey(distance: distance, vertex: vertex))
    }
    return best.vertex
  }

  // MARK: Rounds

  /// The first vertices: each is compared with all others.
  private func begin(_ vertices: [Int32]) {
    forEach(vertices) { vertex, rooms in
      var distances = [Float](repeating: 0, count: vertices.count)
      let own = self.distances(of: vertex)
      for place in vertices.indices { distances[place] = own(Int(vertices[place])) }
      rooms.pruning.candidates.removeAll(keepingCapacity: true)
      for (other, distance) in zip(vertices, distances) where Int(other) != vertex {
        rooms.pruning.candidates.append(GraphKey(distance: distance, vertex: Int(other)))
      }
      pruning.choose(for: vertex, rooms.pruning, into: memory.lists[vertex])
    }
    forEach(vertices) { vertex, _ in encode(vertex) }
  }

  private func insert(_ vertices: [Int32], _ width: Int) {
    forEach(vertices) { vertex, rooms in
      walk(from: vertex, width, rooms)
      pruning.choose(for: vertex, rooms.pruning, into: memory.lists[vertex])
    }
    let reached = addBackwards(from: vertices, memory.lists, pruning)
    forEach(vertices + reached) { vertex, _ in encode(vertex) }
  }

  /// Every vertex walks, and chooses among what it visits and what it has.
  private func refine(_ pruning: GraphPruning) {
    let all = (0..<count).map { Int32($0) }
    forEach(all) { vertex, rooms in
      walk(from: vertex, settings.width, rooms)
      rooms.pruning.candidates += memory.lists.neighbours(vertex)
      pruning.choose(for: vertex, rooms.pruning, into: memory.newLists[vertex])
    }
    memory.exchangeLists()
    _ = addBackwards(from: all, memory.lists, pruning)
    forEach(all) { vertex, _ in encode(vertex) }
  }

  /// Leaves what a vertex visits on its way to itself in the room of the pruning.
  private func walk(
    from vertex: Int, _ width: Int, _ rooms: (walk: GraphRoom, pruning: GraphPruning.Room)
  ) {
    rooms.walk.tables.fill(memory.vectors + vertex * layout.width, kernels)
    let walk = GraphWalk(rows: memory.rows, entry: entry, kernels: kernels)
    walk(width, distances(of: vertex), rooms.walk)
    rooms.pruning.candidates.removeAll(keepingCapacity: true)
    rooms.pruning.candidates += rooms.walk.visited.keys
  }

  /// Offers every vertex to those that it chose; returns whom it was offered to.
  private func addBackwards(
    from vertices: [Int32], _ lists: GraphLists, _ pruning: GraphPruning
  ) -> [Int32] {
    let offers = GraphOffers(from: vertices, lists, count: count, in: memory.offers)
    forEach(offers.reached) { vertex, rooms in
      offers.gather(for: vertex, lists, into: &rooms.pruning.candidates)
      pruning.choose(for: vertex, rooms.pruning, into: lists[vertex])
    }
    return offers.reached
  }

  private func distances(of vertex: Int) -> RowDistances {
    RowDistances(
      query: memory.vectors + vertex * layout.width, lift: memory.lifts?[vertex] ?? 0,
      vectors: memory.vectors, lifts: memory.lifts, width: layout.width, kernels: kernels)
  }

  // MARK: Rows

  /// Writes the row of a vertex from its list.
  private func encode(_ vertex: Int) {
    memory.encode(vertex, kernels)
  }

  /// Vertices that a worker takes at a time.
  private static let chunk = 32

  private func forEach(
    _ vertices: [Int32],
    _ body: (_ vertex: Int, _ rooms: (walk: GraphRoom, pruning: GraphPruning.Room)) -> Void
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

/// Distances of rotated vectors: squares, or what has the order of products.
struct RowDistances: GraphDistances {
  let query: UnsafePointer<Float>
  /// What is taken off for the query.
  let lift: Float
  let vectors: UnsafePointer<Float>
  /// What is taken off for each vertex, where products are compared.
  let lifts: UnsafeMutablePointer<Float>?
  let width: Int
  let kernels: Kernels

  @inline(__always)
  func callAsFunction(_ vertex: Int) -> Float {
    var (place, distance) = (Int32(truncatingIfNeeded: vertex), Float(0))
    kernels.squaredDistances(1, width: width, query, vectors, at: &place, into: &distance)
    // The same number from either end, or a list would hold an edge and its offer backwards as two.
    return lifts.map { distance - ($0[vertex] + lift) } ?? distance
  }

  @inline(__always)
  func fetch(_ vertex: Int) {
    Kernels.prefetch(vectors + vertex * width, width * MemoryLayout<Float>.stride)
  }
}
