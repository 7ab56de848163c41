/// The largest of some elements, at most so many, in a heap whose root is the least of them.
package struct LargestElements<Element: Comparable & Sendable>: Sendable {
  package let capacity: Int
  /// Those that are kept, in the order of the heap.
  package private(set) var elements: [Element] = []

  package init(_ capacity: Int) {
    precondition(capacity >= 1, "the largest \(capacity) elements")
    self.capacity = capacity
  }

  /// The least that is kept, where there is no room for more: below it nothing enters.
  package var least: Element? { elements.count < capacity ? nil : elements[0] }

  package mutating func insert(_ element: Element) {
    if elements.count < capacity {
      elements.append(element)
      siftUp()
    } else if elements[0] < element {
      elements[0] = element
      siftDown()
    }
  }

  package mutating func insert(_ other: LargestElements) {
    for element in other.elements { insert(element) }
  }

  private mutating func siftUp() {
    var child = elements.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if !(elements[child] < elements[parent]) { return }
      elements.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < elements.count && elements[child] < elements[least] {
        least = child
      }
      if least == parent { return }
      elements.swapAt(parent, least)
      parent = least
    }
  }
}
