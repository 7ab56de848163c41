import Failures
import Glibc
import Streams

/// Lines of a run, taken apart into columns: what a thread makes of one block of text.
///
/// Unchecked: `lines` and `columns`, all that it has, are filled by one thread at a time and read only
/// after that; the loops of the pool that hand blocks from thread to thread order the two.
final class RunBlock: @unchecked Sendable {
  /// The lines; queries and the tag lie in them.
  let lines = LineBuffer()
  /// What they say.
  var columns: RunColumns

  init(details: RunDetails) { columns = RunColumns(details: details) }

  deinit { columns.deallocate() }

  /// The bytes of a part of the lines.
  func text(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: lines.text[range])
  }
}

/// The columns of some lines, in memory of their own that is used again and again.
///
/// A value, so that a loop that fills it can keep it to itself; its owner frees it.
struct RunColumns {
  /// Lines of one query that follow each other.
  struct Segment {
    /// Where the query's id lies in the text.
    var query: Range<Int>
    /// The first entry.
    var start: Int
  }

  /// Which columns there are besides ids and scores.
  let details: RunDetails
  /// Where the tag of the last line lies.
  var tag: Range<Int>?
  private(set) var segments: [Segment] = []
  /// Where the lines of entries stop to follow each other.
  private(set) var marks: [(entry: Int, line: Int)] = []
  private var nextLine = 0

  private(set) var count = 0
  private var capacity = 0
  private var scores = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
  private var hashes = UnsafeMutableBufferPointer<UInt32>(start: nil, count: 0)
  private var ends = UnsafeMutableBufferPointer<UInt32>(start: nil, count: 0)
  private var exactScores = UnsafeMutableBufferPointer<Double>(start: nil, count: 0)
  private var ranks = UnsafeMutableBufferPointer<UInt32>(start: nil, count: 0)
  private var ids = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var idCount = 0

  init(details: RunDetails) { self.details = details }

  func deallocate() {
    scores.deallocate()
    hashes.deallocate()
    ends.deallocate()
    exactScores.deallocate()
    ranks.deallocate()
    ids.deallocate()
  }

  /// Forgets what was there, and makes room for so many lines of so many bytes.
  mutating func reset(lines: Int, bytes: Int) {
    tag = nil
    segments.removeAll(keepingCapacity: true)
    marks.removeAll(keepingCapacity: true)
    (nextLine, count, idCount) = (0, 0, 0)
    if lines > capacity {
      capacity = lines + lines / 8
      Self.replace(&scores, capacity)
      Self.replace(&hashes, capacity)
      Self.replace(&ends, capacity)
      if details.contains(.exactScores) { Self.replace(&exactScores, capacity) }
      if details.contains(.ranks) { Self.replace(&ranks, capacity) }
    }
    if bytes > ids.count {
      ids.deallocate()
      ids = .allocate(byteCount: bytes, alignment: 8)
    }
  }

  private static func replace<T>(_ column: inout UnsafeMutableBufferPointer<T>, _ capacity: Int) {
    column.deallocate()
    column = .allocate(capacity: capacity)
  }

  /// The scores, in single precision.
  var scoreColumn: Slice<UnsafeMutableBufferPointer<Float>> { scores[..<count] }
  /// Half a hash of each document's id.
  var hashColumn: Slice<UnsafeMutableBufferPointer<UInt32>> { hashes[..<count] }
  /// The scores in double precision; empty where nobody wants them.
  var exactColumn: Slice<UnsafeMutableBufferPointer<Double>> {
    exactScores[..<(details.contains(.exactScores) ? count : 0)]
  }
  /// The ranks as they were written; empty where nobody wants them.
  var rankColumn: Slice<UnsafeMutableBufferPointer<UInt32>> {
    ranks[..<(details.contains(.ranks) ? count : 0)]
  }
  /// The documents' ids end to end, and where each ends.
  var documents: (text: UnsafeRawBufferPointer, ends: UnsafeBufferPointer<UInt32>) {
    (
      UnsafeRawBufferPointer(rebasing: ids[..<idCount]),
      UnsafeBufferPointer(rebasing: UnsafeBufferPointer(ends)[..<count])
    )
  }
}

extension RunColumns {
  /// One line's fields; the buffers lie in `text`.
  struct Line {
    var query: UnsafeRawBufferPointer
    var doc: UnsafeRawBufferPointer
    var rank: UInt32
    var score: (single: Float, exact: Double)
  }

  /// Adds a line, which says something of a document.
  @inline(__always)
  mutating func add(_ line: Line, number: Int, in text: UnsafeRawBufferPointer) {
    guard let base = text.baseAddress else { return }
    if segments.isEmpty || !isLastQuery(line.query, base) {
      segments.append(Segment(query: Self.range(line.query, base), start: count))
    }
    if number != nextLine { marks.append((count, number)) }
    nextLine = number + 1
    scores[count] = line.score.single
    hashes[count] = IDHash.short(line.doc)
    if details.contains(.exactScores) { exactScores[count] = line.score.exact }
    if details.contains(.ranks) { ranks[count] = line.rank }
    copy(line.doc, base + text.count)
    ends[count] = UInt32(truncatingIfNeeded: idCount)
    count += 1
  }

  /// Where a part of the text that starts at `base` lies.
  @inline(__always)
  static func range(_ part: UnsafeRawBufferPointer, _ base: UnsafeRawPointer) -> Range<Int> {
    let start = (part.baseAddress ?? base) - base
    return start..<(start + part.count)
  }

  @inline(__always)
  private func isLastQuery(_ query: UnsafeRawBufferPointer, _ base: UnsafeRawPointer) -> Bool {
    let last = segments[segments.count - 1].query
    guard last.count == query.count, let start = query.baseAddress else { return false }
    return memcmp(base + last.lowerBound, start, query.count) == 0
  }

  /// Copies an id; a short one in two words, where there is text behind it.
  @inline(__always)
  private mutating func copy(_ id: UnsafeRawBufferPointer, _ textEnd: UnsafeRawPointer) {
    guard let start = id.baseAddress, let ids = self.ids.baseAddress else { return }
    let target = ids + idCount
    if id.count <= 16, textEnd - start >= 16, self.ids.count - idCount >= 16 {
      target.storeBytes(of: start.loadUnaligned(as: UInt64.self), as: UInt64.self)
      (target + 8).storeBytes(of: (start + 8).loadUnaligned(as: UInt64.self), as: UInt64.self)
    } else {
      target.copyMemory(from: start, byteCount: id.count)
    }
    idCount += id.count
  }
}
