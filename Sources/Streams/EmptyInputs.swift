import Synchronization

/// Whether an input of not one byte stands for no records, in all readers of this process.
///
/// Mostly it is what a stage that died has left, and so an error. Streams and compressed texts have an
/// empty form of their own, which is always taken.
package enum EmptyInputs {
  private static let isAllowed = Atomic<Bool>(false)

  /// Takes them from here on.
  package static func allow() { isAllowed.store(true, ordering: .relaxed) }

  package static var areAllowed: Bool { isAllowed.load(ordering: .relaxed) }
}
