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
  /// Vertices that the walk was at, and those among them that may be found.
  private var hops = 0
  private var found = 0

  /// By how much more may be wanted at most.
  private static let most = 8.0

  /// - Parameters:
  ///   - width: How many that may be found are to be nearer than what is next, at least.
  ///   - admission: Which may be found; nil for all.
  ///   - count: Vertices of the graph.
  ///   - room: Scratch memory of the walk, which is emptied.
  init(_ width: Int, _ admission: Admission?, of count: Int, _ room: WalkRoom) {
    self.width = width
    self.admission = admission
    share = admission.map { Double($0.most) / Double(max(count, 1)) } ?? 1
    self.room = room
    room.open.removeAll()
    room.best.removeAll()
    room.beyond.removeAll()
  }

  /// Whether fewer than `width` that may be found are known.
  var lacks: Bool { room.best.keys.count < width }

  /// What is farther ends the walk before its turn comes.
  var limit: GraphKey {
    admission == nil && !lacks ? room.best.largest ?? .max : .max
  }

  /// Takes note of a vertex that the walk may go to.
  ///
  /// - Parameter key: Its distance, or an estimate.
  func note(_ key: GraphKey) {
    room.open.insert(~key)
    if let admission, !admission.admits(key.vertex) { return }
    if lacks {
      room.best.insert(key)
    } else if let largest = room.best.largest, key < largest {
      room.best.replaceLargest(with: key)
      room.beyond.insert(~largest)
    } else {
      room.beyond.insert(~key)
    }
  }

  /// Whether so many are nearer than the next vertex that the walk ends.
  ///
  /// - Parameter next: The nearest that the walk was not at.
  /// - Returns: Whether they are.
  func ends(before next: GraphKey) -> Bool {
    let rarity = max(1, share * Double(hops) / Double(max(found, 1)))
    let wanted = Int(Double(width) * min(rarity * rarity, Self.most))
    while room.best.keys.count > wanted { room.beyond.insert(~room.best.removeLargest()) }
    while room.best.keys.count < wanted, !room.beyond.keys.isEmpty {
      room.best.insert(~room.beyond.removeLargest())
    }
    guard room.best.keys.count == wanted, let largest = room.best.largest else { return false }
    return largest < next
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
