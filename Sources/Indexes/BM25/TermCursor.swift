import IndexFormat

/// The postings of one term of a query, window by window.
///
/// A cursor is used for one query after the other; copies of it share its memory.
struct TermCursor {
  private var list: PostingList?
  private(set) var weight: Float = 0
  /// What a frequency is multiplied by, for each length byte; and the byte of each document's length.
  private let model: UnsafePointer<Float>
  private let lengths: UnsafePointer<UInt8>
  /// What keeps all of this in memory.
  private let owners: (ScoreModel, MappedColumn<UInt8>, Memory)
  /// Where each block starts, its last document, and the most that a posting of it scores.
  private var starts: [Int] = []
  private var lasts: [UInt32] = []
  private var bounds: [Float] = []
  /// The block that was read.
  private var block = -1
  private var blockCount = 0
  private let documents: UnsafeMutablePointer<UInt32>
  private let frequencies: UnsafeMutablePointer<UInt32>
  /// Scores by frequency less one and length byte, of terms with many postings.
  private let table: UnsafeMutablePointer<Float>
  private var hasTable = false
  /// Blocks that overlap the window.
  private var first = 0
  private var last = 0
  private var probed = 0
  /// The window's documents and the one behind them.
  private var start: UInt32 = 0
  private var end: UInt32 = 0
  /// The most that a posting of the window scores.
  private(set) var bound = 0.0
  /// Whether something was read that no builder writes.
  private(set) var isDamaged = false

  private static let tableDepth: UInt32 = 4
  private static let tableSize = 256 * Int(tableDepth)
  /// Postings that pay for the table.
  private static let tableCount = 512

  /// - Parameters:
  ///   - model: What scores.
  ///   - lengths: The byte of each document's length.
  init(_ model: ScoreModel, _ lengths: MappedColumn<UInt8>) {
    let memory = Memory()
    owners = (model, lengths, memory)
    (documents, frequencies, table) = (memory.documents, memory.frequencies, memory.table)
    self.model = model.inverses
    let bytes = lengths.bytes(0..<lengths.count)
    // A cursor of no document reads none.
    self.lengths =
      bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      ?? UnsafeRawPointer(model.inverses).assumingMemoryBound(to: UInt8.self)
  }

  private final class Memory {
    let documents = UnsafeMutablePointer<UInt32>.allocate(capacity: PackedBlock.count)
    let frequencies = UnsafeMutablePointer<UInt32>.allocate(capacity: PackedBlock.count)
    let table = UnsafeMutablePointer<Float>.allocate(capacity: TermCursor.tableSize)

    deinit {
      documents.deallocate()
      frequencies.deallocate()
      table.deallocate()
    }
  }

  /// Begins with a term.
  ///
  /// - Parameters:
  ///   - list: Its postings.
  ///   - weight: What they are multiplied by.
  ///   - limit: Number of documents.
  mutating func begin(_ list: PostingList, _ weight: Float, documents limit: Int) {
    (self.list, self.weight) = (list, weight)
    (block, first, isDamaged) = (-1, 0, false)
    starts.removeAll(keepingCapacity: true)
    bounds.removeAll(keepingCapacity: true)
    lasts.removeAll(keepingCapacity: true)
    if list.blocks == 1 {
      beginShort(list, limit)
    } else {
      var (starts, lasts, bounds) = ([Int](), [UInt32](), [Float]())
      swap(&starts, &self.starts)
      swap(&lasts, &self.lasts)
      swap(&bounds, &self.bounds)
      let isWhole = list.forEachBlock { block, start, pairs in
        var most: Float = 0
        for place in stride(from: 0, to: pairs.count, by: 2) {
          let factor = Float(pairs[place]) * model[Int(pairs[place + 1])]
          most = pairs[place] == 255 ? .infinity : max(most, factor)
        }
        starts.append(start)
        lasts.append(list.last(of: block))
        bounds.append(ScoreModel.score(weight, most))
      }
      (self.starts, self.lasts, self.bounds) = (starts, lasts, bounds)
      if !isWhole { damage() }
    }
    hasTable = list.count >= Self.tableCount
    if hasTable { fillTable() }
  }

  private mutating func damage() {
    isDamaged = true
    starts.removeAll()
    lasts.removeAll()
    bounds.removeAll()
  }

  private mutating func beginShort(_ list: PostingList, _ limit: Int) {
    starts.append(0)
    guard list.read(0, at: 0, documents, frequencies) else { return damage() }
    (block, blockCount) = (0, list.count)
    var most: Float = 0
    for place in 0..<list.count {
      guard documents[place] < limit else { return damage() }
      most = max(most, Float(frequencies[place] + 1) * model[Int(lengths[Int(documents[place])])])
    }
    lasts.append(documents[list.count - 1])
    bounds.append(ScoreModel.score(weight, most))
  }

  private func fillTable() {
    for frequency in 0..<Int(Self.tableDepth) {
      let row = table + 256 * frequency
      for byte in 0..<256 {
        row[byte] = ScoreModel.score(weight, Float(frequency + 1) * model[byte])
      }
    }
  }

