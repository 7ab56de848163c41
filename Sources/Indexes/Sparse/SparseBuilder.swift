import Failures
import IndexFormat
import JSON
import Retrieval
import Streams
import Tensors

/// Postings by term, from vectors by document: blocks of documents are turned round in memory and
/// put aside, and joined term by term at the end.
///
/// Memory: one block, the ids of all documents, a number for each term, and some for each block.
struct SparseBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let dimension: Int
  private let blockPostings: Int
  /// Postings of the current block in the order of documents.
  private var terms: [Int32] = []
  private var documents: [Int32] = []
  private var weights: [Float] = []
  /// The blocks: a run for each of their terms, ascending.
  private let spool: SpoolFile
  /// Where the blocks lie in the spool.
  private var blocks: [Range<Int>] = []

  /// A posting in memory: term, document and weight in arrays that grow; and once more while
  /// sorting.
  private static let bytesPerPosting = 32
  /// A term while sorting: two numbers.
  private static let bytesPerTerm = 16

  /// A term's postings in a block: this header, `count` documents, `count` weights.
  private struct RunHeader: BitwiseCopyable {
    var term: Int32
    var count: Int32

    static let size = 8
  }

  /// - Throws: 73 where the files cannot be made.
  init(_ writer: IndexWriter, _ source: IndexSource, _ work: IndexWork) throws(Failure) {
    guard let dimension = source.dimension else {
      preconditionFailure("a sparse index without a vocabulary")
    }
    self.writer = writer
    self.dimension = dimension
    blockPostings = max(1, (work.memory - Self.bytesPerTerm * dimension) / Self.bytesPerPosting)
    spool = try writer.spool()
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("a sparse index takes vectors")
    }
    for index in range { try append(segment, index) }
  }

  private mutating func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    precondition(segment.schema.kind == .sparse, "not a sparse stream")
    let indices = segment.values(index, column: 0, as: Int32.self)
    let values = segment.values(index, column: 1, as: Float.self)
    let document = Int32(writer.documents)
    let id = segment.id(index)
    for (i, term) in indices.enumerated() {
      guard term >= 0, term < dimension, i == 0 || indices[i - 1] < term, values[i].isFinite else {
        throw .data(
          "document \(String(decoding: id, as: UTF8.self))",
          "expected ascending terms below \(dimension) with finite weights")
      }
    }
    try id.withUnsafeBufferPointer { id throws(Failure) in
      try writer.append(id: UnsafeRawBufferPointer(id))
    }
    terms += indices
    weights += values
    documents += repeatElement(document, count: indices.count)
    if terms.count >= blockPostings { try putAside() }
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try putAside()
    let first = writer.documents
    let postings = try Postings(segment)
    try postings.check()
    try writer.append(idsOf: segment)
    // The segment's postings are a block already; its documents come behind those that are here.
    let start = spool.count
    for term in 0..<dimension {
      let range = postings.range(term)
      if range.isEmpty { continue }
      try appendHeader(term, range.count)
      try append(postings.documents, range, behind: first)
      try spool.append(postings.weights.bytes(range))
    }
    if spool.count > start { blocks.append(start..<spool.count) }
  }

  /// Puts the documents of one term of a segment aside, by their new ordinals.
  private func append(
    _ documents: MappedColumn<Int32>, _ range: Range<Int>, behind first: Int
  ) throws(Failure) {
    var shifted: [Int32] = []
    for i in range {
      // All are in the writer, so the sum fits as well.
      shifted.append(documents[i] + Int32(first))
      if shifted.count == 1 << 16 {
        try spool.append(shifted[...])
        shifted.removeAll(keepingCapacity: true)
      }
    }
    try spool.append(shifted[...])
  }

  mutating func finish() throws(Failure) -> IndexContent {
    try putAside()
    (terms, documents, weights) = ([], [], [])
    let total = try join()
    return IndexContent(statistics: [JSON.Member("postings", .integer(total))])
  }

  private func appendHeader(_ term: Int, _ count: Int) throws(Failure) {
    try spool.append([Int32(term).littleEndian, Int32(count).littleEndian][...])
  }

  /// Sorts the current block by term, keeping the documents' order, and writes it.
  private mutating func putAside() throws(Failure) {
    if terms.isEmpty { return }
    var offsets = [Int](repeating: 0, count: dimension + 1)
    for term in terms { offsets[Int(term) + 1] += 1 }
    for term in 0..<dimension { offsets[term + 1] += offsets[term] }
    var next = offsets
    var sortedDocuments = [Int32](repeating: 0, count: terms.count)
    var sortedWeights = [Float](repeating: 0, count: terms.count)
    for i in terms.indices {
      let term = Int(terms[i])
      sortedDocuments[next[term]] = documents[i]
      sortedWeights[next[term]] = weights[i]
      next[term] += 1
    }
    let start = spool.count
    for term in 0..<dimension where offsets[term] < offsets[term + 1] {
      let range = offsets[term]..<offsets[term + 1]
      try appendHeader(term, range.count)
      try spool.append(sortedDocuments[range])
      try spool.append(sortedWeights[range])
    }
    blocks.append(start..<spool.count)
    terms.removeAll(keepingCapacity: true)
    documents.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
  }

  /// Writes the terms' postings from all blocks, whose documents follow each other.
  ///
  /// - Returns: How many postings there are.
  private func join() throws(Failure) -> Int {
    try spool.drain()
    let offsetFile = try writer.create(Sparse.offsets)
    let documentFile = try writer.create(Sparse.documents)
    let weightFile = try writer.create(Sparse.weights)
    var waiting = WaitingBlocks(dimension: dimension, blocks: blocks)
    for block in blocks.indices { try waiting.advance(block, spool) }
    var total: Int64 = 0
    for term in 0...dimension {
      try offsetFile.append(numbers: [total.littleEndian])
      if term == dimension { break }
      for block in waiting.take(term) {
        let count = waiting.counts[block]
        let start = waiting.places[block]
        try spool.read(start..<start + 4 * count) { bytes throws(Failure) in
          try documentFile.append(bytes)
        }
        try spool.read(start + 4 * count..<start + 8 * count) { bytes throws(Failure) in
          try weightFile.append(bytes)
        }
        total += Int64(count)
        waiting.places[block] = start + 8 * count
        try waiting.advance(block, spool)
      }
    }
    return Int(total)
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

    init(dimension: Int, blocks: [Range<Int>]) {
      self.blocks = blocks
      heads = Array(repeating: -1, count: dimension)
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
