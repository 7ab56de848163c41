import Clustering
import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors
import Workers

/// Learns centroids of vectors of which documents have several, and puts all of them into lists.
///
/// Memory: that of the sample, and four bytes a vector.
struct TokenListBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let settings: ListDemands
  private let work: IndexWork
  private let similarity: Similarity
  private let width: Int
  private var vectors: MultiVectorBuilder
  private let offsets: StreamedTensorFile
  private let centroidFile: StreamedTensorFile
  private let entries: StreamedTensorFile
  /// All vectors as they are compared with centroids.
  private let spool: SpoolFile
  private var assigned: [Int32] = []
  private var documents = 0
  private var codebook: ListCodebook?
  private var search: CentroidSearch?

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ settings: ListDemands, _ work: IndexWork
  ) throws(Failure) {
    self.writer = writer
    self.settings = settings
    self.work = work
    similarity = try Flat.similarity(source, IVF.name)
    width = source.dimension ?? 0
    vectors = try MultiVectorBuilder(keepingVectorsIn: writer, source, work)
    offsets = try writer.create(IVF.lists)
    centroidFile = try writer.create(IVF.listCentroids, columns: width)
    entries = try writer.create(TokenLists.entries)
    spool = try writer.spool()
  }

  // MARK: Learning

  var sampleSize: Int? { .max }

  /// Vectors for each list, and documents that are looked at, where nothing else is said.
  private static let (sample, documentsOfSample) = (64, 4096)
  /// Vectors that a list has at least, where nothing else is said.
  private static let leastVectors = 39

  /// Copies of a vector that learning keeps: itself, rotated, and what is left of it beside its centroid.
  private static let copies = 3

  mutating func sampleSize(of documents: Int) throws(Failure) -> Int {
    self.documents = documents
    let wanted = max(Self.documentsOfSample, 4 * (settings.lists ?? 0), settings.sample ?? 0)
    return min(documents, wanted)
  }

  mutating func train(on sample: Embeddings) throws(Failure) {
    guard case .vectors(let sets, _) = sample else { return }
    let found = sets.reduce(0) { $0 + $1.values.count } / max(width, 1)
    if found == 0 { return }
    let all = Double(found) * Double(documents) / Double(sets.count)
    let lists =
      settings.lists
      ?? max(1, min(Int((4 * all.squareRoot()).rounded()), found / Self.leastVectors))
    guard found >= lists else {
      throw .usage(
        "--\(IVF.centroids) \(lists): expected at most one for each of the \(found) vectors that it "
          + "is learned from", hint: "ask for fewer, or leave it out")
    }
    var wanted = min(
      found, max(settings.sample ?? Self.sample * max(lists, settings.entries ?? 0), lists))
    if settings.sample == nil {
      let room = (work.memory / (4 * width) - found - 3 * lists) / Self.copies
      wanted = max(min(wanted, room), min(wanted, Self.leastVectors * lists))
    }
    let bytes = 4 * (found + Self.copies * wanted + 3 * lists) * width
    guard bytes <= work.memory else {
      throw .usage(
        "--max-memory: learning \(lists) centroids from \(found) vectors takes \(bytes) bytes",
        hint: "allow more, or give a smaller --\(IVF.training) or --\(IVF.centroids)")
    }
    var values: [Float] = []
    values.reserveCapacity(wanted * width)
    let rows = IndexBuild.chosen(wanted, of: found, seed: work.seed, stream: 1)
    var (first, next) = (0, 0)
    for set in sets {
      let end = first + set.values.count / width
      while next < rows.count, rows[next] < end {
        values += set.values[(rows[next] - first) * width..<(rows[next] - first + 1) * width]
        next += 1
      }
      first = end
    }
    codebook = try ListCodebook.learned(
      from: values, dimension: width, lists: lists, similarity, settings, work)
    search = codebook.map { CentroidSearch($0.centroids, work.kernels) }
  }

  mutating func adopt(from segment: IndexSegment) throws(Failure) {
    codebook = try ListCodebook.of(segment, work.kernels)
    search = codebook.map { CentroidSearch($0.centroids, work.kernels) }
  }

  // MARK: Documents

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    try vectors.append(documents)
    guard case .vectors(let sets, _) = try documents.embeddings(work.kernels) else {
      preconditionFailure("lists of several vectors a document take such")
    }
    try add(sets.flatMap(\.values))
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try vectors.append(contentsOf: segment)
    let rows = try segment.tensor(MultiVector.vectors)
    let scales = rows.entry.type == .i8 ? try segment.tensor(MultiVector.scales) : nil
    let stored = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, work.kernels)
    let offsets = try RaggedOffsets(segment, MultiVector.offsets, rows: stored.count)
    let scratch = AlignedBuffer(count: Self.batch * width)
    for live in segment.liveRanges {
      let first = try offsets.range(live.lowerBound).lowerBound
      let end = try offsets.range(live.upperBound - 1).upperBound
      for start in stride(from: first, to: end, by: Self.batch) {
        let view = stored.rows(start..<min(start + Self.batch, end), scratch: scratch)
        try add(Array(UnsafeBufferPointer(start: view.base, count: view.rows * width)))
      }
    }
  }

  /// Finds the lists of values[vectors, width].
  private mutating func add(_ values: [Float]) throws(Failure) {
    if values.isEmpty { return }
    guard let search else {
      throw .config(
        writer.target, "the index has no vectors, and has learned nothing",
        hint: "build it anew, or train a codebook on other documents")
    }
    guard assigned.count + values.count / width <= Int(Int32.max) else {
      throw .data(writer.target, "lists hold at most \(Int32.max) vectors; build shards")
    }
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    assigned += values.withMatrix(columns: width) { search.assign($0, work.pool).centroids }
    // Vectors that are not coded need not be read again.
    if settings.codes != nil { try spool.append(values[...]) }
  }

  // MARK: Writing

  /// Vectors that are coded at a time: whole blocks.
  private static let batch = 1024

  mutating func finish() throws(Failure) -> IndexContent {
    var content = try vectors.finish()
    content.codebook = codebook?.digest
    content.library = codebook?.library
    let coder = codebook?.coder(settings, seed: work.seed)
    try ListCodebook.writeProducts(codebook, settings, writer, width: width)
    if let codebook { try centroidFile.append(numbers: codebook.centroids.values) }
    let codes =
      settings.codes == nil ? nil : try ListCodeWriter(writer, depth: coder?.depth ?? 2)
    try spool.drain()
    let count = codebook?.centroids.count ?? 0
    var starts = [Int](repeating: 0, count: count + 1)
    for list in assigned { starts[Int(list) + 1] += 1 }
    for list in 0..<count { starts[list + 1] += starts[list] }
    var order = [Int32](repeating: 0, count: assigned.count)
    var next = starts
    for (vector, list) in assigned.enumerated() {
      order[next[Int(list)]] = Int32(vector)
      next[Int(list)] += 1
    }
    try offsets.append(numbers: starts.map { Int64($0) })
    try entries.append(numbers: order)
    if let codes, let coder, let centroids = codebook?.centroids {
      for list in 0..<count {
        let centroid = Array(centroids.values[list * width..<(list + 1) * width])
        for start in stride(from: starts[list], to: starts[list + 1], by: Self.batch) {
          let values = try read(order[start..<min(start + Self.batch, starts[list + 1])])
          for code in coder.codes(of: values, centroid, similarity, work) {
            try codes.append(code)
          }
        }
        try codes.endList()
      }
    }
    return content
  }

  private func read(_ numbers: ArraySlice<Int32>) throws(Failure) -> [Float] {
    let size = width * MemoryLayout<Float>.stride
    var values: [Float] = []
    values.reserveCapacity(numbers.count * width)
    for number in numbers {
      let place = Int(number) * size
      try spool.read(place..<place + size) { bytes in
        for i in 0..<width {
          values.append(bytes.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
        }
      }
    }
    return values
  }
}
