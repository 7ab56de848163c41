import Retrieval

/// When a walk through a graph ends that may find some vertices only.
///
/// A walk without a filter ends where `width` vertices are nearer than the one that it would go to next.
/// Here only those count that may be found. Where they are rarer among those that the walk was at than
/// among all, the query lies away from them: many are about equally far, few edges lead from one to the
/// other, and more of them have to be nearer than what is next.
///
/// The order in which a walk goes on does not depend on `width`, nor does what is remembered: so a wider
/// walk goes on where a narrower one ends, and compares all that it compares.
struct FilteredWalk {
  /// What is wanted where none is rarer.
  private let width: Int
  /// Which vertices may be found; nil for all.
  private let admission: Admission?
  /// Part of all vertices that may be found.
  private let share: Double
  private let room: WalkRoom
  /// Whether all that is noted is remembered.
  private let keepsAll: Bool
  /// By how much more may be wanted at most: no more where nearly all may be found.
  private let most: Int
  /// By how much more is remembered in order; what is farther waits in `room.later`.
  private var reach: Int
  /// Vertices that the walk was at, and those among them that may be found.
  private var hops = 0
  private var found = 0

  /// The part of all that is nearly all.
  private static let nearlyAll = 0.9
  private static let (firstReach, lastReach) = (2, 8)

  /// - Parameters:
  ///   - width: How many that may be found are to be nearer than what is next, at least.
  ///   - admission: Which may be found; nil for all.
  ///   - count: Vertices of the graph.
  ///   - room: Scratch memory of the walk, which is emptied.
  ///   - keepsAll: Whether the walk may go on behind its end, to all that it noted.
  init(
    _ width: Int, _ admission: Admission?, of count: Int, _ room: WalkRoom, keepsAll: Bool = false
  ) {
    self.width = width
    self.admission = admission
    self.keepsAll = keepsAll
    share = admission.map { Double($0.most) / Double(max(count, 1)) } ?? 1
    most = share < Self.nearlyAll ? Self.lastReach : 1
    reach = min(most, Self.firstReach)
    self.room = room
    room.open.removeAll()
    room.best.removeAll()
    room.beyond.removeAll()
    room.known.removeAll()
    room.later.removeAll(keepingCapacity: true)
  }

  /// Whether fewer than `width` that may be found are known.
  var lacks: Bool { room.best.keys.count < width }

  /// What is farther is never gone to; where more may be wanted yet, nothing is.
  var limit: GraphKey { most == 1 && !keepsAll ? bound : .max }

  /// The farthest of those that `reach` asks for, once so many that may be found are known.
  private var bound: GraphKey {
    if most == 1 { return lacks ? .max : room.best.largest ?? .max }
    return room.known.keys.count < reach * width ? .max : room.known.largest ?? .max
  }

  /// Takes note of a vertex that the walk may go to.
  ///
  /// - Parameter key: Its distance, or an estimate.
  func note(_ key: GraphKey) {
    if !keepsAll, key >= bound {
      if reach < most { room.later.append(key) }
      return
    }
    room.open.insert(~key)
    if admission?.admits(key.vertex) == false { return }
    if most > 1, !keepsAll { know(key) }
    if lacks {
      room.best.insert(key)
    } else if let largest = room.best.largest, key < largest {
      room.best.replaceLargest(with: key)
      if most > 1 { room.beyond.insert(~largest) }
    } else if most > 1 {
      room.beyond.insert(~key)
    }
  }

  private func know(_ key: GraphKey) {
    if room.known.keys.count < reach * width {
      room.known.insert(key)
    } else if let largest = room.known.largest, key < largest {
      room.known.replaceLargest(with: key)
    }
  }

  /// Remembers more in order, as more is wanted.
  private mutating func reachFarther() {
    reach = min(2 * reach, most)
    room.known.removeAll()
    for key in room.best.keys { know(key) }
    for key in room.beyond.keys { know(~key) }
    let later = room.later
    room.later.removeAll()
    for key in later { note(key) }
  }

  /// The vertex that the walk goes to next.
  ///
  /// - Parameter goesOn: Whether it goes on behind its end.
  /// - Returns: The nearest that it was not at; nil where so many are nearer that it ends.
  mutating func next(goesOn: Bool = false) -> GraphKey? {
    while !room.open.keys.isEmpty {
      let key = ~room.open.removeLargest()
      if goesOn { return key }
      let rarity = max(1, share * Double(hops) / Double(max(found, 1)))
      let wanted = Int(Double(width) * min(rarity * rarity, Double(most)))
      let count = keepsAll ? wanted : min(wanted, reach * width)
      while room.best.keys.count > count { room.beyond.insert(~room.best.removeLargest()) }
      while room.best.keys.count < count, !room.beyond.keys.isEmpty {
        room.best.insert(~room.beyond.removeLargest())
      }
      guard room.best.keys.count == count, let largest = room.best.largest, largest < key else {
        return key
      }
      if count == wanted { return nil }
      // What waits may be nearer than this one.
      room.open.insert(~key)
      reachFarther()
    }
    return nil
  }

  /// Takes note of a vertex that the walk is at.
  ///
  /// - Parameter vertex: It was not there before.
  /// - Returns: Whether it may be found.
  mutating func go(to vertex: Int) -> Bool {
    hops += 1
    let admits = admission?.admits(vertex) ?? true
    if admits { found += 1 }
    return admits
  }
}
