import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// A graph of neighbours in layers, as faiss and hnswlib have it.
///
/// Malkov and Yashunin, "Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical
/// Navigable Small World Graphs", arXiv:1603.09320. Parameters and their defaults are those of faiss, by
/// the names of Lightning IR.
package enum HNSW: IndexType {
  package static let name = "hnsw"
  package static let summary =
    "a graph of near vectors in layers, whose vectors lead the walk: approximate, as in faiss"
  package static let takes = IndexSubject.vectors([.dense])
  package static let parameters = [
    IndexParameter(
      neighbours, aliases: ["num_neighbors"], .build, .integer(2...512), default: "32",
      "M: neighbours of a document in the upper layers of the graph; in the lowest one twice as many."
    ),
    IndexParameter(
      construction, aliases: ["ef_construction"], .build, .integer(8...4096), default: "40",
      "How many candidates a document keeps in sight when its neighbours are looked for."),
    IndexParameter(
      width, aliases: ["ef_search"], .search, .limit(1...(.max)), default: "16",
      "How many candidates a query keeps in sight, at least k; all compares all documents."),
    IndexParameter(
      exact, .search, .flag, default: nil, "Compare all vectors, and use no graph."),
  ]
  package static let files = [
    vectors, scales, factors, sizes, links, upperDocuments, upperLinks,
  ]
  package static let knobs = [
    SearchKnob(
      width, ["10", "16", "32", "64", "128", "256", "512", "1024", "all"], isMonotone: true)
  ]
  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(width, "32")], .balanced: [(width, "64")], .accurate: [(width, "256")],
  ]

  static let neighbours = "num-neighbors"
  static let construction = "ef-construction"
  static let width = "ef-search"
  static let exact = "exact"
  /// Length of the longest vector, and the document at which walks begin, among the statistics.
  static let longest = Graph.longest
  static let entry = Graph.entry

  static let vectors = Graph.vectors
  static let scales = Graph.scales
  static let factors = IndexFile(
    "factors", tensor: "factors", [.f32], [.documents()], presence: .layout("cosine"),
    "what the products of each vector are multiplied by")
  static let sizes = IndexFile(
    "layers", tensor: "sizes", [.i32], [.count("layers")],
    "documents of each layer of the graph, the lowest first")
  static let links = IndexFile(
    "links", tensor: "links", [.i32], [.documents(), .count("neighbours in the lowest layer")],
    "neighbours in the lowest layer, nearest first; the document itself where there is none")
  static let upperDocuments = IndexFile(
    "upper.documents", tensor: "documents", [.i32], [.count("documents above the lowest layer")],
    "documents above the lowest layer, those of the highest one first")
  static let upperLinks = IndexFile(
    "upper.links", tensor: "links", [.i32],
    [.count("documents of upper layers"), .count("neighbours in an upper layer")],
    "of each upper layer, from the second lowest on, and each of its documents the neighbours, by places in "
      + "upper.documents; the document's own where there is none")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try Flat.similarity(source, name)
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try StoredHNSW(segment)?.check()
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try HNSWBuilder(writer, source, arguments, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let reference = try FlatIndex(segment, work, rows: (vectors, scales))
    let width = try arguments.limit(width)
    guard !arguments.flag(exact), let graph = try StoredHNSW(segment) else { return reference }
    let navigator = try HNSWNavigator(segment, graph, work.kernels)
    return GraphIndex(segment, navigator, reference: reference, width: width, work)
  }
}
