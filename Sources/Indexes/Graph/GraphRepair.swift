import Kernels

/// Sees to it that every vertex is reached from the entry.
///
/// What is not reached gets an edge from the nearest vertex that is, in the place of one which no way
/// needs: the ways are those of a tree that grows from the entry.
struct GraphRepair {
  private let memory: GraphMemory
  private let entry: Int
  private let kernels: Kernels
  private let layout: GraphLayout
  /// Vertices that are looked at for the nearest one.
  private static let width = 64

  init(_ memory: GraphMemory, _ entry: Int, _ kernels: Kernels, _ layout: GraphLayout) {
    self.memory = memory
    self.entry = entry
    self.kernels = kernels
    self.layout = layout
  }

  /// - Returns: Vertices whose lists were changed.
  func run() -> Set<Int32> {
    var parents = [Int32](repeating: -1, count: memory.count)
    parents[entry] = Int32(entry)
    spread(from: entry, &parents)
    var changed: Set<Int32> = []
    var room: GraphRoom?
    for vertex in 0..<memory.count where parents[vertex] < 0 {
      let own = room ?? GraphRoom(layout)
      room = own
      // A row that was changed has a code of the edge that is gone; the walk sees it as it was.
      let from = source(of: vertex, parents, own)
      replaceEdge(from, by: vertex, parents)
      memory.encode(from, kernels)
      changed.insert(Int32(from))
      parents[vertex] = Int32(from)
      spread(from: vertex, &parents)
    }
    return changed
  }

  /// Notes what is reached from a vertex that is.
  private func spread(from start: Int, _ parents: inout [Int32]) {
    var open = [Int32(start)]
    while let vertex = open.popLast() {
      for key in memory.lists.neighbours(Int(vertex)) where parents[key.vertex] < 0 {
        parents[key.vertex] = vertex
        open.append(Int32(key.vertex))
      }
    }
  }

  /// The nearest vertex that is reached, and has room for an edge.
  private func source(of vertex: Int, _ parents: [Int32], _ room: GraphRoom) -> Int {
    let own = memory.vectors + vertex * layout.width
    room.tables.fill(own)
    let walk = GraphWalk(rows: memory.rows, entry: entry, kernels: kernels)
    walk(
      Self.width,
      RowDistances(query: own, vectors: memory.vectors, width: layout.width, kernels: kernels),
      room)
    for key in room.visited.keys.sorted() where place(in: key.vertex, parents) != nil {
      return key.vertex
    }
    // A tree of n vertices has n - 1 edges, and each vertex has room for more than one.
    for other in 0..<memory.count where parents[other] >= 0 && place(in: other, parents) != nil {
      return other
    }
    preconditionFailure("a graph whose edges are all needed")
  }

  /// Where a vertex has room for an edge: behind its others, or that of the farthest which no way needs.
  private func place(in vertex: Int, _ parents: [Int32]) -> Int? {
    let list = memory.lists.neighbours(vertex)
    if list.count < layout.degree { return list.count }
    return list.indices.last { parents[list[$0].vertex] != Int32(vertex) }
  }

  private func replaceEdge(_ from: Int, by vertex: Int, _ parents: [Int32]) {
    guard let place = place(in: from, parents) else { return }
    var (target, distance) = (Int32(vertex), Float(0))
    kernels.squaredDistances(
      1, width: layout.width, memory.vectors + from * layout.width, memory.vectors, at: &target,
      into: &distance)
    let list = memory.lists[from]
    list.count.pointee = max(list.count.pointee, Int32(place + 1))
    list.keys[place] = GraphKey(distance: distance, vertex: vertex)
    var neighbours = memory.lists.neighbours(from)
    neighbours.sort()
  }
}
