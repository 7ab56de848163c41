import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes vectors as they come, and their graph in layers once all of them are known: indexes that are
/// joined give the graph that one build gives.
struct HNSWBuilder: IndexBuilder {
  private let writer: IndexWriter
  private var vectors: SpooledVectors
  private let factors: StreamedTensorFile?
  private let sizes: StreamedTensorFile
  private let links: StreamedTensorFile
  private let upperDocuments: StreamedTensorFile
  private let upperLinks: StreamedTensorFile
  private let work: IndexWork
  private let degree: Int
  private let construction: Int

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) {
    self.writer = writer
    self.work = work
    degree = try arguments.integer(HNSW.neighbours)
    construction = try arguments.integer(HNSW.construction)
    vectors = try SpooledVectors(writer, (HNSW.vectors, HNSW.scales), source, HNSW.name, work)
    let isCosine = try Flat.similarity(source, HNSW.name) == .cosine
    factors = isCosine ? try writer.create(HNSW.factors) : nil
    sizes = try writer.create(HNSW.sizes)
    links = try writer.create(HNSW.links, columns: HNSWMemory.degree(degree, 0))
    upperDocuments = try writer.create(HNSW.upperDocuments)
    upperLinks = try writer.create(HNSW.upperLinks, columns: degree)
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    try vectors.append(documents)
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try vectors.append(contentsOf: segment, (HNSW.vectors, HNSW.scales))
  }

  mutating func finish() throws(Failure) -> IndexContent {
    let space = try vectors.centredSpace(seed: work.seed)
    try factors?.append(numbers: vectors.factors)
    var statistics = [JSON.Member(HNSW.longest, .double(Double(vectors.longest)))]
    if vectors.count > 0 {
      statistics.append(JSON.Member(HNSW.entry, .integer(try build(space))))
    }
    return IndexContent(statistics: statistics)
  }

  /// Builds and writes the graph.
  ///
  /// - Returns: Its entry.
  private func build(_ space: GraphSpace) throws(Failure) -> Int {
    let layers = HNSWLayers(vectors.count, degree: degree, seed: work.seed)
    let memory = try HNSWMemory(
      layers, degree: degree, dimension: space.dimension, hasLifts: vectors.haveLengths,
      limit: work.memory
    ) { bytes, inMemory throws(Failure) in
      try writer.scratch(bytes, inMemory: inMemory)
    }
    let places = layers.places
    try vectors.forEach(in: space) { document, point in
      point.withUnsafeBufferPointer {
        (memory.vectors + Int(places[document]) * memory.width).update(
          from: $0.baseAddress.unsafelyUnwrapped, count: $0.count)
      }
    }
    for (document, place) in places.enumerated() {
      memory.lifts?[Int(place)] = Float(vectors.squares[document]) * space.scale * space.scale
    }
    HNSWConstruction(memory, width: construction, work.kernels, work.pool).run()
    try write(memory, places)
    return Int(layers.order[0])
  }

  private func write(_ memory: HNSWMemory, _ places: [Int32]) throws(Failure) {
    let layers = memory.layers
    try sizes.append(numbers: layers.sizes.map { Int32($0) })
    if layers.sizes.count > 1 {
      try upperDocuments.append(numbers: Array(layers.order[..<layers.sizes[1]]))
    }
    for (document, place) in places.enumerated() {
      var row = memory.lists[0].neighbours(Int(place)).map { layers.order[$0.vertex] }
      row += repeatElement(Int32(document), count: memory.lists[0].degree - row.count)
      try links.append(numbers: row)
    }
    for (layer, size) in layers.sizes.enumerated().dropFirst() {
      for place in 0..<size {
        var row = memory.lists[layer].neighbours(place).map { Int32($0.vertex) }
        row += repeatElement(Int32(place), count: degree - row.count)
        try upperLinks.append(numbers: row)
      }
    }
  }
}
