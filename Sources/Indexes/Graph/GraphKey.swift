/// A distance and a vertex as one number, in whose order they are compared: by distance, then by vertex.
///
/// The lowest bit is free for a mark.
typealias GraphKey = UInt64

extension GraphKey {
  /// - Parameters:
  ///   - distance: Not NaN.
  ///   - vertex: From 0 on.
  @inline(__always)
  init(distance: Float, vertex: Int) {
    let bits = distance.bitPattern
    let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    self = UInt64(ordered) << 32 | UInt64(truncatingIfNeeded: vertex) << 1
  }

  @inline(__always)
  var vertex: Int { Int(UInt32(truncatingIfNeeded: self) >> 1) }

  @inline(__always)
  var distance: Float {
    let ordered = UInt32(truncatingIfNeeded: self >> 32)
    return Float(bitPattern: ordered & 0x8000_0000 != 0 ? ordered & 0x7fff_ffff : ~ordered)
  }
}

/// Keys one behind the other, whose memory belongs to whoever has them.
struct GraphKeys {
  private var base: UnsafeMutablePointer<GraphKey>
  private var capacity = 256
  private(set) var count = 0

  init() { base = .allocate(capacity: capacity) }

  func deallocate() { base.deallocate() }

  var keys: UnsafeMutableBufferPointer<GraphKey> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }

  mutating func removeAll() { count = 0 }

  @inline(__always)
  mutating func append(_ key: GraphKey) {
    if count == capacity { grow() }
    base[count] = key
    count += 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<GraphKey>.allocate(capacity: 2 * capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity *= 2
  }
}

/// Keys in a heap whose root is the largest.
struct KeyHeap {
  private(set) var keys: [GraphKey] = []

  var largest: GraphKey? { keys.first }

  mutating func removeAll() { keys.removeAll(keepingCapacity: true) }

  mutating func insert(_ key: GraphKey) {
    keys.append(key)
    var child = keys.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if keys[parent] >= key { break }
      keys[child] = keys[parent]
      child = parent
    }
    keys[child] = key
  }

  /// Takes the largest off; there must be one.
  mutating func removeLargest() -> GraphKey {
    let largest = keys[0]
    let last = keys.removeLast()
    if !keys.isEmpty { replaceLargest(with: last) }
    return largest
  }

  mutating func replaceLargest(with key: GraphKey) {
    var parent = 0
    while true {
      var child = 2 * parent + 1
      if child >= keys.count { break }
      if child + 1 < keys.count, keys[child + 1] > keys[child] { child += 1 }
      if keys[child] <= key { break }
      keys[parent] = keys[child]
      parent = child
    }
    keys[parent] = key
  }
}
