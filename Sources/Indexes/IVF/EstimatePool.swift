import Failures
import IndexFormat
import Retrieval

/// The documents of a query with the best estimates, equal ones by their ids: those that `Candidates`
/// keeps, in no order.
///
/// Estimates are gathered without an order until there are twice as many as are wanted, and the worse half
/// is dropped then. Not `Sendable`: a worker has its own.
final class EstimatePool {
  private let request: SearchRequest
  private let documents: DocumentTable
  private let admission: Admission
  private let isOpen: Bool
  private let wanted: Int
  private let capacity: Int
  private var room: Int
  private var keys: UnsafeMutablePointer<UInt64>
  private var count = 0
  /// Says which document has an estimate that is no finite number; nil where none has.
  private var strange: Candidates?

  /// The estimate below which a finite one need not be offered.
  private(set) var threshold = -Float.infinity

  /// - Parameters:
  ///   - wanted: How many documents, at least one.
  ///   - request: The query, and what may answer it.
  ///   - documents: Those of the index.
  init(_ wanted: Int, _ request: SearchRequest, _ documents: DocumentTable) {
    self.request = request
    self.documents = documents
    self.wanted = max(1, min(wanted, documents.count))
    admission = Admission(request.ids[0], request, documents)
    isOpen = admission.isOpen
    capacity = 2 * self.wanted + FlatIndex.step
    room = min(capacity, 1024)
    keys = .allocate(capacity: room)
  }

  deinit { keys.deallocate() }

  /// Takes note of a document's estimate.
  @inline(__always)
  func offer(_ ordinal: Int, _ estimate: Float) {
    // Equal ones may still enter by their ids.
    if estimate < threshold, estimate > -.infinity { return }
    if !isOpen, !admission.admits(ordinal) { return }
    guard estimate.isFinite else { return note(ordinal, estimate) }
    if count == room { makeRoom() }
    keys[count] =
      UInt64(LargestKeys.order(of: estimate)) << 32
      | UInt64(UInt32(truncatingIfNeeded: ordinal))
    count += 1
  }

  private func note(_ ordinal: Int, _ estimate: Float) {
    if strange == nil { strange = Candidates(request.ids[0], request, documents) }
    strange?.offer(ordinal, estimate)
  }

  private func makeRoom() {
    if room == capacity { return drop() }
    let more = min(capacity, 2 * room)
    let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: more)
    larger.update(from: keys, count: count)
    keys.deallocate()
    (keys, room) = (larger, more)
  }

  /// Drops all but those that are wanted.
  private func drop() {
    if count <= wanted { return }
    var all = UnsafeMutableBufferPointer(start: keys, count: count)
    LargestKeys.bringForward(wanted, of: all)
    var least = all[0] >> 32
    for place in 1..<wanted { least = min(least, all[place] >> 32) }
    // Of equal estimates some may be in and others out: ids decide.
    if all[wanted...].contains(where: { $0 >> 32 == least }) {
      all.sort { a, b in
        if a >> 32 != b >> 32 { return a >> 32 > b >> 32 }
        let (own, other) = (documents.rank(Self.ordinal(a)), documents.rank(Self.ordinal(b)))
        return request.ties == .trec ? own > other : own < other
      }
    }
    count = wanted
    let bits = UInt32(least)
    threshold = Float(bitPattern: bits & 0x8000_0000 != 0 ? bits & 0x7fff_ffff : ~bits)
  }

  @inline(__always)
  private static func ordinal(_ key: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: key)) }

  /// The documents, in no order; `place` is the index's name.
  ///
  /// - Throws: 65 where a document that may be found has an estimate that is not a finite number.
  func finish(_ place: String) throws(Failure) -> [Int] {
    _ = try strange?.finish(request.ids[0], place)
    drop()
    return (0..<count).map { Self.ordinal(keys[$0]) }
  }
}
