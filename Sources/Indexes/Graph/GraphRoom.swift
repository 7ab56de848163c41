import Kernels

/// Scratch memory of a worker that walks through a graph.
final class GraphRoom {
  /// The walk that last saw a vertex.
  private var seen: UnsafeMutablePointer<UInt32>?
  private var vertices = 0
  private var walk: UInt32 = 0
  var tables: GraphTables
  let estimates: UnsafeMutablePointer<Float>
  /// Bits of the estimates that are no farther than a limit, a number a block.
  let near: UnsafeMutablePointer<UInt32>
  /// The nearest so far, by estimates, ascending.
  private(set) var pool: UnsafeMutablePointer<GraphKey>
  private var poolCapacity = 0
  /// Vertices that were visited, with their distances.
  var visited = GraphKeys()
  /// For walks without a bound on what is remembered.
  var open = KeyHeap()
  var best = KeyHeap()

  init(_ layout: GraphLayout) {
    tables = GraphTables(width: layout.width)
    estimates = .allocate(capacity: layout.degree)
    near = .allocate(capacity: layout.blocks)
    pool = .allocate(capacity: 1)
  }

  deinit {
    tables.deallocate()
    estimates.deallocate()
    near.deallocate()
    pool.deallocate()
    visited.deallocate()
    seen?.deallocate()
  }

  /// Forgets what was seen.
  ///
  /// - Parameters:
  ///   - vertices: Those of the graph.
  ///   - room: How many the pool is to hold.
  /// - Returns: The walk that last saw each vertex, and the number of the new one.
  func begin(
    vertices: Int, pool room: Int
  ) -> (seen: UnsafeMutablePointer<UInt32>, walk: UInt32) {
    if room > poolCapacity {
      pool.deallocate()
      pool = .allocate(capacity: room)
      poolCapacity = room
    }
    visited.removeAll()
    if let seen, self.vertices >= vertices, walk < .max {
      walk += 1
      return (seen, walk)
    }
    let fresh = self.vertices >= vertices ? seen : nil
    if fresh == nil { seen?.deallocate() }
    let seen = fresh ?? .allocate(capacity: vertices)
    seen.initialize(repeating: 0, count: vertices)
    self.seen = seen
    self.vertices = max(vertices, self.vertices)
    walk = 1
    return (seen, walk)
  }
}
