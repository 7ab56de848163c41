import Glibc
import Synchronization

/// Paths of the files and folders that are being written, for the signal handler to remove.
///
/// They are a linked list that only grows: an entry is published by one store and never freed, so
/// that the handler can walk the list at any moment, whatever the other threads do.
enum UnfinishedOutputs {
  /// A place for one path; empty between two uses.
  fileprivate struct Entry: ~Copyable {
    /// A C string that is never freed: a handler on another thread may be reading it.
    let path: Atomic<UnsafeMutablePointer<CChar>?>
    /// The entry that was made before this one.
    let next: UnsafeMutablePointer<Entry>?
  }

  /// Stands for one registration of a path.
  struct Token: @unchecked Sendable {
    // Unchecked: both pointers are constants, and what they point to is never freed. The entry is
    // changed by its atomic alone.
    fileprivate let entry: UnsafeMutablePointer<Entry>
    /// Tells this registration from later ones of the same entry, for no two strings share memory.
    fileprivate let path: UnsafeMutablePointer<CChar>
  }

  /// The entry that was made last.
  ///
  /// Unsafe in name only: the pointer is atomic, entries are never freed, and of an entry only the
  /// atomic path changes once it is published.
  nonisolated(unsafe) private static let last = Atomic<UnsafeMutablePointer<Entry>?>(nil)

  /// Makes what `removeAll` needs and may not make itself.
  static func prepare() { _ = last.load(ordering: .relaxed) }

  /// Adds a path.
  static func register(_ path: String) -> Token {
    guard let copy = strdup(path) else { preconditionFailure("no memory for a path") }
    var entry = last.load(ordering: .acquiring)
    while let place = entry {
      let (isTaken, _) = place.pointee.path.compareExchange(
        expected: nil, desired: copy, ordering: .releasing)
      if isTaken { return Token(entry: place, path: copy) }
      entry = place.pointee.next
    }
    return append(copy)
  }

  /// Makes one more entry.
  private static func append(_ path: UnsafeMutablePointer<CChar>) -> Token {
    let place = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
    while true {
      let next = last.load(ordering: .acquiring)
      place.initialize(to: Entry(path: Atomic(path), next: next))
      let (isPublished, _) = last.compareExchange(
        expected: next, desired: place, ordering: .acquiringAndReleasing)
      if isPublished { return Token(entry: place, path: path) }
      place.deinitialize(count: 1)
    }
  }

  /// Takes a path out again; nothing happens where that was done before.
  static func forget(_ token: Token) {
    _ = token.entry.pointee.path.compareExchange(
      expected: token.path, desired: nil, ordering: .relaxed)
  }

  /// Removes everything that is registered.
  ///
  /// Async-signal-safe: loads, `unlink` and `rmdir` alone.
  static func removeAll() {
    forEach { path in unlink(path) == 0 }
    // What is left are folders, now without their files; a folder goes once those in it are gone.
    while forEach({ path in rmdir(path) == 0 }) {}
  }

  /// Calls `body` with every path; whether it said yes to any.
  @discardableResult
  private static func forEach(_ body: (UnsafePointer<CChar>) -> Bool) -> Bool {
    var isAny = false
    var entry = last.load(ordering: .acquiring)
    while let place = entry {
      if let path = place.pointee.path.load(ordering: .acquiring), body(path) { isAny = true }
      entry = place.pointee.next
    }
    return isAny
  }
}