  /// The most that any posting scores.
  var mostOfAll: Double { Double(bounds.max() ?? 0) }

  // MARK: A window

  /// Goes on to a window, which begins where the one before ended or later.
  ///
  /// - Returns: Whether it may have postings.
  @inline(__always)
  mutating func enter(_ start: Int, _ end: Int) -> Bool {
    (self.start, self.end) = (UInt32(start), UInt32(end))
    while first < lasts.count, lasts[first] < self.start { first += 1 }
    if first == lasts.count { return false }
    if first > 0, lasts[first - 1] &+ 1 >= self.end { return false }
    last = first
    bound = Double(bounds[first])
    while last < lasts.count - 1, lasts[last] < self.end - 1 {
      last += 1
      bound = max(bound, Double(bounds[last]))
    }
    if first == last {
      guard read(first) else { return false }
      let place = lowerBound(self.start)
      if place == blockCount || documents[place] >= self.end { return false }
    }
    probed = first
    return true
  }

  /// At most so many postings are in the window.
  var postings: Int { (last - first + 1) * PackedBlock.count }

  @inline(__always)
  private mutating func read(_ wanted: Int) -> Bool {
    if block == wanted { return true }
    guard let list, list.read(wanted, at: starts[wanted], documents, frequencies) else {
      isDamaged = true
      block = -1
      return false
    }
    block = wanted
    blockCount = list.count(of: wanted)
    return true
  }

  /// The first place in the block that was read whose document is not in front of another.
  @inline(__always)
  private func lowerBound(_ document: UInt32) -> Int {
    var base = 0
    var count = blockCount
    while count > 1 {
      let half = count / 2
      base = documents[base + half - 1] < document ? base + half : base
      count -= half
    }
    return count == 1 && documents[base] < document ? base + 1 : base
  }

  /// What postings of the term score, without a look at the cursor for each.
  private struct Scorer {
    let frequencies: UnsafeMutablePointer<UInt32>
    let table: UnsafeMutablePointer<Float>
    /// Frequencies that the table has.
    let depth: UInt32
    let lengths: UnsafePointer<UInt8>
    let model: UnsafePointer<Float>
    let weight: Float

    @inline(__always)
    func score(_ place: Int, _ document: UInt32) -> Float {
      let frequency = frequencies[place]
      let length = Int(lengths[Int(document)])
      if frequency < depth { return table[Int(frequency) << 8 | length] }
      return ScoreModel.score(weight, Float(frequency &+ 1) * model[length])
    }
  }

  private var scorer: Scorer {
    Scorer(
      frequencies: frequencies, table: table, depth: hasTable ? Self.tableDepth : 0,
      lengths: lengths, model: model, weight: weight)
  }

  /// Calls `body` with the window's postings: the place in the window, and the score.
  ///
  /// - Parameters:
  ///   - isNeeded: Whether a block is, by the most that its postings score.
  ///   - body: Gets places below the window's size.
  @inline(__always)
  mutating func forEach(_ isNeeded: (Float) -> Bool, _ body: (_ place: Int, _ score: Float) -> Void)
  {
    let (start, span, documents, scorer) = (start, end - start, documents, scorer)
    var isWhole = true
    for wanted in first...last where isNeeded(bounds[wanted]) {
      guard read(wanted) else { return }
      var place = wanted == first ? lowerBound(start) : 0
      let end = wanted == last ? lowerBound(self.end) : blockCount
      while place < end {
        let document = documents[place]
        let offset = document &- start
        if offset < span {
          body(Int(offset), scorer.score(place, document))
        } else {
          isWhole = false
        }
        place &+= 1
      }
    }
    if !isWhole { isDamaged = true }
  }

  /// The most that a document of the window may score; documents are asked for in order.
  @inline(__always)
  mutating func bound(of document: UInt32) -> Double {
    while probed <= last, lasts[probed] < document { probed += 1 }
    return probed <= last ? Double(bounds[probed]) : 0
  }

  /// What the document scores that was last asked for.
  @inline(__always)
  mutating func score(of document: UInt32) -> Double {
    guard probed <= last, read(probed) else { return 0 }
    let place = lowerBound(document)
    return place < blockCount && documents[place] == document
      ? Double(scorer.score(place, document)) : 0
  }

  /// Adds the term's scores to sums of documents of the window, in order, and drops those that are out.
  ///
  /// - Parameters:
  ///   - sums: Sums so far.
  ///   - places: The documents' places in the window.
  ///   - count: How many there are.
  ///   - start: The window's first document.
  ///   - least: The sum below which a document is out.
  /// - Returns: How many are left, at the beginning.
  mutating func add(
    to sums: UnsafeMutablePointer<Double>, of places: UnsafeMutablePointer<Int32>, _ count: Int,
    from start: Int, atLeast least: Double
  ) -> Int {
    var kept = 0
    for i in 0..<count {
      let place = places[i]
      let document = UInt32(truncatingIfNeeded: start &+ Int(place))
      if sums[i] + bound(of: document) < least { continue }
      let sum = sums[i] + score(of: document)
      places[kept] = place
      sums[kept] = sum
      kept &+= sum >= least ? 1 : 0
    }
    return kept
  }
}
