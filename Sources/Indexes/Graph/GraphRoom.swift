import Kernels

/// Scratch memory of a worker that walks through a graph.
class WalkRoom {
  /// The walk that last saw a vertex.
  private final var seen: UnsafeMutablePointer<UInt32>?
  private final var vertices = 0
  private final var walk: UInt32 = 0
  /// The nearest so far, ascending.
  private(set) final var pool: UnsafeMutablePointer<GraphKey>
  private final var poolCapacity = 0
  /// Vertices that were visited, with their distances.
  final var visited = GraphKeys()
  /// For walks without a bound on what is remembered: what they may go to, and of what may be found the
  /// nearest and the others.
  ///
  /// The keys of `open` and `beyond` are turned, so that the least come first.
  final var open = KeyHeap()
  final var best = KeyHeap()
  final var beyond = KeyHeap()
  /// Those of them that may be found and count so far.
  final var known = KeyHeap()
  /// What is farther than those, in no order.
  final var later: [GraphKey] = []
  /// Whether a walk met a neighbour that is no vertex: the file is damaged.
  final var isDamaged = false

  init() { pool = .allocate(capacity: 1) }

  deinit {
    pool.deallocate()
    visited.deallocate()
    seen?.deallocate()
  }

  /// Whether a neighbour is one of the vertices; takes note of one that is not.
  @inline(__always)
  final func isSound(_ neighbour: Int, of vertices: Int) -> Bool {
    if UInt(bitPattern: neighbour) < UInt(vertices) { return true }
    isDamaged = true
    return false
  }

  /// Whether all neighbours of a row are vertices; takes note where one is not.
  @inline(__always)
  final func isSound(_ rows: GraphRows, _ vertex: Int) -> Bool {
    let neighbours = rows.neighbours(vertex)
    var largest: UInt32 = 0
    for place in 0..<rows.layout.degree {
      largest = max(largest, UInt32(bitPattern: neighbours[place]))
    }
    return isSound(Int(largest), of: rows.count)
  }

  /// Forgets what was seen.
  ///
  /// - Parameters:
  ///   - vertices: Those of the graph.
  ///   - room: How many the pool is to hold.
  /// - Returns: The walk that last saw each vertex, and the number of the new one.
  final func begin(
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

/// Scratch memory for walks that estimate distances by codes.
final class GraphRoom: WalkRoom {
  var tables: GraphTables
  let estimates: UnsafeMutablePointer<Float>
  /// Bits of the estimates that are no farther than a limit, a number a block.
  let near: UnsafeMutablePointer<UInt32>

  init(_ layout: GraphLayout) {
    tables = GraphTables(width: layout.width)
    estimates = .allocate(capacity: layout.degree)
    near = .allocate(capacity: layout.blocks)
    super.init()
  }

  deinit {
    tables.deallocate()
    estimates.deallocate()
    near.deallocate()
  }
}
