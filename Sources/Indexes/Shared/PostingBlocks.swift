import Failures
import Streams

/// Postings by term, from documents in order: blocks of documents are turned round in memory and put
/// aside in a file, and joined term by term at the end.
///
/// Terms are numbers; in which order they are joined is said at the end, and the runs of a block stand
/// in that order too. A weight is four bytes of any kind; a posting may have several.
///
/// Memory: a number for each term, and some for each block.
struct PostingBlocks<Weight: BitwiseCopyable> {
  private let spool: SpoolFile
  /// Weights of a posting.
  private let width: Int
  /// Where the blocks lie in the spool.
  private var blocks: [Range<Int>] = []

  /// A term's postings in a block: this header, `count` documents, their weights.
  private struct RunHeader: BitwiseCopyable {
    var term: Int32
    var count: Int32

    static var size: Int { 8 }
  }

  /// Bytes that a posting takes in memory while a block is sorted: term, document and weight in arrays
  /// that grow, and once more.
  static var bytesPerPosting: Int { 32 }
  /// Bytes that a term takes meanwhile: two numbers.
  static var bytesPerTerm: Int { 16 }

  init(_ spool: SpoolFile, width: Int = 1) {
    precondition(MemoryLayout<Weight>.size == 4, "weights of \(MemoryLayout<Weight>.size) bytes")
    self.spool = spool
    self.width = width
  }

  /// Puts a block aside: posting i is of document `documents[i]` for term `terms[i]`; the documents of
  /// a term keep their order.
  ///
  /// - Parameters:
  ///   - terms: Numbers below `order.count`.
  ///   - documents: As many.
  ///   - weights: `width` for each.
  ///   - order: All terms so far in the order in which they will be joined.
  ///   - termCount: How many terms there are.
  /// - Throws: 74 where the file cannot be written.
  mutating func putAside(
    _ terms: [Int32], _ documents: [Int32], _ weights: [Weight], order: some Sequence<Int32>,
    terms termCount: Int
  ) throws(Failure) {
    if terms.isEmpty { return }
    var offsets = [Int](repeating: 0, count: termCount + 1)
    for term in terms { offsets[Int(term) + 1] += 1 }
    for term in 0..<termCount { offsets[term + 1] += offsets[term] }
    var next = offsets
    var sortedDocuments = [Int32](repeating: 0, count: terms.count)
    var sortedWeights = weights
    for i in terms.indices {
      let term = Int(terms[i])
      sortedDocuments[next[term]] = documents[i]
      for j in 0..<width { sortedWeights[next[term] * width + j] = weights[i * width + j] }
      next[term] += 1
    }
    let start = spool.count
    for term in order where offsets[Int(term)] < offsets[Int(term) + 1] {
      let range = offsets[Int(term)]..<offsets[Int(term) + 1]
      try appendHeader(Int(term), range.count)
      try spool.append(sortedDocuments[range])
      try spool.append(sortedWeights[range.lowerBound * width..<range.upperBound * width])
    }
    blocks.append(start..<spool.count)
  }

  /// Puts the postings of another index aside, which are a block already.
  ///
  /// - Parameter body: Calls what it is given with a term, its documents by their new numbers and its
  ///   weights, term by term in the order in which they will be joined.
  /// - Throws: 74 where the file cannot be written, and what `body` throws.
  mutating func putAside(
    _ body: (_ add: (Int, [Int32], UnsafeRawBufferPointer) throws(Failure) -> Void)
      throws(Failure) -> Void
  ) throws(Failure) {
    let start = spool.count
    try body { term, documents, weights throws(Failure) in
      precondition(weights.count == 4 * width * documents.count, "weights for every document")
      try appendHeader(term, documents.count)
      try spool.append(documents[...])
      try spool.append(weights)
    }
    if spool.count > start { blocks.append(start..<spool.count) }
  }

  private func appendHeader(_ term: Int, _ count: Int) throws(Failure) {
    try spool.append([Int32(term).littleEndian, Int32(count).littleEndian][...])
  }

  /// Reads all postings, term by term; the documents of the blocks follow each other.
  ///
  /// - Parameters:
  ///   - order: All terms in their final order.
  ///   - terms: How many there are.
  ///   - begin: Called for each term, before its postings.
  ///   - documents: Gets a term's documents, a piece at a time.
  ///   - weights: Gets their weights.
  /// - Returns: How many postings there are.
  /// - Throws: 74 where the file cannot be read, and what the others throw.
  func join(
    order: some Sequence<Int32>, terms: Int, begin: (Int32, Int) throws(Failure) -> Void,
    documents: (UnsafeRawBufferPointer) throws(Failure) -> Void,
    weights: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    try spool.drain()
    var waiting = WaitingBlocks(terms: terms, blocks: blocks)
    for block in blocks.indices { try waiting.advance(block, spool) }
    var total = 0
    for term in order {
      try begin(term, total)
      for block in waiting.take(Int(term)) {
        let count = waiting.counts[block]
        let start = waiting.places[block]
        try spool.read(start..<start + 4 * count, documents)
        let end = start + 4 * (1 + width) * count
        try spool.read(start + 4 * count..<end, weights)
        total += count
        waiting.places[block] = end
        try waiting.advance(block, spool)
      }
    }
    return total
  }

  /// Blocks by the term of their next run: a list for each term.
  private struct WaitingBlocks {
    private let blocks: [Range<Int>]
    /// The first block of each term's list; -1 behind the last.
    private var heads: [Int32]
    private var next: [Int32]
    /// Where each block's next postings lie in the spool, and how many they are.
    var places: [Int]
    private(set) var counts: [Int]

    init(terms: Int, blocks: [Range<Int>]) {
      self.blocks = blocks
      heads = Array(repeating: -1, count: terms)
      next = Array(repeating: -1, count: blocks.count)
      places = blocks.map(\.lowerBound)
      counts = Array(repeating: 0, count: blocks.count)
    }

    /// Reads the header of a block's next run and lets the block wait for that term.
    mutating func advance(_ block: Int, _ spool: SpoolFile) throws(Failure) {
      guard places[block] < blocks[block].upperBound else { return }
      var bytes: [UInt8] = []
      try spool.read(places[block]..<places[block] + RunHeader.size) { piece throws(Failure) in
        bytes += piece
      }
      let header = bytes.withUnsafeBytes { $0.loadUnaligned(as: RunHeader.self) }
      places[block] += RunHeader.size
      counts[block] = Int(header.count)
      next[block] = heads[Int(header.term)]
      heads[Int(header.term)] = Int32(block)
    }

    /// The blocks that wait for a term, in the order of their documents.
    func take(_ term: Int) -> [Int] {
      var found: [Int] = []
      var block = heads[term]
      while block >= 0 {
        found.append(Int(block))
        block = next[Int(block)]
      }
      return found.sorted()
    }
  }
}
