import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes the codes of documents' vectors, and at the end the documents of each centroid.
///
/// Memory: the sample while the codebook is made, then a block of documents and some lists, whatever
/// their lengths; the ids of all documents.
struct PlaidBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let arguments: IndexArguments
  private let work: IndexWork
  private let schema: StreamSchema
  private let width: Int
  private let similarity: Similarity
  private var files: Files?
  /// Documents of the collection that the codebook is made for.
  private var documents = 0

  /// The files, once it is known what is written into them.
  private struct Files {
    let coder: VectorCoder
    let offsets: StreamedTensorFile
    let numbers: StreamedTensorFile
    let codes: StreamedTensorFile
    let factors: StreamedTensorFile
    let radii: StreamedTensorFile
    let rests: StreamedTensorFile
    let halfSquares: StreamedTensorFile?
    let vectors: StreamedTensorFile?
    let scales: StreamedTensorFile?
    var lists: CentroidListWriter
    /// A factor that waits for the other half of its byte.
    var half: UInt8?
    var count = 0
    /// Drift of the vectors that were not copied with their codes.
    var drift = CentroidDrift()
  }

  /// - Throws: 78 for scores that are not known.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let width = schema.columns[0].width else {
      preconditionFailure("a PLAID index of another kind")
    }
    self.writer = writer
    self.arguments = arguments
    self.work = work
    self.schema = schema
    self.width = width
    similarity = try VectorScoring(source, Plaid.name).similarity
  }

  // MARK: The codebook

  /// Vectors of a document that the sample has room for.
  private static let usualVectors = 128

  var sampleSize: Int? {
    max(1, work.memory / 3 / (Self.usualVectors * 4 * width))
  }

  mutating func sampleSize(of documents: Int) throws(Failure) -> Int {
    self.documents = documents
    return sampleSize ?? 0
  }

  mutating func train(on sample: Embeddings) throws(Failure) {
    guard case .vectors(let sets, _) = sample else {
      preconditionFailure("a PLAID index takes several vectors a document")
    }
    let training = PlaidTraining(
      width: width, similarity: similarity,
      bits: try arguments.integer(PlaidParameters.bits),
      centroids: arguments.text(PlaidParameters.centroids).flatMap { Int($0) },
      rounds: try arguments.integer(PlaidParameters.rounds),
      usesTokens: arguments.text(PlaidParameters.allocation) == "tokens", work: work)
    try begin(training.codebook(sets, of: max(documents, sets.count)))
  }

  mutating func adopt(from segment: IndexSegment) throws(Failure) {
    try begin(PlaidSegment(segment).codebook)
  }

  private mutating func begin(_ codebook: PlaidCodebook) throws(Failure) {
    let originals = arguments.text(PlaidParameters.originals) != "none"
    let isNarrow = codebook.count <= PlaidTraining.mostCentroids
    let type = schema.columns[0].type
    files = Files(
      coder: VectorCoder(codebook, work.kernels), offsets: try writer.create(Plaid.offsets),
      numbers: try writer.create(Plaid.numbers, type: isNarrow ? .u16 : .i32),
      codes: try writer.create(Plaid.codes, columns: codebook.codec.size),
      factors: try writer.create(Plaid.factors), radii: try writer.create(Plaid.radii),
      rests: try writer.create(Plaid.rests),
      halfSquares: similarity == .l2 ? try writer.create(Plaid.halfSquares) : nil,
      vectors: originals ? try writer.create(Plaid.vectors, type: type, columns: width) : nil,
      scales: originals && type == .i8 ? try writer.create(Plaid.scales) : nil,
      lists: CentroidListWriter(centroids: codebook.count))
    try files?.offsets.append(numbers: [Int64(0).littleEndian])
    try codebook.write(writer)
  }

  // MARK: Documents

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents, var files else {
      preconditionFailure("a PLAID index takes vectors, once it has a codebook")
    }
    precondition(segment.schema == schema, "another schema")
    self.files = nil
    for index in range {
      try segment.checkFinite(index)
      try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
      if let vectors = files.vectors {
        try segment.withValues(index, column: 0) { values throws(Failure) in
          try vectors.append(values)
        }
      }
      if let scales = files.scales {
        try segment.withValues(index, column: 1) { values throws(Failure) in
          try scales.append(values)
        }
      }
    }
    guard case .vectors(let sets, _) = try documents.embeddings(work.kernels) else {
      preconditionFailure("a PLAID index takes several vectors a document")
    }
    try code(
      sets.flatMap(\.values), counts: sets.map { $0.values.count / width },
      tokens: sets.flatMap(\.ids), &files)
    self.files = files
  }

  /// Codes the vectors of some documents.
  ///
  /// - Parameters:
  ///   - values: values[vectors, width].
  ///   - counts: How many of the vectors each document has.
  ///   - tokens: Their tokens, where they are known.
  ///   - files: Where the codes go.
  /// - Throws: 74 where they cannot be written.
  private func code(
    _ values: [Float], counts: [Int], tokens: [Int32], _ files: inout Files
  ) throws(Failure) {
    var values = values
    if similarity == .cosine, !values.isEmpty {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    let coded = values.withUnsafeBufferPointer { values in
      let base = values.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped
      return files.coder.code(
        MatrixView(base, rows: values.count / width, columns: width), tokens: tokens, work.pool)
    }
    try append(numbers: coded.centroids, &files)
    try files.codes.append(numbers: coded.codes)
    try append(factors: coded.factors, &files)
    try files.halfSquares?.append(numbers: coded.halfSquares)
    var first = 0
    for count in counts {
      let last = first + count
      try files.radii.append(numbers: [coded.radii[first..<last].reduce(0, max)])
      let rest = Float(coded.rests[first..<last].reduce(0, +))
      try files.rests.append(numbers: [rest])
      files.drift.add(rest: rest)
      files.drift.add(vectors: count)
      try end(&files, coded.centroids[first..<last])
      first = last
    }
  }

  private func append(numbers: [Int32], _ files: inout Files) throws(Failure) {
    if files.coder.codebook.count <= PlaidTraining.mostCentroids {
      try files.numbers.append(numbers: numbers.map { UInt16($0).littleEndian })
    } else {
      try files.numbers.append(numbers: numbers.map(\.littleEndian))
    }
  }

  private func append(factors: [UInt8], _ files: inout Files) throws(Failure) {
    var bytes: [UInt8] = []
    for factor in factors {
      if let half = files.half {
        bytes.append(half | factor << 4)
        files.half = nil
      } else {
        files.half = factor
      }
    }
    try files.factors.append(numbers: bytes)
  }

  /// Takes note of a document's centroids.
  private func end(_ files: inout Files, _ centroids: ArraySlice<Int32>) throws(Failure) {
    files.count += centroids.count
    try files.offsets.append(numbers: [Int64(files.count).littleEndian])
    files.lists.append(centroids)
  }

  // MARK: Segments

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    guard var files else { preconditionFailure("no codebook") }
    self.files = nil
    try writer.append(idsOf: segment)
    let ranges =
      segment.manifest.codebook == files.coder.codebook.digest
      ? try copy(segment, &files) : try codeAnew(segment, &files)
    if let vectors = files.vectors { try vectors.append(ranges, of: segment.tensor(Plaid.vectors)) }
    if let scales = files.scales { try scales.append(ranges, of: segment.tensor(Plaid.scales)) }
    self.files = files
  }

  /// Takes over the codes of a segment's documents.
  ///
  /// - Returns: Their vectors.
  /// - Throws: 65 for damaged files, 74 where codes cannot be written.
  private func copy(
    _ segment: IndexSegment, _ files: inout Files
  ) throws(Failure) -> [Range<Int>] {
    let stored = try PlaidSegment(segment)
    var ranges: [Range<Int>] = []
    for documents in segment.liveRanges {
      let first = try stored.rows(documents.lowerBound).lowerBound
      ranges.append(first..<(try stored.rows(documents.upperBound - 1).upperBound))
      try files.radii.append(numbers: documents.map { stored.radius($0) })
      try files.rests.append(numbers: documents.map { stored.rest($0) })
      for ordinal in documents {
        let rows = try stored.rows(ordinal)
        let numbers = try stored.numbers(rows)
        try append(numbers: numbers, &files)
        try append(factors: rows.map { stored.factor($0) }, &files)
        try end(&files, numbers[...])
      }
    }
    try files.codes.append(ranges, of: segment.tensor(Plaid.codes))
    if let squares = files.halfSquares {
      try squares.append(ranges, of: segment.tensor(Plaid.halfSquares))
    }
    return ranges
  }

  /// Vectors that are coded at a time, unless one document has more.
  private static let batch = 4096

  /// Codes the vectors of a segment's documents by a codebook that is not theirs.
  ///
  /// Which tokens they belong to is not stored: centroids of tokens are for documents of streams.
  ///
  /// - Returns: Their vectors.
  /// - Throws: 65 for damaged files, 74 where codes cannot be written.
  private func codeAnew(
    _ segment: IndexSegment, _ files: inout Files
  ) throws(Failure) -> [Range<Int>] {
    let stored = try MultiVectorIndex(segment, work)
    var ranges: [Range<Int>] = []
    for documents in segment.liveRanges {
      var (values, counts): ([Float], [Int]) = ([], [])
      let first = try stored.offsets.range(documents.lowerBound).lowerBound
      ranges.append(first..<(try stored.offsets.range(documents.upperBound - 1).upperBound))
      for ordinal in documents {
        let rows = try stored.offsets.range(ordinal)
        let scratch = AlignedBuffer(count: rows.count * width)
        let view = stored.vectors.rows(rows, scratch: scratch)
        values += UnsafeBufferPointer(start: view.base, count: rows.count * width)
        counts.append(rows.count)
        if values.count >= Self.batch * width || ordinal == documents.upperBound - 1 {
          try code(values, counts: counts, tokens: [], &files)
          (values, counts) = ([], [])
        }
      }
    }
    return ranges
  }

  // MARK: The end

  mutating func finish() throws(Failure) -> IndexContent {
    guard let files else { preconditionFailure("no codebook") }
    if let half = files.half { try files.factors.append(numbers: [half]) }
    for file in [files.offsets, files.numbers] { try file.finish() }
    let codebook = files.coder.codebook
    let written = try WrittenNumbers(files.offsets, files.numbers)
    try files.lists.finish(writer, memory: work.memory / 4) { document throws(Failure) in
      written.forEach(document)
    }
    return IndexContent(
      statistics: [
        JSON.Member("vectors", .integer(files.count)),
        JSON.Member("centroids", .integer(codebook.count)),
      ], codebook: codebook.digest, warning: files.drift.warning(codebook))
  }
}

