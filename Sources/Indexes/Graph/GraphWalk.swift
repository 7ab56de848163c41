import Kernels
import Retrieval

/// What knows the distance of a walk's query and a vertex.
protocol GraphDistances {
  /// The squared distance, or what stands for it in the graph's space.
  func callAsFunction(_ vertex: Int) -> Float
  /// Asks for what the distance is made of.
  func fetch(_ vertex: Int)
}

/// A walk from the entry of a graph towards a query: always on to the vertex that seems nearest.
///
/// One exact distance is computed a hop, that of the vertex itself, and estimates of those of its
/// neighbours come from its row (SymphonyQG, arXiv:2411.12229). A vertex may be estimated several times,
/// once from each that it is a neighbour of.
///
/// The walk ends where `width` estimates are smaller than that of the next vertex. So its hops are the
/// first ones of one sequence, which `width` does not change: what a narrower walk visits, a wider one
/// visits, too.
struct GraphWalk {
  let rows: GraphRows
  let entry: Int
  let kernels: Kernels

  /// Widest walk whose estimates are kept in order.
  static let widest = 1024

  /// Walks, and leaves the vertices that it visits, with their distances, in `room.visited`.
  ///
  /// - Parameters:
  ///   - width: Estimates that are kept.
  ///   - distances: Those of the query, whose tables are in the room.
  ///   - room: Scratch memory.
  func callAsFunction(_ width: Int, _ distances: some GraphDistances, _ room: GraphRoom) {
    if width > Self.widest { return self(width, atLeast: 0, distances, room, nil) }
    let (seen, walk) = room.begin(vertices: rows.count, pool: width)
    let pool = room.pool
    var visited = room.visited
    defer { room.visited = visited }
    var nearest = LeastKeys(pool, width: width, marks: seen, mark: walk)
    pool[0] = GraphKey(distance: distances(entry), vertex: entry)
    nearest.count = 1
    var next = 0
    while next < nearest.count {
      let vertex = pool[next].vertex
      pool[next] |= 1
      next += 1
      while next < nearest.count, pool[next] & 1 == 1 { next += 1 }
      if seen[vertex] == walk { continue }
      seen[vertex] = walk
      // It may come next, while this one is looked at.
      if next < nearest.count { fetch(pool[next].vertex, distances) }
      let distance = distances(vertex)
      visited.append(GraphKey(distance: distance, vertex: vertex))
      guard room.isSound(rows, vertex) else { continue }
      let limit = nearest.count < width ? .infinity : pool[width - 1].distance
      estimate(vertex, distance, limit: limit, room)
      nearest.first = next
      kernels.offer(
        rows.layout.degree, room.estimates, rows.neighbours(vertex), near: room.near, to: &nearest)
      if nearest.first < next {
        next = nearest.first
        fetch(pool[next].vertex, distances)
      }
    }
  }

  /// Walks without forgetting any estimate, and counts those alone that may be found.
  ///
  /// - Parameters:
  ///   - width: Estimates of vertices that may be found, which end the walk, at least.
  ///   - least: How many that may be found are visited at least, where there are so many.
  ///   - distances: Those of the query, whose tables are in the room.
  ///   - room: Scratch memory; vertices that may not be found are not left there.
  ///   - admission: Which vertices may be found; nil for all.
  func callAsFunction(
    _ width: Int, atLeast least: Int, _ distances: some GraphDistances, _ room: GraphRoom,
    _ admission: Admission?
  ) {
    let (seen, walk) = room.begin(vertices: rows.count, pool: 1)
    let estimates = room.estimates
    var filtered = FilteredWalk(width, admission, of: rows.count, room, keepsAll: least > 0)
    filtered.note(GraphKey(distance: distances(entry), vertex: entry))
    while let key = filtered.next(goesOn: room.visited.count < least) {
      let vertex = key.vertex
      if seen[vertex] == walk { continue }
      seen[vertex] = walk
      if let following = room.open.largest { fetch((~following).vertex, distances) }
      let distance = distances(vertex)
      if filtered.go(to: vertex) {
        room.visited.append(GraphKey(distance: distance, vertex: vertex))
      }
      guard room.isSound(rows, vertex) else { continue }
      let limit = filtered.limit
      estimate(vertex, distance, limit: limit == .max ? .infinity : limit.distance, room)
      let neighbours = rows.neighbours(vertex)
      for block in 0..<rows.layout.blocks {
        var near = room.near[block]
        while near != 0 {
          let i = block * NeighbourCodes.block + near.trailingZeroBitCount
          near &= near - 1
          let key = GraphKey(distance: estimates[i], vertex: Int(neighbours[i]))
          if seen[key.vertex] != walk { filtered.note(key) }
        }
      }
    }
  }

  @inline(__always)
  private func estimate(
    _ vertex: Int, _ distance: Float, limit: Float, _ room: GraphRoom
  ) {
    // The tables are a value of the room, which nobody changes during a walk.
    kernels.estimate(
      blocks: rows.layout.blocks, width: rows.layout.width, rows: rows.codes(vertex),
      tables: room.tables.tables, step: room.tables.step, base: room.tables.base,
      distance: distance, limit: limit, into: room.estimates, near: room.near)
  }

  @inline(__always)
  private func fetch(_ vertex: Int, _ distances: some GraphDistances) {
    // In the order in which a hop reads it.
    distances.fetch(vertex)
    Kernels.prefetch(rows.row(vertex), rows.layout.size)
  }
}
