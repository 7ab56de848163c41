import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// A graph of neighbours, whose codes of one bit a number lead a walk to the documents that are compared.
package enum Graph: IndexType {
  package static let name = "graph"
  package static let summary =
    "a graph of near vectors, walked by codes of one bit a number: approximate, the fastest"
  package static let takes = IndexSubject.vectors([.dense])
  package static let parameters = [
    IndexParameter(
      neighbours, aliases: ["num_neighbors"], .build, .integer(32...1024), default: "32",
      "Neighbours of a document in the graph, a multiple of 32; of hnsw M, any number, of which there are "
        + "twice as many in the lowest layer."),
    IndexParameter(
      construction, aliases: ["ef_construction"], .build, .integer(8...4096), default: "200",
      "How many candidates a document keeps in sight when its neighbours are looked for."),
    Originals.halving,
    IndexParameter(
      width, aliases: ["ef_search"], .search, .limit(1...(.max)), default: "64",
      "How many candidates a query keeps in sight, at least k; all compares all documents."),
    IndexParameter(
      exact, .search, .flag, default: nil, "Compare all vectors, and use no graph."),
  ]
  package static let files = [vectors, scales, centre, rows]
  package static let knobs = [
    SearchKnob(width, ["16", "32", "64", "128", "256", "512", "1024", "all"], isMonotone: true)
  ]
  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(width, "32")], .balanced: [(width, "64")], .accurate: [(width, "256")],
  ]

  static let neighbours = "num-neighbors"
  static let construction = "ef-construction"
  static let width = "ef-search"
  static let exact = "exact"
  /// Length of the longest vector, and the vertex at which walks begin, among the statistics.
  static let longest = "longest_vector"
  static let entry = "entry"

  static let vectors = IndexFile(
    "vectors", tensor: "embeddings", [], [.documents(), .dimension()],
    "the documents' vectors in the type that the stream has them in")
  static let scales = IndexFile(
    "scales", tensor: "scales", [.f32], [.documents()], presence: .element(.i8),
    "what the values of each vector are multiplied by")
  static let centre = IndexFile(
    "graph.centre", tensor: "centre", [.f32], [.count("numbers of the graph's space")],
    "mean of all vectors in the graph's space, which is taken off before they are rotated")
  static let rows = IndexFile(
    "graph", tensor: "rows", [.u8], [.documents(), .count("bytes of a row")],
    "of each document two numbers about it, its neighbours and their codes")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try Flat.similarity(source, name)
    try Originals.check(source, arguments, hasCodes: true)
    let degree = try arguments.integer(neighbours)
    guard degree % NeighbourCodes.block == 0 else {
      throw .usage("--\(neighbours): expected a multiple of 32, found \(degree)")
    }
  }

  package static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource { Originals.stored(source, arguments) }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try StoredGraph(segment)?.check()
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try GraphBuilder(writer, source, arguments, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let reference = try FlatIndex(segment, work, rows: (vectors, scales))
    let width = try arguments.limit(width)
    guard !arguments.flag(exact), let graph = try StoredGraph(segment) else { return reference }
    let navigator = try CodedNavigator(segment, graph, dimension: reference.dimension, work)
    return GraphIndex(segment, navigator, reference: reference, width: width, work)
  }
}
