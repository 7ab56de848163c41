import Kernels

/// Chooses a vertex's neighbours among candidates: near ones, but none that is nearer to a chosen one.
///
/// The rule of relative neighbourhood graphs, relaxed by a factor (Jayaram Subramanya et al., DiskANN,
/// NeurIPS 2019). Where a hop estimates whole blocks of neighbours anyway, places that it leaves are given
/// to some of those that it refused.
struct GraphPruning {
  /// Who gets the places that are left.
  enum Filling {
    case nobody
    /// The nearest of the refused candidates.
    case nearest
    /// Those in directions of their own (`GraphSpreading`).
    case spread
  }

  let degree: Int
  let width: Int
  /// Vectors without gaps.
  let vectors: UnsafePointer<Float>
  /// Squares of the vectors' lengths, where products are compared: −2 x · y in the place of ‖x − y‖².
  var lifts: UnsafeMutablePointer<Float>?
  /// The square of the factor by which a chosen neighbour must be nearer to a candidate than the vertex.
  let relaxation: Float
  var filling = Filling.nearest
  let kernels: Kernels

  /// Scratch memory of a worker.
  final class Room {
    var candidates: [GraphKey] = []
    fileprivate var refused: [GraphKey] = []
    fileprivate let chosen: UnsafeMutablePointer<Int32>
    fileprivate let distances: UnsafeMutablePointer<Float>
    private let degree: Int
    fileprivate private(set) lazy var spreading = GraphSpreading.Room(degree: degree)

    init(degree: Int) {
      self.degree = degree
      chosen = .allocate(capacity: degree)
      distances = .allocate(capacity: 4)
    }

    deinit {
      chosen.deallocate()
      distances.deallocate()
    }
  }

  /// Chooses neighbours among `room.candidates`, which may repeat and hold the vertex itself.
  ///
  /// - Parameters:
  ///   - vertex: Whose neighbours they are.
  ///   - room: The candidates with their distances; they are in order then.
  ///   - list: Takes the neighbours in their order.
  func choose(for vertex: Int, _ room: Room, into list: GraphLists.List) {
    room.candidates.sort()
    if room.candidates.count <= degree { return takeAll(for: vertex, room, into: list) }
    room.refused.removeAll(keepingCapacity: true)
    let remembered = remembered
    var count = 0
    var last: GraphKey = .max
    for key in room.candidates {
      if key == last || key.vertex == vertex { continue }
      last = key
      if isCovered(key, by: count, room) {
        if room.refused.count < remembered { room.refused.append(key) }
        continue
      }
      room.chosen[count] = Int32(truncatingIfNeeded: key.vertex)
      list.keys[count] = key
      count += 1
      if count == degree { break }
    }
    let filled = fill(for: vertex, count, room, list)
    var keys = UnsafeMutableBufferPointer(start: list.keys, count: filled)
    if filled > count { keys.sort() }
    list.count.pointee = Int32(truncatingIfNeeded: filled)
  }

  /// This rule with another way to give away the places that are left.
  func filling(by filling: Filling) -> GraphPruning {
    var other = self
    other.filling = filling
    return other
  }

  /// How many refused candidates may be taken yet.
  private var remembered: Int {
    switch filling {
    case .nobody: 0
    case .nearest: degree
    case .spread: max(degree, GraphSpreading.most)
    }
  }

  /// Puts refused candidates behind the chosen neighbours; returns how many neighbours there are then.
  private func fill(
    for vertex: Int, _ count: Int, _ room: Room, _ list: GraphLists.List
  ) -> Int {
    if filling == .spread, count < degree {
      let spreading = GraphSpreading(
        degree: degree, width: width, vectors: vectors, lifts: lifts, kernels: kernels)
      return spreading.fill(
        for: vertex, list.keys, count, room.chosen, room.refused, room.spreading)
    }
    let filled = min(degree, count + room.refused.count)
    for (place, key) in zip(count..<filled, room.refused) { list.keys[place] = key }
    return filled
  }

  private func takeAll(for vertex: Int, _ room: Room, into list: GraphLists.List) {
    var count = 0
    for key in room.candidates where key.vertex != vertex {
      if count > 0, list.keys[count - 1] == key { continue }
      list.keys[count] = key
      count += 1
    }
    list.count.pointee = Int32(truncatingIfNeeded: count)
  }

  /// Whether a chosen neighbour is nearer to a candidate than the vertex is.
  @inline(__always)
  private func isCovered(_ key: GraphKey, by count: Int, _ room: Room) -> Bool {
    let limit = key.distance
    let own = vectors + key.vertex * width
    for start in stride(from: 0, to: count, by: 4) {
      let part = min(4, count - start)
      kernels.squaredDistances(
        part, width: width, own, vectors, at: room.chosen + start, into: room.distances)
      if let lifts {
        for i in 0..<part {
          room.distances[i] -= lifts[key.vertex] + lifts[Int(room.chosen[start + i])]
        }
      }
      for i in 0..<part where room.distances[i] * relaxation <= limit { return true }
    }
    return false
  }
}

/// Lists of neighbours with their distances, in order, in memory that belongs to somebody else.
struct GraphLists {
  let degree: Int
  let keys: UnsafeMutablePointer<GraphKey>
  let counts: UnsafeMutablePointer<Int32>

  struct List {
    let keys: UnsafeMutablePointer<GraphKey>
    let count: UnsafeMutablePointer<Int32>
  }

  subscript(vertex: Int) -> List {
    List(keys: keys + vertex * degree, count: counts + vertex)
  }

  func neighbours(_ vertex: Int) -> UnsafeMutableBufferPointer<GraphKey> {
    UnsafeMutableBufferPointer(start: keys + vertex * degree, count: Int(counts[vertex]))
  }
}