/// The centroids of all vectors as they were just written.
private struct WrittenNumbers {
  private let offsets: SafeTensorsFile
  private let numbers: SafeTensorsFile
  private let isNarrow: Bool

  init(_ offsets: StreamedTensorFile, _ numbers: StreamedTensorFile) throws(Failure) {
    self.offsets = try SafeTensorsFile(offsets.path)
    self.numbers = try SafeTensorsFile(numbers.path)
    isNarrow = self.numbers.entry(Plaid.numbers.tensor)?.type == .u16
  }

  /// Calls `body` with every document and the centroids of its vectors.
  func forEach(_ body: (_ ordinal: Int32, _ centroids: [Int32]) -> Void) {
    guard let starts = offsets.entry(Plaid.offsets.tensor),
      let entry = numbers.entry(Plaid.numbers.tensor)
    else { preconditionFailure("files that were just written") }
    let ends = offsets.bytes(starts)
    let bytes = numbers.bytes(entry)
    var first = 0
    for ordinal in 0..<starts.shape[0] - 1 {
      let end = Int(
        Int64(littleEndian: ends.loadUnaligned(fromByteOffset: 8 * (ordinal + 1), as: Int64.self)))
      body(
        Int32(ordinal),
        (first..<end).map { row in
          isNarrow
            ? Int32(
              UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * row, as: UInt16.self)))
            : Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * row, as: Int32.self))
        })
      first = end
    }
  }
}
