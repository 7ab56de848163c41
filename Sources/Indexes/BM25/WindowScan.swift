import Retrieval

/// Finds the best documents of a query, a window of documents at a time.
///
/// Terms whose bounds together are below the k-th score so far are not read for themselves: documents
/// are found by the others, whose scores are added up in memory, and those that may still be among the
/// best are looked up in the rest, the terms with the greatest bounds first. Blocks that cannot matter
/// are not unpacked. The result is that of adding up all postings, bit for bit: bounds hold in the
/// arithmetic of the scores (`ScoreModel`), and sums are exact.
///
/// Source: Turtle and Flood, Query evaluation: strategies and optimizations (1995); Ding and Suel,
/// Faster top-k document retrieval using block-max indexes (SIGIR 2011); MaxScoreBulkScorer of Lucene 10.
struct WindowScan {
  /// Documents of a window: their sums stay in the second-level cache.
  static let window = 1 << 13

  private let documents: Int
  private let sums: UnsafeMutablePointer<Double>
  /// A bit for each document of the window that has a sum.
  private let touched: UnsafeMutablePointer<UInt64>
  /// One term's scores in the window.
  private let spread: UnsafeMutablePointer<Float>
  private let makeCursor: () -> TermCursor
  private let memory: Memory
  private var cursors: [TermCursor] = []
  /// Cursors with postings in the window, those with the least bounds first.
  private var active: [Int] = []
  /// What the first terms of the window score at most together.
  private var most: [Double] = []
  private var found = ScoreBuffer()
  private var prunes = true
  /// Documents of the window that may be among the best, and their sums so far.
  private let places: UnsafeMutablePointer<Int32>
  private let partial: UnsafeMutablePointer<Double>
  private var taken = 0

  init(documents: Int, _ makeCursor: @escaping () -> TermCursor) {
    self.documents = documents
    self.makeCursor = makeCursor
    memory = Memory()
    (sums, touched, spread) = (memory.sums, memory.touched, memory.spread)
    (places, partial) = (memory.places, memory.partial)
  }

  private final class Memory {
    let sums = UnsafeMutablePointer<Double>.allocate(capacity: WindowScan.window)
    let touched = UnsafeMutablePointer<UInt64>.allocate(capacity: WindowScan.window / 64)
    let spread = UnsafeMutablePointer<Float>.allocate(capacity: WindowScan.window)
    let places = UnsafeMutablePointer<Int32>.allocate(capacity: WindowScan.window)
    let partial = UnsafeMutablePointer<Double>.allocate(capacity: WindowScan.window)

    init() {
      sums.initialize(repeating: 0, count: WindowScan.window)
      touched.initialize(repeating: 0, count: WindowScan.window / 64)
      spread.initialize(repeating: 0, count: WindowScan.window)
    }

    deinit {
      sums.deallocate()
      touched.deallocate()
      spread.deallocate()
      places.deallocate()
      partial.deallocate()
    }
  }

  /// Offers the best documents of a query.
  ///
  /// - Parameters:
  ///   - terms: Postings and weights.
  ///   - k: How many documents are wanted.
  ///   - prunes: Whether bounds may exclude documents; otherwise all postings are added up, in the
  ///     order of the terms.
  ///   - admission: Documents that may be found.
  ///   - candidates: Gets the documents.
  /// - Returns: Whether all that was read is whole.
  mutating func run(
    _ terms: [(list: PostingList, weight: Float)], k: Int, prunes: Bool,
    _ admission: Admission, _ candidates: inout Candidates
  ) -> Bool {
    while cursors.count < terms.count { cursors.append(makeCursor()) }
    for (place, term) in terms.enumerated() {
      cursors[place].begin(term.list, term.weight, documents: documents)
    }
    self.prunes = prunes
    found.begin(k: k, floor: candidates.threshold)
    for start in stride(from: 0, to: documents, by: Self.window) {
      scan(terms.count, start, min(start + Self.window, documents), admission)
    }
    for (ordinal, score) in zip(found.ordinals, found.scores) {
      candidates.offer(Int(ordinal), score)
    }
    return !cursors[..<terms.count].contains(where: \.isDamaged)
  }

