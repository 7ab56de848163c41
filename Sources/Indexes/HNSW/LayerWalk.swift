import Kernels
import Retrieval

/// Edges of one layer of a graph.
protocol LayerLinks {
  /// At least the number of a vertex's neighbours.
  func count(_ vertex: Int) -> Int
  /// One of them; the vertex itself where there are no more.
  func neighbour(_ vertex: Int, _ place: Int) -> Int
  /// Asks for the edges of a vertex.
  func fetch(_ vertex: Int)
}

/// What knows the distances of a walk's query and some vertices.
protocol LayerDistances {
  func callAsFunction(
    _ count: Int, at vertices: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Float>)
  /// Asks for what a distance is made of.
  func fetch(_ vertex: Int)
}

/// Scratch memory for walks that compute the distances of neighbours.
final class LayerRoom: WalkRoom {
  fileprivate let fresh: UnsafeMutablePointer<Int32>
  fileprivate let distances: UnsafeMutablePointer<Float>

  /// - Parameter degree: The most neighbours of a vertex.
  init(degree: Int) {
    fresh = .allocate(capacity: max(degree, 1))
    distances = .allocate(capacity: max(degree, 1))
    super.init()
  }

  deinit {
    fresh.deallocate()
    distances.deallocate()
  }
}

/// Walks through a layer of a graph towards a query (Malkov and Yashunin, "Efficient and Robust
/// Approximate Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs",
/// arXiv:1603.09320).
///
/// The walk goes always on to the nearest vertex that it has not been at, and ends where `width` vertices
/// are nearer than that. So its hops are the first ones of one sequence, which `width` does not change:
/// what a narrower walk compares, a wider one compares, too.
struct LayerWalk<Links: LayerLinks, Distances: LayerDistances> {
  let kernels: Kernels
  let links: Links
  let distances: Distances
  /// Vertices of the layer.
  let count: Int

  /// The vertex that is reached by hops to the nearest neighbour, while there is a nearer one.
  func nearest(from start: Int, _ room: LayerRoom) -> Int {
    var best = key(start, room)
    while true {
      let vertex = best.vertex
      var fresh = 0
      for place in 0..<links.count(vertex) {
        let neighbour = links.neighbour(vertex, place)
        if neighbour == vertex { break }
        guard room.isSound(neighbour, of: count) else { break }
        room.fresh[fresh] = Int32(truncatingIfNeeded: neighbour)
        fresh += 1
      }
      distances(fresh, at: room.fresh, into: room.distances)
      for i in 0..<fresh {
        best = min(best, GraphKey(distance: room.distances[i], vertex: Int(room.fresh[i])))
      }
      if best.vertex == vertex { return vertex }
    }
  }

  /// Walks through the layer.
  ///
  /// - Parameters:
  ///   - width: Vertices that are kept.
  ///   - start: Where the walk begins.
  ///   - entry: Where it goes on if that leads to fewer than `width`.
  ///   - room: Scratch memory.
  /// - Returns: The nearest vertices, nearest first, in memory of the room; their lowest bit is set.
  func callAsFunction(
    _ width: Int, from start: Int, else entry: Int, _ room: LayerRoom
  ) -> UnsafeMutableBufferPointer<GraphKey> {
    let (seen, walk) = room.begin(vertices: count, pool: width)
    let pool = room.pool
    var nearest = LeastKeys(pool, width: width)
    for first in [start, entry] where nearest.count < width && seen[first] != walk {
      seen[first] = walk
      room.fresh[0] = Int32(truncatingIfNeeded: first)
      var fresh = 1
      distances(fresh, at: room.fresh, into: room.distances)
      var next = nearest.count
      while true {
        nearest.first = next
        kernels.offer(fresh, room.distances, room.fresh, near: nil, to: &nearest)
        next = nearest.first
        if next == nearest.count { break }
        let vertex = pool[next].vertex
        pool[next] |= 1
        next += 1
        while next < nearest.count, pool[next] & 1 == 1 { next += 1 }
        if next < nearest.count { links.fetch(pool[next].vertex) }
        fresh = compare(vertex, seen, walk, room)
      }
    }
    return UnsafeMutableBufferPointer(start: pool, count: nearest.count)
  }

  /// Walks through the layer, and keeps those alone that may be found.
  ///
  /// - Parameters:
  ///   - width: Vertices that are kept, at least.
  ///   - start: Where the walk begins.
  ///   - entry: Where it goes on if that leads to fewer than `width`.
  ///   - room: Scratch memory.
  ///   - admission: Which vertices may be found.
  /// - Returns: The nearest vertices, in no order, in memory of the room.
  func callAsFunction(
    _ width: Int, from start: Int, else entry: Int, _ room: LayerRoom, _ admission: Admission
  ) -> UnsafeMutableBufferPointer<GraphKey> {
    let (seen, walk) = room.begin(vertices: count, pool: 1)
    var filtered = FilteredWalk(width, admission, of: count, room)
    for first in [start, entry] where filtered.lacks && seen[first] != walk {
      seen[first] = walk
      filtered.note(key(first, room))
      while let key = filtered.next() {
        _ = filtered.go(to: key.vertex)
        if let following = room.open.largest { links.fetch((~following).vertex) }
        let fresh = compare(key.vertex, seen, walk, room)
        for i in 0..<fresh {
          filtered.note(GraphKey(distance: room.distances[i], vertex: Int(room.fresh[i])))
        }
      }
    }
    for key in room.best.keys { room.visited.append(key) }
    return room.visited.keys
  }

  /// Computes the distances of a vertex's neighbours that no distance was computed of.
  ///
  /// - Returns: How many there are.
  @inline(__always)
  private func compare(
    _ vertex: Int, _ seen: UnsafeMutablePointer<UInt32>, _ walk: UInt32, _ room: LayerRoom
  ) -> Int {
    var fresh = 0
    for place in 0..<links.count(vertex) {
      let neighbour = links.neighbour(vertex, place)
      if neighbour == vertex { break }
      guard room.isSound(neighbour, of: count) else { break }
      if seen[neighbour] == walk { continue }
      seen[neighbour] = walk
      distances.fetch(neighbour)
      room.fresh[fresh] = Int32(truncatingIfNeeded: neighbour)
      fresh += 1
    }
    distances(fresh, at: room.fresh, into: room.distances)
    return fresh
  }

  private func key(_ vertex: Int, _ room: LayerRoom) -> GraphKey {
    room.fresh[0] = Int32(truncatingIfNeeded: vertex)
    distances(1, at: room.fresh, into: room.distances)
    return GraphKey(distance: room.distances[0], vertex: vertex)
  }
}
