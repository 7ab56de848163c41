import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors
import Vectors

/// Writes vectors as they come, and their postings at the end.
///
/// Memory: the ids of all documents, and what `WindowTurn` says.
struct SparseBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let dimension: Int
  private let window: Int
  private let isCosine: Bool
  private let reorders: Bool
  private let work: IndexWork
  private var vectors: DocumentVectorWriter

  /// - Throws: 73 where the files cannot be made, 78 for a similarity that is not searched by.
  init(
    _ writer: IndexWriter, _ source: IndexSource, window: Int, reorders: Bool, _ work: IndexWork
  ) throws(Failure) {
    guard let dimension = source.dimension else {
      preconditionFailure("a sparse index without a vocabulary")
    }
    self.writer = writer
    self.dimension = dimension
    self.window = window
    self.reorders = reorders
    self.work = work
    isCosine = try Sparse.similarity(source, nil) == .cosine
    vectors = try DocumentVectorWriter(writer, Sparse.vectors, dimension: dimension)
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    try vectors.append(documents, writer)
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    guard Sparse.isPlain(segment) else { return try vectors.append(contentsOf: segment, writer) }
    try writer.append(idsOf: segment)
    let postings = try PlainPostings(segment)
    try postings.check()
    var document = 0
    try postings.forEachVector(memory: work.memory) { vector throws(Failure) in
      if segment.isLive(document) { try vectors.append(vector.indices, vector.values) }
      document += 1
    }
  }

  mutating func finish() throws(Failure) -> IndexContent {
    let total = self.vectors.total
    let vectors = try self.vectors.finish(documents: writer.documents)
    var order = DocumentOrder(same: vectors.count)
    if reorders {
      let made = BisectionOrder(vectors, work.pool, memory: work.memory / 4).documents()
      try writer.create(Sparse.order).append(numbers: made)
      order = DocumentOrder(made)
    }
    try writePostings(
      WindowTurn(
        vectors: vectors, order: order, window: window, isCosine: isCosine, work: work))
    return IndexContent(statistics: [JSON.Member("postings", .integer(total))])
  }
}

extension SparseBuilder {
  /// Writes the postings and the bounds of all windows.
  private func writePostings(_ turn: WindowTurn) throws(Failure) {
    let startFile = try writer.create(Sparse.starts)
    let postingFile = try writer.create(Sparse.postings)
    let boundFile = try writer.create(Sparse.bounds)
    let scaleFile = try writer.create(Sparse.boundScales)
    var boundWriter = WindowBoundWriter(try writer.spool(), terms: dimension)
    var start: Int64 = 0
    for window in 0..<ImpactPostings.windows(writer.documents, window) {
      let documents = min(self.window, writer.documents - window * self.window)
      var starts: [Int64] = []
      var bounds: [Float] = []
      starts.reserveCapacity(dimension)
      bounds.reserveCapacity(dimension)
      try turn.runs(window) { run throws(Failure) in
        starts.append(start)
        start += Int64(run.count)
        bounds.append(WindowBoundWriter.bound(run, documents: documents))
        try run.withUnsafeBufferPointer { run throws(Failure) in
          try postingFile.append(UnsafeRawBufferPointer(run))
        }
      }
      try startFile.append(numbers: starts)
      try boundWriter.append(bounds)
    }
    try startFile.append(numbers: [start])
    try boundWriter.finish { codes, scale throws(Failure) in
      try boundFile.append(numbers: codes)
      try scaleFile.append(numbers: [scale])
    }
  }
}

extension PlainPostings {
  /// Calls `body` with the vector of every document, so many at a time as there is memory for.
  func forEachVector(
    memory: Int, _ body: (SparseVector) throws(Failure) -> Void
  ) throws(Failure) {
    var counts = [Int](repeating: 0, count: count)
    for posting in 0..<documents.count { counts[Int(documents[posting])] += 1 }
    var places = (0..<terms).map { range($0).lowerBound }
    let room = max(1, memory / 64)
    var first = 0
    while first < count {
      var (end, total) = (first, 0)
      while end < count, end == first || total + counts[end] <= room {
        total += counts[end]
        end += 1
      }
      var vectors = [SparseVector](repeating: SparseVector(), count: end - first)
      for term in 0..<terms {
        let limit = range(term).upperBound
        while places[term] < limit, Int(documents[places[term]]) < end {
          let document = Int(documents[places[term]]) - first
          vectors[document].indices.append(Int32(term))
          vectors[document].values.append(weights[places[term]])
          places[term] += 1
        }
      }
      for vector in vectors { try body(vector) }
      first = end
    }
  }
}
