import Failures
import Retrieval
import Streams
import Vectors

extension VectorExport {
  /// Writes `path`, an index of faiss, and `path.ids`, an id a line: of inverted lists, of product codes
  /// and of type `hnsw` one of the same kind (the same graph, `IndexHNSWFlat`), of others one that compares
  /// all vectors.
  ///
  /// Scores of cosines are products of vectors of unit length: these are stored so, behind a transform
  /// that brings queries to it, as Lightning IR's are (`L2norm,Flat`). Faiss's distances are the squares
  /// of those here, without the sign.
  ///
  /// - Returns: The number of documents.
  /// - Throws: 65 where the index is damaged, 73 and 74 where a file cannot be written, 78 for an index
  ///   of more than one vector a document, of sparse ones, or of codes that faiss does not have, and for
  ///   a graph that has vectors added or deleted.
  package func writeFaiss(_ path: String) throws(Failure) -> Int {
    guard kind == .dense else {
      throw .config(
        folder.path,
        "faiss's indexes hold one dense vector a document, found kind \(kind.rawValue)",
        hint: "--format safetensors")
    }
    if isGraph, folder.segments.count > 1 || folder.segments.contains(where: { $0.deleted != nil })
    {
      throw .config(
        folder.path, "documents were added to the graph, or deleted, which faiss does not know",
        hint: "lir-index compact builds one graph of them")
    }
    let documents = folder.manifest.documents
    let ids = try writeIDs(beside: path)
    let output = try ByteWriter(path, compression: Compression.none)
    let writer = FaissWriter(output)
    switch folder.manifest.type {
    case IVF.name where documents > 0: try writeLists(writer)
    case PQ.name where documents > 0, IVFPQ.name where documents > 0: try writeProducts(writer)
    default: try writeFlat(writer)
    }
    try output.finish()
    try ids.finish()
    return documents
  }

  /// Whether faiss has the graph.
  private var isGraph: Bool { folder.manifest.type == HNSW.name }

  private func writeFlat(_ writer: FaissWriter) throws(Failure) {
    let documents = folder.manifest.documents
    let similarity = try Flat.similarity(folder.manifest.source, folder.path)
    let metric: FaissWriter.Metric = similarity == .l2 ? .distance : .innerProduct
    if similarity == .cosine {
      try writer.writeTransforms(1, dimension: dimension, count: documents, metric)
      try writer.writeNormalization(dimension: dimension)
    }
    if isGraph {
      try writer.writeHeader("IHNf", dimension: dimension, count: documents, metric)
      let parameters = try IndexArguments(
        [], HNSW.self, .search, recorded: folder.manifest.parameters, folder.path)
      let graph = try StoredHNSW(folder.segments[0])
      try graph?.check()
      try writer.writeGraph(
        graph,
        degree: parameters.integer(HNSW.neighbours),
        construction: parameters.integer(HNSW.construction))
    }
    try writer.writeFlatHeader(dimension: dimension, count: documents, metric)
    try forEachBlock { block throws(Failure) in
      guard case .dense(var values, let width) = block else { return }
      if similarity == .cosine {
        DenseComparison.bringToUnitLength(&values, dimension: width, kernels)
      }
      try writer.write(values)
    }
  }
}
