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
  private let offsets: StreamedTensorFile
  private let terms: StreamedTensorFile
  private let weights: StreamedTensorFile
  private var total = 0

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
    offsets = try writer.create(Sparse.vectorOffsets)
    terms = try writer.create(Sparse.vectorTerms, type: DocumentVectors.termType(dimension))
    weights = try writer.create(Sparse.vectorWeights)
    try offsets.append(numbers: [Int64(0)])
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("a sparse index takes vectors")
    }
    precondition(segment.schema.kind == .sparse, "not a sparse stream")
    for index in range {
      let indices = segment.values(index, column: 0, as: Int32.self)
      let values = segment.values(index, column: 1, as: Float.self)
      let id = segment.id(index)
      for (i, term) in indices.enumerated() {
        guard term >= 0, term < dimension, i == 0 || indices[i - 1] < term, values[i].isFinite
        else {
          throw .data(
            "document \(String(decoding: id, as: UTF8.self))",
            "expected ascending terms below \(dimension) with finite weights")
        }
      }
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try writer.append(id: UnsafeRawBufferPointer(id))
      }
      try append(indices, values)
    }
  }

  /// Adds a vector whose terms are known to ascend within the vocabulary.
  private mutating func append(_ indices: [Int32], _ values: [Float]) throws(Failure) {
    if DocumentVectors.termType(dimension) == .u16 {
      try terms.append(numbers: indices.map { UInt16($0) })
    } else {
      try terms.append(numbers: indices)
    }
    try weights.append(numbers: values)
    total += indices.count
    try offsets.append(numbers: [Int64(total)])
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try writer.append(idsOf: segment)
    if Sparse.isPlain(segment) {
      let postings = try PlainPostings(segment)
      try postings.check()
      var document = 0
      return try postings.forEachVector(memory: work.memory) { vector throws(Failure) in
        if segment.isLive(document) { try append(vector.indices, vector.values) }
        document += 1
      }
    }
    let vectors = try DocumentVectors(segment)
    if let fault = vectors.fault() { throw .data(segment.folder, "damaged: \(fault)") }
    for range in segment.liveRanges { try append(range, of: vectors) }
    vectors.discard()
  }

  private mutating func append(
    _ range: Range<Int>, of vectors: DocumentVectors
  ) throws(Failure) {
    let step = 1 << 12
    for first in stride(from: range.lowerBound, to: range.upperBound, by: step) {
      let documents = first..<min(first + step, range.upperBound)
      let bytes = vectors.bytes(documents)
      try terms.append(bytes.terms)
      try weights.append(bytes.weights)
      for document in documents {
        total += vectors.range(document).count
        try offsets.append(numbers: [Int64(total)])
      }
    }
  }

  mutating func finish() throws(Failure) -> IndexContent {
    func written(_ file: StreamedTensorFile, _ declared: IndexFile) throws(Failure) -> IndexTensor {
      try file.finish()
      return try IndexTensor(file.path, declared.tensor)
    }
    let vectors = DocumentVectors(
      try written(offsets, Sparse.vectorOffsets), try written(terms, Sparse.vectorTerms),
      try written(weights, Sparse.vectorWeights), documents: writer.documents,
      dimension: dimension)
    guard let vectors else { preconditionFailure("vectors that were just written") }
    var order = DocumentOrder(same: vectors.count)
    if reorders {
      let made = BisectionOrder(vectors, work.pool).documents()
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

extension IndexTensor {
  /// A tensor of a file that was just written.
  ///
  /// - Throws: 65 where it is not there.
  fileprivate init(_ path: String, _ name: String) throws(Failure) {
    let file = try SafeTensorsFile(path)
    guard let entry = file.entry(name) else { preconditionFailure("no \(name) in \(path)") }
    self.init(file: file, entry: entry)
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
