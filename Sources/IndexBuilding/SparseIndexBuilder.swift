import Failures
import IndexFormat
import Streams
import Tensors

/// Postings by term, from vectors by document: blocks of documents are turned round in memory and
/// put aside, and joined term by term at the end.
///
/// Memory: one block, the ids of all documents, a number for each term, and some for each block.
package struct SparseIndexBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let dimension: Int
  private let blockPostings: Int
  private var manifest: IndexManifest
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

  /// `dimension`: size of the vocabulary.
  ///
  /// `maxMemory`: bytes that a block may take.
  ///
  /// Throws: 78 for vectors that are not compared by their dot product.
  package init(
    _ target: String, dimension: Int, description: StreamDescription, seed: UInt64,
    maxMemory: Int = 1 << 30
  ) throws(Failure) {
    if let similarity = description.similarity, similarity != "dot" {
      throw .config(
        target, "a sparse index searches by dot product, the vectors' similarity is \(similarity)",
        hint: "lir-rerank scores them as they are")
    }
    self.dimension = dimension
    blockPostings = max(1, (maxMemory - Self.bytesPerTerm * dimension) / Self.bytesPerPosting)
    writer = try IndexWriter(target)
    spool = try SpoolFile(writer.path(IndexWriter.spoolFile))
    manifest = IndexManifest(
      kind: .sparse, documents: 0, dimension: dimension, element: .f32, stream: description,
      seed: seed, files: [])
  }

  package mutating func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
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

  package mutating func append(contentsOf index: IndexFolder) throws(Failure) {
    try putAside()
    let first = writer.documents
    let termFile = try index.tensors(SparseFiles.offsets)
    let documentFile = try index.tensors(SparseFiles.documents)
    let weightFile = try index.tensors(SparseFiles.weights)
    guard let t = termFile.entry("offsets"), t.shape == [dimension + 1], t.type == .i64,
      let d = documentFile.entry("documents"), d.shape.count == 1, d.type == .i32,
      let w = weightFile.entry("weights"), w.shape == d.shape, w.type == .f32
    else { throw .data(index.path, "the postings do not fit \(dimension) terms") }
    try writer.append(idsOf: index)
    let offsets = termFile.bytes(t)
    let source = documentFile.bytes(d)
    let values = weightFile.bytes(w)
    // The index's postings are a block already; its documents come behind those that are here.
    let start = spool.count
    var from = 0
    guard Self.int64(offsets, 0) == 0 else {
      throw .data(termFile.path, "damaged: the first offset is not 0")
    }
    for term in 0..<dimension {
      let to = Self.int64(offsets, term + 1)
      guard to >= from, to <= d.elements, to - from <= index.manifest.documents else {
        throw .data(
          termFile.path, "damaged: the postings of term \(term) lie outside of their file")
      }
      if to > from {
        try appendHeader(term, to - from)
        try append(source, from..<to, of: index, behind: first)
        try spool.append(UnsafeRawBufferPointer(rebasing: values[4 * from..<4 * to]))
      }
      from = to
    }
    guard from == d.elements else {
      throw .data(termFile.path, "damaged: postings beyond the last term")
    }
    for i in 0..<w.elements {
      let value = values.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
      guard value.isFinite else {
        throw .data(weightFile.path, "damaged: posting \(i) has weight \(value)")
      }
    }
    if spool.count > start { blocks.append(start..<spool.count) }
  }

  private static func int64(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
    Int(bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self))
  }

  /// Puts the documents of one term of an index aside, by their new ordinals.
  private func append(
    _ source: UnsafeRawBufferPointer, _ range: Range<Int>, of index: IndexFolder, behind first: Int
  ) throws(Failure) {
    var last = -1
    var shifted: [Int32] = []
    for i in range {
      let document = Int(source.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self))
      // Of documents that are in the writer, so the sum fits as well.
      guard document > last, document < index.manifest.documents else {
        throw .data(index.path, "damaged: posting \(i) is of document \(document)")
      }
      last = document
      shifted.append(Int32(document + first))
      if shifted.count == 1 << 16 {
        try spool.append(shifted[...])
        shifted.removeAll(keepingCapacity: true)
      }
    }
    try spool.append(shifted[...])
  }

  package mutating func finish() throws(Failure) -> Int {
    try putAside()
    (terms, documents, weights) = ([], [], [])
    try join()
    manifest.documents = writer.documents
    try writer.finish(
      manifest, files: [SparseFiles.offsets, SparseFiles.documents, SparseFiles.weights])
    return writer.documents
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
  private func join() throws(Failure) {
    try spool.drain()
    let offsetFile = try StreamedTensorFile(
      writer.path(SparseFiles.offsets), name: "offsets", type: .i64, columns: nil)
    let documentFile = try StreamedTensorFile(
      writer.path(SparseFiles.documents), name: "documents", type: .i32, columns: nil)
    let weightFile = try StreamedTensorFile(
      writer.path(SparseFiles.weights), name: "weights", type: .f32, columns: nil)
    var waiting = WaitingBlocks(dimension: dimension, blocks: blocks)
    for block in blocks.indices { try waiting.advance(block, spool) }
    var total: Int64 = 0
    for term in 0...dimension {
      try Self.append(total, to: offsetFile)
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
    try offsetFile.finish()
    try documentFile.finish()
    try weightFile.finish()
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

  private static func append(_ value: Int64, to file: StreamedTensorFile) throws(Failure) {
    var failure: Failure?
    withUnsafeBytes(of: value.littleEndian) { bytes in
      do throws(Failure) { try file.append(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
