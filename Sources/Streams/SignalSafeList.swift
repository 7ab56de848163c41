import Synchronization

/// A list that a signal handler can walk at any moment, whatever the other threads do: it only grows,
/// an entry is published by one store and never freed, and nor is what it points to.
struct SignalSafeList<Value>: ~Copyable, @unchecked Sendable {
  // Unchecked: the pointer is atomic, and of an entry only the atomic value changes once it is
  // published.

  /// A place for one value; empty between two uses.
  fileprivate struct Entry: ~Copyable {
    let value: Atomic<UnsafeMutablePointer<Value>?>
    /// The entry that was made before this one.
    let next: UnsafeMutablePointer<Entry>?
  }

  /// Stands for one value in the list.
  struct Token: @unchecked Sendable {
    // Unchecked: both pointers are constants, and what they point to is never freed.
    fileprivate let entry: UnsafeMutablePointer<Entry>
    /// Tells this value from later ones of the same entry, for no two share memory.
    fileprivate let value: UnsafeMutablePointer<Value>
  }

  /// The entry that was made last.
  private let last = Atomic<UnsafeMutablePointer<Entry>?>(nil)

  init() {}

  /// Adds a value, which is never freed.
  func add(_ value: UnsafeMutablePointer<Value>) -> Token {
    var entry = last.load(ordering: .acquiring)
    while let place = entry {
      let (isTaken, _) = place.pointee.value.compareExchange(
        expected: nil, desired: value, ordering: .releasing)
      if isTaken { return Token(entry: place, value: value) }
      entry = place.pointee.next
    }
    let place = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
    while true {
      let next = last.load(ordering: .acquiring)
      place.initialize(to: Entry(value: Atomic(value), next: next))
      let (isPublished, _) = last.compareExchange(
        expected: next, desired: place, ordering: .acquiringAndReleasing)
      if isPublished { return Token(entry: place, value: value) }
      place.deinitialize(count: 1)
    }
  }

  /// Takes a value out again; nothing happens where that was done before.
  func remove(_ token: Token) {
    _ = token.entry.pointee.value.compareExchange(
      expected: token.value, desired: nil, ordering: .relaxed)
  }

  /// Calls `body` with every value; whether it said yes to any.
  @discardableResult
  func forEach(_ body: (UnsafeMutablePointer<Value>) -> Bool) -> Bool {
    var isAny = false
    var entry = last.load(ordering: .acquiring)
    while let place = entry {
      if let value = place.pointee.value.load(ordering: .acquiring), body(value) { isAny = true }
      entry = place.pointee.next
    }
    return isAny
  }
}
