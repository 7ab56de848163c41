import Synchronization

/// A window of texts of which somebody wants to know how much is done.
final class WatchedWindow: Sendable {
  private let lengths: [Int]
  private let total: Int
  private let watch: @Sendable (_ share: Double, _ texts: Int) -> Void
  private let done = Atomic<Int>(0)

  init(_ window: TokenWindow, _ watch: @escaping @Sendable (_ share: Double, _ texts: Int) -> Void)
  {
    lengths = (0..<window.count).map { window.range($0).count }
    total = max(1, lengths.reduce(0, +))
    self.watch = watch
  }

  /// Tells that these texts of the window are done.
  func finished(_ members: [Int]) {
    let tokens = members.reduce(0) { $0 + lengths[$1] }
    let sum = done.add(tokens, ordering: .relaxed).newValue
    watch(Double(sum) / Double(total), lengths.count)
  }
}
