import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes the vectors of documents, in the type that they are stored in, and their codes.
///
/// Memory: a block of documents, and the ids of all.
struct MultiVectorBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let vectors: StreamedTensorFile?
  private let scales: StreamedTensorFile?
  private let offsets: StreamedTensorFile
  private var codes: TokenCodeWriter?
  /// How many vectors become one.
  private let factor: Int
  private let work: IndexWork
  private let schema: StreamSchema
  private let width: Int
  /// Vectors so far.
  private var count = 0

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let type = source.element,
      let width = schema.columns[0].width
    else { preconditionFailure("a multi-vector index of another kind") }
    self.schema = schema
    self.writer = writer
    self.work = work
    self.width = width
    factor = arguments.text(MultiVector.poolFactor).flatMap { Int($0) } ?? 1
    let isAll = arguments.text(MultiVector.originals) == "none"
    vectors = isAll ? nil : try writer.create(MultiVector.vectors, type: type, columns: width)
    scales = type == .i8 ? try writer.create(MultiVector.scales) : nil
    codes =
      arguments.text(MultiVector.codes) == nil
      ? nil
      : try TokenCodeWriter(
        writer, VectorScoring(source, MultiVector.name).similarity, width: width, isAll: isAll)
    offsets = try writer.create(MultiVector.offsets)
    try offsets.append(numbers: [Int64(0).littleEndian])
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("a multi-vector index takes vectors")
    }
    precondition(segment.schema == schema, "another schema")
    for index in range {
      try segment.checkFinite(index)
      try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
    }
    guard factor > 1 || codes != nil else {
      for index in range { try copy(segment, index) }
      return
    }
    guard case .vectors(let sets, _) = try documents.embeddings(work.kernels) else {
      preconditionFailure("a multi-vector index takes several vectors a document")
    }
    guard factor > 1 else {
      for index in range { try copy(segment, index) }
      try codes?.append(sets.flatMap(\.values), work)
      return
    }
    try append(pooling: sets)
  }

  /// Keeps all vectors as they come, for a type that has its own files besides.
  ///
  /// - Throws: 73 where the files cannot be made.
  init(
    keepingVectorsIn writer: IndexWriter, _ source: IndexSource, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let type = source.element,
      let width = schema.columns[0].width
    else { preconditionFailure("several vectors a document of another kind") }
    self.schema = schema
    self.writer = writer
    self.work = work
    self.width = width
    factor = 1
    vectors = try writer.create(MultiVector.vectors, type: type, columns: width)
    scales = type == .i8 ? try writer.create(MultiVector.scales) : nil
    offsets = try writer.create(MultiVector.offsets)
    try offsets.append(numbers: [Int64(0).littleEndian])
  }

  /// Adds the vectors of a record as they are.
  private mutating func copy(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    try segment.withValues(index, column: 0) { values throws(Failure) in
      try vectors?.append(values)
    }
    if let scales {
      try segment.withValues(index, column: 1) { values throws(Failure) in
        try scales.append(values)
      }
    }
    try end(segment.items(index))
  }

  /// Takes note of a document's vectors.
  private mutating func end(_ vectors: Int) throws(Failure) {
    count += vectors
    try offsets.append(numbers: [Int64(count).littleEndian])
  }

  // MARK: Fewer vectors

  /// A document's vectors as they are stored, and what is read of them.
  private struct Stored: Sendable {
    var bytes: [UInt8] = []
    var scales: [Float] = []
    var values: [Float] = []
  }

  private mutating func append(pooling sets: [VectorSet]) throws(Failure) {
    let made = Results<Stored>(sets.count)
    let (work, width, factor) = (work, width, factor)
    let codec = RowCodec(schema.columns[0].type, work.kernels)
    work.pool.forEachUnchecked(sets.count) { index, _ in
      made.set(
        index,
        Self.stored(
          TokenPooling.pooled(sets[index].values, width: width, factor: factor, work.kernels),
          width, codec))
    }
    var values: [Float] = []
    for index in sets.indices {
      let stored = made.take(index)
      try vectors?.append(numbers: stored.bytes)
      try scales?.append(numbers: stored.scales)
      try end(stored.values.count / width)
      values += stored.values
    }
    try codes?.append(values, work)
  }

  private static func stored(_ values: [Float], _ width: Int, _ codec: RowCodec) -> Stored {
    var stored = Stored()
    for start in stride(from: 0, to: values.count, by: width) {
      let (bytes, scale) = codec.encode(Array(values[start..<start + width]))
      stored.bytes += bytes
      if let scale { stored.scales.append(scale) }
    }
    stored.values = [Float](unsafeUninitializedCapacity: values.count) { target, filled in
      filled = values.count
      stored.bytes.withUnsafeBytes { bytes in
        stored.scales.withUnsafeBytes { scales in
          codec.decode(bytes, width: width, scales: scales, into: target)
        }
      }
    }
    return stored
  }

  // MARK: Segments

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    let rows = try segment.tensor(
      vectors == nil ? MultiVector.codeBytes : MultiVector.vectors)
    let others = try RaggedOffsets(segment, MultiVector.offsets, rows: rows.entry.shape[0])
    try writer.append(idsOf: segment)
    var ranges: [Range<Int>] = []
    for documents in segment.liveRanges {
      let first = try others.range(documents.lowerBound).lowerBound
      ranges.append(first..<(try others.range(documents.upperBound - 1).upperBound))
      for ordinal in documents { try end(others.range(ordinal).count) }
    }
    try vectors?.append(ranges, of: rows)
    if let scales { try scales.append(ranges, of: segment.tensor(MultiVector.scales)) }
    try codes?.append(ranges, of: segment)
  }

  mutating func finish() throws(Failure) -> IndexContent {
    var statistics = [JSON.Member("vectors", .integer(count))]
    if let codes {
      statistics.append(JSON.Member(MultiVector.longest, .double(Double(codes.longest))))
    }
    return IndexContent(statistics: statistics)
  }
}
