import Analysis
import Failures
import IndexFormat
import JSON
import Records
import Retrieval
import Tensors
import Workers

/// Postings by term, from texts.
///
/// Memory: one block of postings, the terms and the ids of all documents, and what `PostingBlocks`
/// says.
struct BM25Builder: IndexBuilder {
  let writer: IndexWriter
  private let pool: WorkerPool
  private let analyses: WorkerLocal<DocumentTerms>
  let blockPostings: Int
  /// Terms in the order in which they were met first.
  var table = IDTable()
  /// Postings of the current block in the order of documents.
  var terms: [Int32] = []
  var documents: [Int32] = []
  var frequencies: [Int32] = []
  private var blocks: PostingBlocks<Int32>
  /// Nil where vectors are not stored.
  var vectors: TermVectorWriter?
  private let lengths: StreamedTensorFile
  private let lengthBytes: StreamedTensorFile
  /// Bytes of the lengths once more, in memory, for the bounds of blocks.
  private var allLengths: [UInt8] = []
  private let withoutTerms: StreamedTensorFile
  private var numbers = TermPostings.Numbers()
  /// Whether lengths need not be sums over the postings.
  var lengthsAreGiven = false

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ analyzer: Analyzer, storesVectors: Bool, _ work: IndexWork
  ) throws(Failure) {
    self.writer = writer
    pool = work.pool
    analyses = WorkerLocal(work.pool) { DocumentTerms(analyzer) }
    blockPostings = max(1, work.memory / (2 * PostingBlocks<Int32>.bytesPerPosting))
    blocks = PostingBlocks(try writer.spool())
    vectors = storesVectors ? TermVectorWriter(try writer.spool()) : nil
    lengths = try writer.create(BM25.lengths)
    lengthBytes = try writer.create(BM25.lengthBytes)
    withoutTerms = try writer.create(BM25.withoutTerms)
  }

  mutating func append(_ block: DocumentBlock) throws(Failure) {
    guard case .texts(let batch) = block else { preconditionFailure("BM25 takes texts") }
    // Pieces of several documents, each with the worker that met them.
    let pieces = (batch.count + Self.pieceSize - 1) / Self.pieceSize
    let analyzed = Results<(worker: Int, documents: [[Int32]])>(pieces)
    let analyses = analyses
    pool.forEachUnchecked(pieces) { piece, worker in
      let range =
        piece * Self.pieceSize..<min((piece + 1) * Self.pieceSize, batch.count)
      let documents = analyses.with(worker) { analysis in
        range.map { batch.withText($0) { analysis.pairs($0) } }
      }
      analyzed.set(piece, (worker, documents))
    }
    for piece in 0..<pieces {
      let (worker, documents) = analyzed.take(piece)
      for (place, pairs) in documents.enumerated() {
        let analysis = analyses.with(worker) { $0 }
        try append(pairs, analysis, batch, piece * Self.pieceSize + place, block)
      }
    }
  }

  /// Documents that a worker takes at a time.
  private static let pieceSize = 64

  /// Adds one document.
  ///
  /// - Parameters:
  ///   - pairs: Its terms by the worker's numbers, and their counts, by turns.
  ///   - analysis: The worker's.
  ///   - batch: Where its text is.
  ///   - index: Its place there.
  ///   - block: The same documents with their ids.
  /// - Throws: 74 where a file cannot be written.
  private mutating func append(
    _ pairs: [Int32], _ analysis: DocumentTerms, _ batch: RecordBatch, _ index: Int,
    _ block: DocumentBlock
  ) throws(Failure) {
    let document = Int32(writer.documents)
    try block.withID(index) { id throws(Failure) in try writer.append(id: id) }
    var length = 0
    let first = terms.count
    for place in stride(from: 0, to: pairs.count, by: 2) {
      let term = Int(pairs[place])
      if analysis.numbers[term] < 0 {
        let number = analysis.terms.withBytes(term) { table.insert($0).index }
        analysis.numbers[term] = Int32(number)
      }
      terms.append(analysis.numbers[term])
      documents.append(document)
      frequencies.append(pairs[place + 1])
      length += Int(pairs[place + 1])
    }
    try vectors?.append(terms: terms[first...], frequencies: frequencies[first...])
    if length == 0, batch.withText(index, Self.isText) { try append(withoutTerms: [document]) }
    try append(length: length)
    if terms.count >= blockPostings { try putAside() }
  }

  /// Whether a text is more than white space, to Java's `trim`.
  private static func isText(_ text: UnsafeRawBufferPointer) -> Bool {
    text.contains { $0 > UInt8(ascii: " ") }
  }

  /// Adds documents that are more than white space and have no term.
  private mutating func append(withoutTerms documents: [Int32]) throws(Failure) {
    try withoutTerms.append(numbers: documents)
    numbers.texts += documents.count
  }

  mutating func append(length: Int) throws(Failure) {
    try lengths.append(numbers: [Int32(length).littleEndian])
    allLengths.append(DocumentLength.byte(length))
    try lengthBytes.append(numbers: [DocumentLength.byte(length)])
    numbers.total += length
    if length > 0 {
      numbers.filled += 1
      numbers.texts += 1
    }
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try putAside()
    let ordinals = segment.renumbered(from: writer.documents)
    let postings = try TermPostings(segment)
    try postings.check()
    if postings.lengthsAreGiven { lengthsAreGiven = true }
    let others = (0..<postings.withoutTerms.count)
      .map { ordinals[Int(postings.withoutTerms[$0])] }.filter { $0 >= 0 }
    try append(withoutTerms: others)
    try writer.append(idsOf: segment)
    for document in 0..<segment.documents where segment.isLive(document) {
      try append(length: Int(postings.lengths[document]))
    }
    // Terms ascend there as they will here; those of deleted documents alone are none.
    var termNumbers = [Int](repeating: -1, count: postings.count)
    try blocks.putAside { add throws(Failure) in
      for term in 0..<postings.count {
        let (found, counts) = try postings.all(term)
        let live = found.indices.filter { ordinals[Int(found[$0])] >= 0 }
        if live.isEmpty { continue }
        let number = try postings.withTerm(term) { table.insert($0).index }
        termNumbers[term] = number
        let documents = live.map { ordinals[Int(found[$0])] }
        let frequencies = live.map { counts[$0] }
        try frequencies.withUnsafeBufferPointer { frequencies throws(Failure) in
          try add(number, documents, UnsafeRawBufferPointer(frequencies))
        }
      }
    }
    if vectors != nil { try append(vectorsOf: segment, termNumbers) }
  }

  /// - Parameters:
  ///   - segment: Where the vectors are.
  ///   - numbers: The number here of each term there; -1 of one that no document has any more.
  /// - Throws: 65 where a vector is damaged, 74 where the file cannot be written.
  private mutating func append(
    vectorsOf segment: IndexSegment, _ numbers: [Int]
  ) throws(Failure) {
    let stored = try TermVectors(segment)
    for document in 0..<segment.documents where segment.isLive(document) {
      let terms = try stored.terms(of: document)
      guard terms.allSatisfy({ $0.term < numbers.count && numbers[$0.term] >= 0 }) else {
        throw stored.damaged(document)
      }
      try vectors?.append(
        terms: terms.map { Int32(numbers[$0.term]) }[...],
        frequencies: terms.map { Int32($0.frequency) }[...])
    }
  }

  mutating func finish() throws(Failure) -> IndexContent {
    try putAside()
    (terms, documents, frequencies) = ([], [], [])
    let table = table
    let ordered = ordered
    if let vectors {
      var ranks = [Int32](repeating: 0, count: table.count)
      for (rank, term) in ordered.enumerated() { ranks[Int(term)] = Int32(rank) }
      try vectors.finish(ranks, writer)
    }
    let total = try writePostings(ordered)
    return IndexContent(
      statistics: [
        JSON.Member("terms", .integer(table.count)), JSON.Member("postings", .integer(total)),
      ] + numbers.statistics
        + (lengthsAreGiven ? [JSON.Member(BM25.givenLengths, .bool(true))] : []))
  }

  /// Writes terms and postings.
  ///
  /// - Parameter ordered: All terms in bytewise order.
  /// - Returns: Number of postings.
  /// - Throws: 74 where a file cannot be read or written.
  private func writePostings(_ ordered: [Int32]) throws(Failure) -> Int {
    let termFile = try writer.create(BM25.termBytes)
    let termOffsets = try writer.create(BM25.termOffsets)
    let postingFile = try writer.create(BM25.postings)
    let postingOffsets = try writer.create(BM25.postingOffsets)
    var encoder = PostingListEncoder(lengths: allLengths)
    var end: Int64 = 0
    var postingEnd: Int64 = 0
    var (found, counts): ([Int32], [Int32]) = ([], [])
    func flush() throws(Failure) {
      if found.isEmpty { return }
      let bytes = encoder.encode(found, counts)
      try postingFile.append(numbers: bytes)
      postingEnd += Int64(bytes.count)
      found.removeAll(keepingCapacity: true)
      counts.removeAll(keepingCapacity: true)
    }
    let table = table
    let total = try blocks.join(
      order: ordered, terms: table.count,
      begin: { term, start throws(Failure) in
        try flush()
        try termOffsets.append(numbers: [end.littleEndian])
        try postingOffsets.append(numbers: [postingEnd.littleEndian])
        let bytes = table[Int(term)].bytes
        try termFile.append(numbers: bytes)
        end += Int64(bytes.count)
      },
      documents: { found.append(contentsOf: $0.bindMemory(to: Int32.self)) },
      weights: { counts.append(contentsOf: $0.bindMemory(to: Int32.self)) })
    try flush()
    try termOffsets.append(numbers: [end.littleEndian])
    try postingOffsets.append(numbers: [postingEnd.littleEndian])
    return total
  }

  /// All terms in bytewise order.
  private var ordered: [Int32] {
    (0..<Int32(table.count)).sorted { a, b in
      table.withBytes(Int(a)) { a in table.withBytes(Int(b)) { ByteOrder.compare(a, $0) < 0 } }
    }
  }

  mutating func putAside() throws(Failure) {
    if terms.isEmpty { return }
    try blocks.putAside(terms, documents, frequencies, order: ordered, terms: table.count)
    terms.removeAll(keepingCapacity: true)
    documents.removeAll(keepingCapacity: true)
    frequencies.removeAll(keepingCapacity: true)
  }
}
