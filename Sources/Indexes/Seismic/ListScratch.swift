import Vectors

/// Memory of a search of lists, used again for one query after the other.
///
/// Not `Sendable`: a worker has its own.
final class ListScratch {
  /// Numbers of the query's terms, ascending, and their weights.
  private(set) var numbers: [Int32] = []
  private(set) var weights: [Float] = []
  /// A number for each cluster of a list.
  let sums: UnsafeMutablePointer<Float>
  let promises: ClusterQueue
  /// The query's weight at each term's number, in `unit`s: integers of sixteen bits.
  let table: UnsafeMutablePointer<UInt32>
  private(set) var unit = 0.0
  /// A product is within so many scales of a document, and `smallest`, of the one by codes.
  private(set) var error = 0.0
  private(set) var smallest = 0.0
  let products: UnsafeMutablePointer<Int32>
  let scales: UnsafeMutablePointer<Float>

  private let waiting: UnsafeMutablePointer<Int32>
  private var waitingCount = 0
  private let visited: UnsafeMutablePointer<UInt64>
  private let words: Int
  /// Words of `visited` that are not zero.
  private var dirty: [Int32] = []

  /// So many documents are scored at once, so that some are fetched while others are multiplied; few,
  /// so that what they tell of the next ones is known early.
  private static let batch = 16
  private static let room = 1 << 10

  init(documents: Int, tableSize: Int) {
    sums = .allocate(capacity: SummaryDirectory.reach)
    sums.initialize(repeating: 0, count: SummaryDirectory.reach)
    promises = ClusterQueue()
    table = .allocate(capacity: tableSize)
    table.initialize(repeating: 0, count: tableSize)
    products = .allocate(capacity: Self.room)
    scales = .allocate(capacity: Self.room)
    waiting = .allocate(capacity: Self.room)
    words = (documents + 63) / 64
    visited = .allocate(capacity: max(1, words))
    visited.initialize(repeating: 0, count: max(1, words))
  }

  deinit {
    sums.deallocate()
    table.deallocate()
    products.deallocate()
    scales.deallocate()
    waiting.deallocate()
    visited.deallocate()
  }

  /// Takes a query.
  ///
  /// A code of a document is within half of its scale of the weight, one of the query within half of
  /// the unit; scores are rounded as often as there are terms, in single precision (Higham, Accuracy
  /// and Stability of Numerical Algorithms, 3.1), and twice more where they are cosines.
  func set(_ query: SparseVector, _ number: (Int32) -> Int32) {
    for number in numbers { table[Int(number)] = 0 }
    for word in dirty { visited[Int(word)] = 0 }
    dirty.removeAll(keepingCapacity: true)
    let order = query.indices.map(number).enumerated().sorted { $0.element < $1.element }
    numbers.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    var (largest, size) = (0.0, 0.0)
    for (place, number) in order {
      let weight = query.values[place]
      numbers.append(number)
      weights.append(weight)
      largest = max(largest, Double(weight.magnitude))
      size += Double(weight.magnitude)
    }
    unit = max(largest / 0x7ff0, size / Double(Int32.max / 256 - Int32(weights.count)), 1e-300)
    for (number, weight) in zip(numbers, weights) {
      let code = Int16((Double(weight) / unit).rounded())
      table[Int(number)] = UInt32(UInt16(bitPattern: code))
    }
    let count = Double(weights.count)
    error =
      1.001 * (0.5 * size + 128 * unit * count + 256 * size * (count + 8) * 0x1p-24)
    smallest = count * 0x1p-120
  }

  /// Whether a document is visited for the first time.
  @inline(__always)
  func visit(_ document: Int32) -> Bool {
    let (word, bit) = (Int(document) >> 6, UInt64(1) << UInt64(document & 63))
    let bits = visited[word]
    if bits & bit != 0 { return false }
    if bits == 0 { dirty.append(Int32(word)) }
    visited[word] = bits | bit
    return true
  }

  func wasVisited(_ document: Int) -> Bool {
    visited[document >> 6] >> UInt64(document & 63) & 1 == 1
  }

  @inline(__always)
  func queue(_ document: Int32) {
    waiting[waitingCount] = document
    waitingCount += 1
  }

  var isQueueLong: Bool { waitingCount >= Self.batch }
  var isQueueFull: Bool { waitingCount == Self.room }

  var queued: UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: waiting, count: waitingCount)
  }

  func clearQueue() { waitingCount = 0 }
}

/// Clusters by what they promise, the largest first, of equal ones the first.
final class ClusterQueue {
  private let keys: UnsafeMutablePointer<UInt64>
  private var count = 0

  init() { keys = .allocate(capacity: ListClusters.most) }

  deinit { keys.deallocate() }

  func removeAll() { count = 0 }

  @inline(__always)
  func append(_ promise: Float, _ cluster: Int) {
    let bits = promise.bitPattern
    let ordered = bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
    keys[count] = UInt64(ordered) << 32 | UInt64(UInt32.max - UInt32(cluster))
    count += 1
  }

  /// Makes a heap of all that were appended.
  func order() {
    for parent in stride(from: count / 2 - 1, through: 0, by: -1) { siftDown(parent) }
  }

  /// The next cluster; nil where none is left.
  func next() -> (promise: Float, cluster: Int)? {
    if count == 0 { return nil }
    let key = keys[0]
    count -= 1
    keys[0] = keys[count]
    siftDown(0)
    let ordered = UInt32(key >> 32)
    let bits = ordered >> 31 == 1 ? ordered & 0x7fff_ffff : ~ordered
    return (Float(bitPattern: bits), Int(UInt32.max - UInt32(truncatingIfNeeded: key)))
  }

  private func siftDown(_ start: Int) {
    if start >= count { return }
    let key = keys[start]
    var parent = start
    while true {
      var child = 2 * parent + 1
      if child >= count { break }
      if child + 1 < count, keys[child + 1] > keys[child] { child += 1 }
      if keys[child] <= key { break }
      keys[parent] = keys[child]
      parent = child
    }
    keys[parent] = key
  }
}
