import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes vectors as they come, and all else at the end: whatever parts the documents came in, it is
/// made of all of them.
///
/// Memory: the ids of all documents, some numbers a term for every worker, and of the postings as many
/// as there is room for at a time.
struct SeismicBuilder: IndexBuilder {
  /// How lists are made.
  struct Shape {
    var postings: Int
    var fraction: Double
    var least: Int
    var energy: Double
    var neighbours: Int
  }

  private let writer: IndexWriter
  private let dimension: Int
  private let isCosine: Bool
  private let shape: Shape
  private let work: IndexWork
  private var vectors: DocumentVectorWriter

  /// Bytes that a posting takes while lists are made.
  private static let bytesPerPosting = 32
  /// Postings that a worker turns into lists at a time.
  private static let share = 1 << 14

  /// - Throws: 73 where the files cannot be made, 78 for a similarity that is not searched by.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ shape: Shape, _ work: IndexWork
  ) throws(Failure) {
    guard let dimension = source.dimension else {
      preconditionFailure("an index of sparse vectors without a vocabulary")
    }
    self.writer = writer
    self.dimension = dimension
    self.shape = shape
    self.work = work
    isCosine = try Sparse.similarity(source, nil) == .cosine
    vectors = try DocumentVectorWriter(writer, Seismic.vectors, dimension: dimension)
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    try vectors.append(documents, writer)
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try vectors.append(contentsOf: segment, writer)
  }

  mutating func finish() throws(Failure) -> IndexContent {
    let total = self.vectors.total
    let vectors = try self.vectors.finish(documents: writer.documents)
    let documents = DocumentFactors(vectors: vectors, isCosine: isCosine)
    let numbers = TermNumbers(vectors)
    try writer.create(Seismic.numbers).append(numbers: numbers.numbers)
    let codeFile = try writer.create(Seismic.codes)
    try ForwardCodes.write(to: codeFile, documents, numbers, work.pool)
    let codes = ForwardCodes(
      vectors.offsetTensor, try IndexTensor(finishing: codeFile, Seismic.codes),
      documents: vectors.count, dimension: dimension)
    guard let codes else { preconditionFailure("codes that were just written") }
    let lists = try writeLists(documents, numbers, codes)
    if shape.neighbours > 0 {
      let file = try writer.create(Seismic.neighbours, columns: shape.neighbours)
      try NeighbourLists.write(
        to: file, shape.neighbours, vectors, ListSearch(codes, lists, numbers: numbers.numbers),
        work)
    }
    return IndexContent(statistics: [JSON.Member("postings", .integer(total))])
  }

  private func writeLists(
    _ documents: DocumentFactors, _ numbers: TermNumbers, _ codes: ForwardCodes
  ) throws(Failure) -> SeismicLists {
    let startFile = try writer.create(Seismic.starts)
    let listFile = try writer.create(Seismic.lists)
    let selection = PostingSelection(
      documents, postings: shape.postings, numbers.frequencies)
    let (dimension, shape, seed) = (dimension, shape, work.seed)
    let scratch = WorkerLocal(work.pool) {
      (
        clusters: ListClusters(
          codes, dimension: dimension, fraction: shape.fraction, least: shape.least, seed: seed),
        summaries: ListSummaries(codes, dimension: dimension, energy: shape.energy)
      )
    }
    var start: Int64 = 0
    try startFile.append(numbers: [start])
    let room = max(1, work.memory / 2 / Self.bytesPerPosting)
    try selection.forEachGroup(documents, room: room) { first, postings throws(Failure) in
      for some in Self.batches(postings, work.pool.threads) {
        let made = Results<(bytes: [UInt8], ends: [Int])>(some.count)
        work.pool.forEachUnchecked(some.count) { index, worker in
          var bytes: [UInt8] = []
          var ends: [Int] = []
          scratch.with(worker) { scratch in
            for place in some[index] {
              let own = postings[place]
              if !own.isEmpty {
                let kept =
                  own.count <= selection.most ? own : Array(own.sorted().prefix(selection.most))
                let clusters = scratch.clusters.clusters(
                  of: kept.map(\.document).sorted(), term: first + place)
                SeismicList.append(
                  frequency: numbers.frequencies[first + place], clusters,
                  scratch.summaries.summaries(of: clusters), to: &bytes)
              }
              ends.append(bytes.count)
            }
          }
          made.set(index, (bytes, ends))
        }
        for index in some.indices {
          let (bytes, ends) = made.take(index)
          try listFile.append(numbers: bytes)
          try startFile.append(numbers: ends.map { start + Int64($0) })
          start += Int64(bytes.count)
        }
      }
    }
    return try SeismicLists(
      MappedColumn(IndexTensor(finishing: startFile, Seismic.starts)),
      MappedColumn(IndexTensor(finishing: listFile, Seismic.lists)), dimension: dimension,
      writer.target)
  }

  /// Shares of some terms, a few for every worker at a time.
  private static func batches(
    _ postings: [[PostingSelection.Posting]], _ threads: Int
  ) -> [[Range<Int>]] {
    var shares: [Range<Int>] = []
    var (first, total) = (0, 0)
    for place in postings.indices {
      total += postings[place].count
      if total >= share || place + 1 == postings.count {
        shares.append(first..<place + 1)
        (first, total) = (place + 1, 0)
      }
    }
    let batch = 4 * threads
    return stride(from: 0, to: shares.count, by: batch).map {
      Array(shares[$0..<min($0 + batch, shares.count)])
    }
  }
}