  /// What some documents score, one term after the other; nil where something is damaged.
  mutating func sums(
    _ terms: [(list: PostingList, weight: Float)], of ordinals: [Int]
  ) -> [Double]? {
    if cursors.isEmpty { cursors.append(makeCursor()) }
    let order = ordinals.indices.sorted { ordinals[$0] < ordinals[$1] }
    var sums = [Double](repeating: 0, count: ordinals.count)
    for term in terms {
      cursors[0].begin(term.list, term.weight, documents: documents)
      for place in order where cursors[0].enter(ordinals[place], ordinals[place] + 1) {
        _ = cursors[0].bound(of: UInt32(ordinals[place]))
        sums[place] += cursors[0].score(of: UInt32(ordinals[place]))
      }
      if cursors[0].isDamaged { return nil }
    }
    return sums
  }

  private mutating func scan(
    _ count: Int, _ start: Int, _ end: Int, _ admission: Admission
  ) {
    active.removeAll(keepingCapacity: true)
    for place in 0..<count where cursors[place].enter(start, end) { active.append(place) }
    if active.isEmpty { return }
    if prunes { sortActive() }
    most.removeAll(keepingCapacity: true)
    var sum = 0.0
    for place in active {
      most.append(sum)
      sum += cursors[place].bound
    }
    let threshold = found.threshold
    if prunes, Float(sum) < threshold { return }
    // As many as cannot reach the threshold by themselves.
    var split = 0
    while prunes, split < active.count - 1, Float(most[split + 1]) < threshold { split += 1 }
    add(split, sum)
    collect(start, end, most[split])
    for term in (0..<split).reversed() {
      if taken == 0 { return }
      lookUp(active[term], start, most[term])
    }
    for i in 0..<taken {
      let score = Float(partial[i])
      let ordinal = start + Int(places[i])
      if score >= found.threshold, admission.admits(ordinal) { found.insert(Int32(ordinal), score) }
    }
    found.refresh()
  }

  /// Sorts by insertion: the order hardly changes from one window to the next, and terms are few.
  private mutating func sortActive() {
    for place in active.indices.dropFirst() {
      var free = place
      let cursor = active[place]
      while free > 0, cursors[active[free - 1]].bound > cursors[cursor].bound {
        active[free] = active[free - 1]
        free -= 1
      }
      active[free] = cursor
    }
  }

  /// Adds the scores of the terms from a place on.
  private mutating func add(_ split: Int, _ total: Double) {
    let (threshold, prunes, sums, touched) = (found.threshold, prunes, sums, touched)
    for cursor in active[split...] {
      let others = total - cursors[cursor].bound
      cursors[cursor].forEach({ !prunes || Float(Double($0) + others) >= threshold }) {
        place, score in
        sums[place] += Double(score)
        touched[place >> 6] |= 1 << UInt64(place & 63)
      }
    }
  }

  /// Takes the documents that may be among the best, and forgets all sums.
  ///
  /// - Parameters:
  ///   - start: The window's first document.
  ///   - end: The one behind its last.
  ///   - rest: What other terms add at most.
  private mutating func collect(_ start: Int, _ end: Int, _ rest: Double) {
    let (sums, touched, places, partial) = (sums, touched, places, partial)
    let least = Self.least(found.threshold, rest)
    var taken = 0
    for word in 0..<(end - start + 63) / 64 where touched[word] != 0 {
      var bits = touched[word]
      touched[word] = 0
      while bits != 0 {
        let place = word << 6 | bits.trailingZeroBitCount
        bits &= bits &- 1
        let sum = sums[place]
        sums[place] = 0
        places[taken] = Int32(truncatingIfNeeded: place)
        partial[taken] = sum
        taken &+= sum >= least ? 1 : 0
      }
    }
    self.taken = taken
  }

  /// A sum below which no document reaches the threshold.
  private static func least(_ threshold: Float, _ rest: Double) -> Double {
    threshold == -.infinity ? -.infinity : (Double(threshold.nextDown) - rest).nextDown
  }

  /// Adds a term's scores to those of the documents that were taken, and drops those that are out.
  private mutating func lookUp(_ cursor: Int, _ start: Int, _ rest: Double) {
    let least = Self.least(found.threshold, rest)
    let (spread, places, partial) = (spread, places, partial)
    guard taken * 8 > cursors[cursor].postings else {
      taken = cursors[cursor].add(to: partial, of: places, taken, from: start, atLeast: least)
      return
    }
    cursors[cursor].forEach({ _ in true }) { place, score in spread[place] = score }
    var kept = 0
    for i in 0..<taken {
      let sum = partial[i] + Double(spread[Int(places[i])])
      places[kept] = places[i]
      partial[kept] = sum
      kept &+= sum >= least ? 1 : 0
    }
    spread.update(repeating: 0, count: Self.window)
    taken = kept
  }
}
