import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors

/// Postings by term, from vectors by document.
///
/// Memory: one block of postings, the ids of all documents, and what `PostingBlocks` says.
struct SparseBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let dimension: Int
  private let blockPostings: Int
  /// Postings of the current block in the order of documents.
  private var terms: [Int32] = []
  private var documents: [Int32] = []
  private var weights: [Float] = []
  private var blocks: PostingBlocks<Float>

  /// - Throws: 73 where the files cannot be made.
  init(_ writer: IndexWriter, _ source: IndexSource, _ work: IndexWork) throws(Failure) {
    guard let dimension = source.dimension else {
      preconditionFailure("a sparse index without a vocabulary")
    }
    self.writer = writer
    self.dimension = dimension
    blockPostings = max(
      1,
      (work.memory - PostingBlocks<Float>.bytesPerTerm * dimension)
        / PostingBlocks<Float>.bytesPerPosting)
    blocks = PostingBlocks(try writer.spool())
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
    let numbers = segment.renumbered(from: writer.documents)
    let postings = try Postings(segment)
    try postings.check()
    try writer.append(idsOf: segment)
    // The segment's documents come behind those that are here.
    try blocks.putAside { add throws(Failure) in
      for term in 0..<dimension {
        let live = postings.range(term).filter { numbers[Int(postings.documents[$0])] >= 0 }
        if live.isEmpty { continue }
        let documents = live.map { numbers[Int(postings.documents[$0])] }
        try live.map { postings.weights[$0] }.withUnsafeBufferPointer { weights throws(Failure) in
          try add(term, documents, UnsafeRawBufferPointer(weights))
        }
      }
    }
  }

  mutating func finish() throws(Failure) -> IndexContent {
    try putAside()
    (terms, documents, weights) = ([], [], [])
    let offsetFile = try writer.create(Sparse.offsets)
    let documentFile = try writer.create(Sparse.documents)
    let weightFile = try writer.create(Sparse.weights)
    let total = try blocks.join(
      order: allTerms, terms: dimension,
      begin: { _, start throws(Failure) in
        try offsetFile.append(numbers: [Int64(start).littleEndian])
      },
      documents: documentFile.append, weights: weightFile.append)
    try offsetFile.append(numbers: [Int64(total).littleEndian])
    return IndexContent(statistics: [JSON.Member("postings", .integer(total))])
  }

  private var allTerms: some Sequence<Int32> { Int32(0)..<Int32(dimension) }

  /// Sorts the current block by term and writes it.
  private mutating func putAside() throws(Failure) {
    try blocks.putAside(terms, documents, weights, order: allTerms, terms: dimension)
    terms.removeAll(keepingCapacity: true)
    documents.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
  }
}
