import Failures
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors

/// Vectors that wait for all others before a graph of them can be built: they are written as they come, and
/// once more, in single precision, to a file that is gone with the process.
struct SpooledVectors {
  private let writer: IndexWriter
  private let vectors: StreamedTensorFile
  private let scales: StreamedTensorFile?
  private let spool: SpoolFile
  private let work: IndexWork
  private let similarity: Similarity
  private let width: Int
  private var sums: [Double]
  /// Squares of the vectors' lengths; of unit vectors for cosines.
  private(set) var squares: [Double] = []
  /// What products with vectors are multiplied by, for cosines.
  private(set) var factors: [Float] = []
  /// At least the length of the longest vector.
  private(set) var longest: Float = 0

  /// - Parameters:
  ///   - writer: What makes files.
  ///   - files: The vectors, and the scales that those of bytes have.
  ///   - source: Where the vectors come from.
  ///   - name: The type of index, for messages.
  ///   - work: What reads them.
  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ files: (vectors: IndexFile, scales: IndexFile), _ source: IndexSource,
    _ name: String, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let type = source.element else {
      preconditionFailure("a graph of texts")
    }
    self.writer = writer
    self.work = work
    width = schema.columns[0].width ?? 0
    similarity = try Flat.similarity(source, name)
    vectors = try writer.create(files.vectors, type: type, columns: width)
    scales = type == .i8 ? try writer.create(files.scales) : nil
    spool = try writer.spool()
    sums = [Double](repeating: 0, count: width)
  }

  var count: Int { squares.count }

  /// - Throws: 65 for a number that is not finite, 74 where a file cannot be written.
  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents,
      case .dense(let values, _) = try documents.embeddings(work.kernels)
    else { preconditionFailure("a graph takes dense vectors") }
    for index in range {
      try segment.checkFinite(index)
      try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
      try segment.withValues(index, column: 0) { value throws(Failure) in
        try vectors.append(value)
      }
      if let scales {
        try segment.withValues(index, column: 1) { value throws(Failure) in
          try scales.append(value)
        }
      }
    }
    try add(values)
  }

  /// Takes the documents of a segment that are not deleted.
  ///
  /// - Parameters:
  ///   - segment: The segment.
  ///   - files: Those of its vectors and scales.
  /// - Throws: 65 where the segment is damaged, 74 where a file cannot be written.
  mutating func append(
    contentsOf segment: IndexSegment, _ files: (vectors: IndexFile, scales: IndexFile)
  ) throws(Failure) {
    try writer.append(idsOf: segment)
    let ranges = segment.liveRanges
    let stored = try segment.tensor(files.vectors)
    try vectors.append(ranges, of: stored)
    let own = stored.entry.type == .i8 ? try segment.tensor(files.scales) : nil
    if let scales, let own { try scales.append(ranges, of: own) }
    let rows = StoredRows(
      (stored.file, stored.entry), scales: own.map { ($0.file, $0.entry) }, work.kernels)
    let scratch = AlignedBuffer(count: Self.block * width)
    for range in ranges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
        let view = rows.rows(start..<min(start + Self.block, range.upperBound), scratch: scratch)
        try add(Array(UnsafeBufferPointer(start: view.base, count: view.rows * width)))
      }
    }
  }

  /// Documents that are read or rotated at a time.
  private static let block = 1024

  /// Takes note of values[documents, width].
  private mutating func add(_ values: [Float]) throws(Failure) {
    var values = values
    for start in stride(from: 0, to: values.count, by: width) {
      let square = values[start..<start + width].reduce(0.0) { $0 + Double($1) * Double($1) }
      longest = max(longest, ByteCode.length(square, width))
      if similarity == .cosine { factors.append(Float(1 / max(square.squareRoot(), 1e-12))) }
    }
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    for start in stride(from: 0, to: values.count, by: width) {
      var square = 0.0
      for i in 0..<width {
        let value = Double(values[start + i])
        sums[i] += value
        square += value * value
      }
      squares.append(square)
    }
    try spool.append(values[...])
  }

  /// Whether vectors are so unequally long that distances have another order than products.
  var haveLengths: Bool {
    guard similarity == .dot, let most = squares.max(), let least = squares.min() else {
      return false
    }
    return most - least > 1e-4 * most
  }

  /// The space of a graph of all vectors, which is known once all of them are there.
  ///
  /// - Parameter seed: That of the index.
  /// - Returns: The space.
  /// - Throws: 74 where the file cannot be written.
  func centredSpace(seed: UInt64) throws(Failure) -> GraphSpace {
    try spool.drain()
    let scale = Double(GraphSpace.scale(similarity, longest: longest))
    let centre = sums.map { Float($0 * scale / Double(max(count, 1))) }
    return GraphSpace(similarity, dimension: width, longest: longest, centre: centre, seed: seed)
  }

  /// Calls `body` with every vector in the space, in no order, from several threads.
  ///
  /// - Parameters:
  ///   - space: That of the vectors.
  ///   - body: Takes the number of a document and its numbers, neither rotated nor padded.
  /// - Throws: 74 where the file cannot be read.
  func forEach(
    in space: GraphSpace, _ body: (_ document: Int, _ point: [Float]) -> Void
  ) throws(Failure) {
    let size = width * MemoryLayout<Float>.stride
    for start in stride(from: 0, to: count, by: Self.block) {
      let end = min(start + Self.block, count)
      var bytes: [UInt8] = []
      bytes.reserveCapacity((end - start) * size)
      try spool.read(start * size..<end * size) { bytes += $0 }
      bytes.withUnsafeBytes { bytes in
        let values = bytes.bindMemory(to: Float.self)
        work.pool.forEachUnchecked(end - start) { row, _ in
          body(
            start + row,
            space.point(
              UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])))
        }
      }
    }
  }
}
