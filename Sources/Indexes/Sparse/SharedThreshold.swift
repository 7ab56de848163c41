import Synchronization

/// A number that as many documents reach as are asked for, as far as any worker knows.
final class SharedThreshold: Sendable {
  private let number = Mutex<Float>(-.infinity)

  var value: Float { number.withLock { $0 } }

  func raise(to other: Float) { number.withLock { $0 = max($0, other) } }
}
