import Failures
import Glibc
import IndexFormat
import Streams
import Tensors

/// Postings by term, from vectors by document: blocks of documents are turned round in memory and
/// put aside, and joined term by term at the end.
///
/// Memory: one block, and three numbers a term and block.
package struct SparseIndexBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let dimension: Int
  private let blockPostings: Int
  private var manifest: IndexManifest
  /// Postings of the current block in the order of documents.
  private var terms: [Int32] = []
  private var documents: [Int32] = []
  private var weights: [Float] = []
  private var blocks: [Block] = []

  /// Postings of some documents by term, in a file of its own.
  private struct Block {
    var path: String
    /// Where each term's postings start, dimension + 1.
    var offsets: [Int]
  }

  /// A posting in memory and in a block: term, document, weight; and once more while sorting.
  private static let bytesPerPosting = 24

  /// `dimension`: size of the vocabulary.
  ///
  /// `maxMemory`: bytes that a block may take.
  package init(
    _ target: String, dimension: Int, description: StreamDescription, seed: UInt64,
    maxMemory: Int = 1 << 30
  ) throws(Failure) {
    self.dimension = dimension
    blockPostings = max(1, maxMemory / Self.bytesPerPosting)
    writer = try IndexWriter(target)
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
    terms += indices
    weights += values
    documents += repeatElement(document, count: indices.count)
    try id.withUnsafeBufferPointer { id throws(Failure) in
      try writer.append(id: UnsafeRawBufferPointer(id))
    }
    if terms.count >= blockPostings { try putAside() }
  }

  package mutating func append(contentsOf index: IndexFolder) throws(Failure) {
    try putAside()
    let first = Int32(writer.documents)
    try writer.append(idsOf: index)
    let terms = try index.tensors(SparseFiles.offsets)
    let documents = try index.tensors(SparseFiles.documents)
    let weights = try index.tensors(SparseFiles.weights)
    guard let t = terms.entry("offsets"), t.shape == [dimension + 1],
      let d = documents.entry("documents"), let w = weights.entry("weights"), d.shape == w.shape
    else { throw .data(index.path, "the postings do not fit \(dimension) terms") }
    let offsets = (0...dimension).map { term in
      Int(terms.bytes(t).loadUnaligned(fromByteOffset: 8 * term, as: Int64.self))
    }
    // The index's postings are a block already; its documents come behind those that are here.
    let path = writer.path("block.\(blocks.count)")
    let output = try ByteWriter(path, compression: Compression.none)
    let source = documents.bytes(d)
    for start in stride(from: 0, to: d.elements, by: 1 << 18) {
      let shifted = (start..<min(start + (1 << 18), d.elements)).map {
        source.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) + first
      }
      try output.write(shifted.withUnsafeBytes { Array($0) })
    }
    try output.write(weights.bytes(w))
    try output.finish()
    blocks.append(Block(path: path, offsets: offsets))
  }

  package mutating func finish() throws(Failure) -> Int {
    try putAside()
    try join()
    manifest.documents = writer.documents
    try writer.finish(
      manifest, files: [SparseFiles.offsets, SparseFiles.documents, SparseFiles.weights])
    return writer.documents
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
    let path = writer.path("block.\(blocks.count)")
    let output = try ByteWriter(path, compression: Compression.none)
    try output.write(sortedDocuments.withUnsafeBytes { Array($0) })
    try output.write(sortedWeights.withUnsafeBytes { Array($0) })
    try output.finish()
    blocks.append(Block(path: path, offsets: offsets))
    terms.removeAll(keepingCapacity: true)
    documents.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
  }

  /// Writes the terms' postings from all blocks, whose documents follow each other.
  private func join() throws(Failure) {
    let offsetFile = try StreamedTensorFile(
      writer.path(SparseFiles.offsets), name: "offsets", type: .i64, columns: nil)
    let documentFile = try StreamedTensorFile(
      writer.path(SparseFiles.documents), name: "documents", type: .i32, columns: nil)
    let weightFile = try StreamedTensorFile(
      writer.path(SparseFiles.weights), name: "weights", type: .f32, columns: nil)
    var maps: [MappedFile] = []
    for block in blocks { maps.append(try MappedFile(block.path)) }
    var total: Int64 = 0
    for term in 0...dimension {
      try Self.append(total, to: offsetFile)
      if term == dimension { break }
      for (block, map) in zip(blocks, maps) {
        let range = block.offsets[term]..<block.offsets[term + 1]
        if range.isEmpty { continue }
        let weightStart = 4 * (block.offsets[dimension])
        try documentFile.append(
          UnsafeRawBufferPointer(rebasing: map.bytes[4 * range.lowerBound..<4 * range.upperBound]))
        try weightFile.append(
          UnsafeRawBufferPointer(
            rebasing: map.bytes[
              weightStart + 4 * range.lowerBound..<weightStart + 4 * range.upperBound]))
        total += Int64(range.count)
      }
    }
    try offsetFile.finish()
    try documentFile.finish()
    try weightFile.finish()
    for block in blocks { unlink(block.path) }
  }

  private static func append(_ value: Int64, to file: StreamedTensorFile) throws(Failure) {
    var failure: Failure?
    withUnsafeBytes(of: value.littleEndian) { bytes in
      do throws(Failure) { try file.append(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
