import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes vectors as they come, and their graph once all of them are known: indexes that are joined give
/// the graph that one build gives.
struct GraphBuilder: IndexBuilder {
  private let writer: IndexWriter
  private var vectors: SpooledVectors
  private let centreFile: StreamedTensorFile
  private let work: IndexWork
  private let similarity: Similarity
  private let degree: Int
  private let construction: Int

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) {
    self.writer = writer
    self.work = work
    degree = try arguments.integer(Graph.neighbours)
    construction = try arguments.integer(Graph.construction)
    similarity = try Flat.similarity(source, Graph.name)
    vectors = try SpooledVectors(
      writer, (Graph.vectors, Graph.scales), source, Graph.name, work)
    centreFile = try writer.create(Graph.centre)
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    try vectors.append(documents)
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try vectors.append(contentsOf: segment, (Graph.vectors, Graph.scales))
  }

  mutating func finish() throws(Failure) -> IndexContent {
    let space = try vectors.centredSpace(seed: work.seed)
    try centreFile.append(numbers: space.centre)
    var statistics = [JSON.Member(Graph.longest, .double(Double(vectors.longest)))]
    let layout = GraphLayout(degree: degree, width: space.rotation.width)
    let rows = try writer.create(Graph.rows, columns: layout.size)
    if vectors.count > 0 {
      let entry = try build(space, layout, into: rows)
      statistics.append(JSON.Member(Graph.entry, .integer(entry)))
    }
    return IndexContent(statistics: statistics)
  }

  /// Writes the rows of the graph.
  ///
  /// - Returns: Its entry.
  private func build(
    _ space: GraphSpace, _ layout: GraphLayout, into rows: StreamedTensorFile
  ) throws(Failure) -> Int {
    let memory = try GraphMemory(
      layout, count: vectors.count, hasLifts: vectors.haveLengths, limit: work.memory
    ) {
      bytes, inMemory throws(Failure) in
      try writer.scratch(bytes, inMemory: inMemory)
    }
    try vectors.forEach(in: space) { document, point in
      space.rotation(point).withUnsafeBufferPointer {
        (memory.vectors + document * layout.width).update(
          from: $0.baseAddress.unsafelyUnwrapped, count: layout.width)
      }
    }
    let lifts = memory.lifts
    for vertex in 0..<memory.count {
      lifts?[vertex] = Float(vectors.squares[vertex]) * space.scale * space.scale
      switch similarity {
      case .l2: memory.describe(vertex, factor: space.scale * space.scale, square: 0)
      case .dot:
        memory.describe(vertex, factor: space.scale, square: space.longest * space.longest)
      case .cosine:
        memory.describe(
          vertex, factor: vectors.factors[vertex], square: Float(vectors.squares[vertex]))
      }
    }
    let graph = GraphConstruction(
      memory,
      GraphConstruction.Settings(
        first: construction, width: construction, passes: 1, relaxation: 1,
        seed: work.seed), work.kernels, work.pool)
    graph.run()
    let bytes = memory.bytes
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      try rows.append(
        UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 1 << 20, bytes.count)]))
    }
    return graph.entry
  }
}
