/// Edges backwards: vertices that are offered to those that they chose as neighbours.
struct GraphOffers {
  /// Whom something is offered to, ascending.
  let reached: [Int32]
  private let starts: [Int]
  private let offers: UnsafeMutablePointer<GraphKey>

  /// - Parameters:
  ///   - vertices: Those that are offered.
  ///   - lists: Whom they chose.
  ///   - count: Vertices of the graph.
  ///   - room: Makes room for some keys, of which there are as many as chosen neighbours.
  init(
    from vertices: [Int32], _ lists: GraphLists, count: Int,
    in room: (_ number: Int) -> UnsafeMutablePointer<GraphKey>
  ) {
    var starts = [Int](repeating: 0, count: count + 1)
    for vertex in vertices {
      for key in lists.neighbours(Int(vertex)) { starts[key.vertex + 1] += 1 }
    }
    for vertex in 0..<count { starts[vertex + 1] += starts[vertex] }
    var ends = starts
    let offers = room(starts[count])
    for vertex in vertices {
      for key in lists.neighbours(Int(vertex)) {
        offers[ends[key.vertex]] = GraphKey(distance: key.distance, vertex: Int(vertex))
        ends[key.vertex] += 1
      }
    }
    reached = (0..<count).filter { starts[$0] < starts[$0 + 1] }.map { Int32($0) }
    self.starts = starts
    self.offers = offers
  }

  /// Makes the neighbours of a vertex, and what is offered to it, the candidates for its list.
  func gather(for vertex: Int, _ lists: GraphLists, into candidates: inout [GraphKey]) {
    candidates.removeAll(keepingCapacity: true)
    candidates += lists.neighbours(vertex)
    candidates += UnsafeMutableBufferPointer(
      start: offers + starts[vertex], count: starts[vertex + 1] - starts[vertex])
  }
}
