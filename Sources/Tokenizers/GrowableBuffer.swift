/// Memory that a scratch owner fills again and again without clearing or shrinking it.
///
/// Not an array, because hot loops write through `pointer` and check the capacity once a text.
final class GrowableBuffer<Element: BitwiseCopyable> {
  private(set) var pointer: UnsafeMutablePointer<Element>
  private(set) var capacity: Int
  var count = 0

  init(capacity: Int = 1024) {
    self.capacity = capacity
    pointer = .allocate(capacity: capacity)
  }

  deinit { pointer.deallocate() }

  /// Makes room for `extra` elements after the first `count`.
  @inline(__always)
  func reserve(_ extra: Int) {
    if capacity &- count < extra { grow(extra) }
  }

  @inline(never)
  private func grow(_ extra: Int) {
    let larger = max(2 * capacity, count + extra)
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    moved.update(from: pointer, count: count)
    pointer.deallocate()
    pointer = moved
    capacity = larger
  }

  /// Appends an element for which `reserve` has made room.
  @inline(__always)
  func push(_ element: Element) {
    pointer[count] = element
    count &+= 1
  }

  /// Appends elements.
  func append(_ elements: UnsafeBufferPointer<Element>) {
    guard let base = elements.baseAddress else { return }
    reserve(elements.count)
    (pointer + count).update(from: base, count: elements.count)
    count &+= elements.count
  }

  func append(_ elements: [Element]) { elements.withUnsafeBufferPointer { append($0) } }

  var elements: UnsafeBufferPointer<Element> {
    UnsafeBufferPointer(start: pointer, count: count)
  }
}
