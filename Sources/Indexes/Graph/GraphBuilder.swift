import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors
import Workers

/// Writes vectors as they come, and their graph once all of them are known.
///
/// The graph depends on all vectors, so they wait in a file that is gone with the process; indexes that are
/// joined give the graph that one build gives.
struct GraphBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let vectors: StreamedTensorFile
  private let scales: StreamedTensorFile?
  private let centreFile: StreamedTensorFile
  private let spool: SpoolFile
  private let work: IndexWork
  private let similarity: Similarity
  private let width: Int
  private let degree: Int
  private let construction: Int
  private var sums: [Double]
  /// Squares of the vectors' lengths; of unit vectors for cosines.
  private var squares: [Double] = []
  /// What products with vectors are multiplied by, for cosines.
  private var factors: [Float] = []
  /// At least the length of the longest vector.
  private var longest: Float = 0

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let type = source.element else {
      preconditionFailure("a graph of texts")
    }
    self.writer = writer
    self.work = work
    width = schema.columns[0].width ?? 0
    degree = try arguments.integer(Graph.neighbours)
    construction = try arguments.integer(Graph.construction)
    similarity = try Flat.similarity(source, Graph.name)
    vectors = try writer.create(Graph.vectors, type: type, columns: width)
    scales = type == .i8 ? try writer.create(Graph.scales) : nil
    centreFile = try writer.create(Graph.centre)
    spool = try writer.spool()
    sums = [Double](repeating: 0, count: width)
  }

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

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try writer.append(idsOf: segment)
    let ranges = segment.liveRanges
    let stored = try segment.tensor(Graph.vectors)
    try vectors.append(ranges, of: stored)
    let own = stored.entry.type == .i8 ? try segment.tensor(Graph.scales) : nil
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

  mutating func finish() throws(Failure) -> IndexContent {
    try spool.drain()
    let count = squares.count
    let scale = Double(GraphSpace.scale(similarity, longest: longest))
    var centre = sums.map { Float($0 * scale / Double(max(count, 1))) }
    let most = squares.max() ?? 0
    let isAugmented = GraphSpace.isAugmented(
      similarity, shortest: squares.min() ?? 0, longest: most)
    var lacks: [Float] = []
    if isAugmented {
      lacks = squares.map { GraphSpace.lack($0 * scale * scale, longest: most * scale * scale) }
      centre.append(Float(lacks.reduce(0.0) { $0 + Double($1) } / Double(count)))
    }
    try centreFile.append(numbers: centre)
    var statistics = [JSON.Member(Graph.longest, .double(Double(longest)))]
    let space = GraphSpace(
      similarity, dimension: width, longest: longest, centre: centre, seed: work.seed)
    let layout = GraphLayout(degree: degree, width: space.rotation.width)
    let rows = try writer.create(Graph.rows, columns: layout.size)
    if count > 0 {
      let entry = try build(space, layout, lacks, into: rows)
      statistics.append(JSON.Member(Graph.entry, .integer(entry)))
    }
    return IndexContent(statistics: statistics)
  }

  /// Writes the rows of the graph.
  ///
  /// - Returns: Its entry.
  private func build(
    _ space: GraphSpace, _ layout: GraphLayout, _ lacks: [Float], into rows: StreamedTensorFile
  ) throws(Failure) -> Int {
    let memory = try GraphMemory(layout, count: squares.count, limit: work.memory) {
      bytes, inMemory throws(Failure) in
      try writer.scratch(bytes, inMemory: inMemory)
    }
    try place(space, lacks, in: memory)
    for vertex in 0..<memory.count {
      switch similarity {
      case .l2: memory.describe(vertex, factor: space.scale * space.scale, square: 0)
      case .dot:
        memory.describe(vertex, factor: space.scale, square: space.longest * space.longest)
      case .cosine:
        memory.describe(vertex, factor: factors[vertex], square: Float(squares[vertex]))
      }
    }
    let graph = GraphConstruction(
      memory,
      GraphConstruction.Settings(
        first: max(32, construction / 2), width: construction, passes: 1, relaxation: 1,
        seed: work.seed), work.kernels, work.pool)
    graph.run()
    let bytes = memory.bytes
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      try rows.append(
        UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 1 << 20, bytes.count)]))
    }
    return graph.entry
  }

  /// Places all vectors in the space.
  private func place(
    _ space: GraphSpace, _ lacks: [Float], in memory: GraphMemory
  ) throws(Failure) {
    let size = width * MemoryLayout<Float>.stride
    let full = space.rotation.width
    for start in stride(from: 0, to: memory.count, by: Self.block) {
      let end = min(start + Self.block, memory.count)
      var bytes: [UInt8] = []
      bytes.reserveCapacity((end - start) * size)
      try spool.read(start * size..<end * size) { bytes += $0 }
      bytes.withUnsafeBytes { bytes in
        let values = bytes.bindMemory(to: Float.self)
        work.pool.forEachUnchecked(end - start) { row, _ in
          let point = space.document(
            UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]),
            lack: lacks.isEmpty ? 0 : lacks[start + row])
          point.withUnsafeBufferPointer {
            (memory.vectors + (start + row) * full).update(
              from: $0.baseAddress.unsafelyUnwrapped, count: full)
          }
        }
      }
    }
  }
}
