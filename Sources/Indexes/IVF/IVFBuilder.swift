import Clustering
import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors

/// Learns centroids, keeps documents in a file until all of them are known, and writes them list by
/// list, each in the order in which they came.
struct IVFBuilder: IndexBuilder {
  private let settings: ListDemands
  private let work: IndexWork
  private let schema: StreamSchema
  private let similarity: Similarity
  private let width: Int
  private let output: ListWriter
  /// Documents that wait.
  private let spool: SpoolFile
  private var ids: [UInt8] = []
  private var ends: [Int] = []
  private var assigned: [Int32] = []
  /// Segments whose documents are taken over.
  private var segments: [IndexSegment] = []
  private var codebook: ListCodebook?
  private var search: CentroidSearch?
  /// Number of lists that was asked for, or that so many documents want.
  private var lists = 0

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ settings: ListDemands, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, source.element != nil else {
      preconditionFailure("an index of inverted lists of texts")
    }
    self.schema = schema
    self.settings = settings
    self.work = work
    width = schema.columns[0].width ?? 0
    similarity = try Flat.similarity(source, IVF.name)
    output = try ListWriter(writer, source, settings, work)
    spool = try writer.spool()
  }

  // MARK: Learning

  var sampleSize: Int? { .max }

  /// Vectors for each list, where nothing else is said.
  private static let sample = 64
  /// Documents that a list has at least, where nothing else is said.
  private static let leastDocuments = 39

  mutating func sampleSize(of documents: Int) throws(Failure) -> Int {
    lists =
      settings.lists
      ?? max(
        1, min(Int((4 * Double(documents).squareRoot()).rounded()), documents / Self.leastDocuments)
      )
    // What codes parts of vectors learns from as many as lists do.
    let usual = max(lists, settings.entries ?? 0)
    let wanted = settings.sample ?? (usual > .max / Self.sample ? .max : usual * Self.sample)
    let size = min(wanted, documents)
    if documents == 0 { return 0 }
    guard size >= lists else {
      throw .usage(
        "--\(IVF.centroids) \(lists): expected at most one for each of the \(size) vectors that it is "
          + "learned from", hint: "ask for fewer, or leave it out")
    }
    guard memory(of: size) <= work.memory else {
      throw .usage(
        "--max-memory: learning \(lists) centroids from \(size) vectors takes \(memory(of: size)) bytes",
        hint: "allow \(Self.mebibytes(memory(of: size)))M, or " + smaller(than: size))
    }
    return size
  }

  /// Bytes that learning from so many vectors takes: the vectors, what bounds are made of, and the centroids;
  /// what is left of some, rotated and decoded.
  private func memory(of vectors: Int) -> Int {
    let coded = min(vectors, 512 * (settings.entries ?? 0))
    return 4 * (vectors * (2 * width + 16) + (3 * lists + 6 * coded) * width)
  }

  private static func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }

  /// What takes less than learning from so many vectors.
  private func smaller(than size: Int) -> String {
    var (low, high) = (0, size)
    while low + 1 < high {
      let middle = (low + high) / 2
      if memory(of: middle) <= work.memory { low = middle } else { high = middle }
    }
    return low >= max(lists, 1)
      ? "give --\(IVF.training) \(low) or fewer"
      : "give a smaller --\(IVF.centroids), and --\(IVF.training)"
  }

  mutating func train(on sample: Embeddings) throws(Failure) {
    guard case .dense(let values, let width) = sample, !values.isEmpty else { return }
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
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("inverted lists take vectors")
    }
    if range.isEmpty { return }
    precondition(segment.schema == schema, "another schema")
    guard search != nil else {
      throw .config(
        output.target, "the index is empty, and has learned nothing",
        hint: "build it anew, or train a codebook on other documents")
    }
    for index in range { try segment.checkFinite(index) }
    guard case .dense(let values, _) = try documents.embeddings(work.kernels) else {
      preconditionFailure("inverted lists take dense vectors")
    }
    assign(values)
    for index in range {
      segment.withID(index) { id in
        ids.append(contentsOf: id)
        ends.append(ids.count)
      }
      for column in 0..<(output.hasScales ? 2 : 1) {
        try segment.withValues(index, column: column) { values throws(Failure) in
          try spool.append(values)
        }
      }
    }
  }

  /// Documents of lists of the same centroids keep their lists; those of others find new ones.
  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    if segment.manifest.codebook == codebook?.digest {
      segments.append(segment)
      return
    }
    guard segment.has(Flat.vectors) else {
      throw .config(
        segment.folder,
        "the index has codes alone, and what they are made by cannot be learned anew",
        hint: "build it with --originals keep")
    }
    let table = try DocumentTable(segment)
    let vectors = try segment.tensor(Flat.vectors)
    let scales = output.hasScales ? try segment.tensor(Flat.scales) : nil
    let stored = StoredRows(
      (vectors.file, vectors.entry), scales: scales.map { ($0.file, $0.entry) }, work.kernels)
    let size = vectors.bytes.count / max(vectors.entry.shape[0], 1)
    let scratch = AlignedBuffer(count: Self.batch * width)
    for live in segment.liveRanges {
      for start in stride(from: live.lowerBound, to: live.upperBound, by: Self.batch) {
        let range = start..<min(start + Self.batch, live.upperBound)
        let rows = stored.rows(range, scratch: scratch)
        assign(Array(UnsafeBufferPointer(start: rows.base, count: rows.rows * width)))
        for ordinal in range {
          ids += table.id(ordinal)
          ends.append(ids.count)
          try spool.append(
            UnsafeRawBufferPointer(
              rebasing: vectors.bytes[ordinal * size..<(ordinal + 1) * size]))
          if let scales {
            try spool.append(
              UnsafeRawBufferPointer(rebasing: scales.bytes[4 * ordinal..<4 * ordinal + 4]))
          }
        }
      }
    }
  }

  /// Finds the lists of vectors.
  private mutating func assign(_ values: [Float]) {
    guard let search else { return }
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    values.withUnsafeBufferPointer { values in
      assigned +=
        search.assign(
          MatrixView(
            values.baseAddress.unsafelyUnwrapped, rows: values.count / width, columns: width),
          work.pool
        ).centroids
    }
  }

  // MARK: Writing

  mutating func finish() throws(Failure) -> IndexContent {
    precondition(segments.isEmpty || ends.isEmpty, "documents of streams and of indexes")
    let count = search?.centroids.count ?? 0
    try output.begin(codebook)
    if segments.isEmpty {
      try spool.drain()
      try writeDocuments(lists: count)
    } else {
      try output.write(segments, lists: count)
    }
    let longest = try output.finish()
    return IndexContent(
      statistics: longest.map { [JSON.Member(Flat.longest, .double(Double($0)))] } ?? [],
      codebook: codebook?.digest, library: codebook?.library)
  }

  /// Documents that are coded at a time: whole blocks.
  private static let batch = 1024

  private func writeDocuments(lists: Int) throws(Failure) {
    var starts = [Int](repeating: 0, count: lists + 1)
    for list in assigned { starts[Int(list) + 1] += 1 }
    for list in 0..<lists { starts[list + 1] += starts[list] }
    var order = [Int32](repeating: 0, count: assigned.count)
    var next = starts
    for (document, list) in assigned.enumerated() {
      order[next[Int(list)]] = Int32(document)
      next[Int(list)] += 1
    }
    let size = output.recordSize
    for list in 0..<lists {
      for start in stride(from: starts[list], to: starts[list + 1], by: Self.batch) {
        var documents: [(id: ArraySlice<UInt8>, record: [UInt8])] = []
        for document in order[start..<min(start + Self.batch, starts[list + 1])] {
          let document = Int(document)
          var record: [UInt8] = []
          try spool.read(document * size..<(document + 1) * size) { record += $0 }
          documents.append(
            (ids[(document == 0 ? 0 : ends[document - 1])..<ends[document]], record))
        }
        try output.write(documents, of: list)
      }
      try output.endList()
    }
  }
}
