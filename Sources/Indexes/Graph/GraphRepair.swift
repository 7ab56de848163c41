/// Sees to it that every vertex is reached from the entry.
///
/// What is not reached gets an edge from the nearest vertex that is, in the place of one which no way
/// needs: the ways are those of a tree that grows from the entry.
struct GraphRepair {
  let lists: GraphLists
  let count: Int
  let entry: Int
  /// The distance of two vertices.
  let distance: (_ from: Int, _ to: Int) -> Float
  /// What a walk from the entry to a vertex visits, with distances of it.
  let walk: (_ vertex: Int) -> [GraphKey]
  /// Is told of every list that changes.
  let changed: (_ vertex: Int) -> Void

  /// Estimates that such a walk keeps.
  static let width = 64

  /// Adds the edges that are missing.
  func run() {
    var parents = [Int32](repeating: -1, count: count)
    parents[entry] = Int32(entry)
    spread(from: entry, &parents)
    for vertex in 0..<count where parents[vertex] < 0 {
      let from = source(of: vertex, parents)
      replaceEdge(from, by: vertex, parents)
      changed(from)
      parents[vertex] = Int32(from)
      spread(from: vertex, &parents)
    }
  }

  /// Notes what is reached from a vertex that is.
  private func spread(from start: Int, _ parents: inout [Int32]) {
    var open = [Int32(start)]
    while let vertex = open.popLast() {
      for key in lists.neighbours(Int(vertex)) where parents[key.vertex] < 0 {
        parents[key.vertex] = vertex
        open.append(Int32(key.vertex))
      }
    }
  }

  /// The nearest vertex that is reached, and has room for an edge.
  private func source(of vertex: Int, _ parents: [Int32]) -> Int {
    for key in walk(vertex).sorted()
    where parents[key.vertex] >= 0 && place(in: key.vertex, parents) != nil {
      return key.vertex
    }
    // A tree of n vertices has n - 1 edges, and each vertex has room for more than one.
    for other in 0..<count where parents[other] >= 0 && place(in: other, parents) != nil {
      return other
    }
    preconditionFailure("a graph whose edges are all needed")
  }

  /// Where a vertex has room for an edge: behind its others, or that of the farthest which no way needs.
  private func place(in vertex: Int, _ parents: [Int32]) -> Int? {
    let list = lists.neighbours(vertex)
    if list.count < lists.degree { return list.count }
    return list.indices.last { parents[list[$0].vertex] != Int32(vertex) }
  }

  private func replaceEdge(_ from: Int, by vertex: Int, _ parents: [Int32]) {
    guard let place = place(in: from, parents) else { return }
    let list = lists[from]
    list.count.pointee = max(list.count.pointee, Int32(place + 1))
    list.keys[place] = GraphKey(distance: distance(from, vertex), vertex: vertex)
    var neighbours = lists.neighbours(from)
    neighbours.sort()
  }
}
