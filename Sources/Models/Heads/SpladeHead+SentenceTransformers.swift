import Autograd
import Failures
import JSON
import Streams
import Tensors
import Vectors

extension SpladeHead.Settings {
  /// A masked language model and SpladePooling, or that for documents and a table for queries
  /// (sentence-transformers `sparse_encoder/modules`).
  package static func describe(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription? {
    if let (query, doc) = source.modules.routes {
      return try describe(source, query: query, doc: doc)
    }
    guard source.modules.all.first?.kind == "MLMTransformer" else { return nil }
    return try describe(source, query: source.modules.all, doc: source.modules.all)
  }

  private static func describe(
    _ source: SentenceTransformersFolder, query: [SentenceTransformersModules.Module],
    doc: [SentenceTransformersModules.Module]
  ) throws(Failure) -> ModelDescription {
    let folder = source.folder
    guard doc.map(\.kind) == ["MLMTransformer", "SpladePooling"] else {
      throw .config(
        folder.path,
        "modules \(doc.map(\.kind).joined(separator: ", ")) for documents are not supported")
    }
    var head = try spladePooling(folder, doc[1])
    var evidence = "modules.json: MLMTransformer, SpladePooling"
    if query.map(\.kind) == ["SparseStaticEmbedding"] {
      try requireSameTokenizer(folder, query[0], doc[0])
      head.weighting[.query] = .staticTable
      head.tables[.query] = WeightPlace("weight", in: query[0].path)
      evidence =
        "router_config.json: queries by SparseStaticEmbedding, documents by "
        + "MLMTransformer, SpladePooling"
    } else if query != doc {
      throw .config(
        folder.path,
        "modules \(query.map(\.kind).joined(separator: ", ")) for queries are not supported")
    }
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: head,
      similarity: try source.similarity(default: .dot), roles: [:],
      evidence: [evidence])
    try source.addRoles(to: &description)
    if head.weighting[.query] == .staticTable {
      description.roles[.query]?.addsSpecialTokens = false
    }
    return description
  }

  /// sentence-transformers `sparse_encoder/modules/splade_pooling.py`.
  private static func spladePooling(
    _ folder: ModelFolder, _ module: SentenceTransformersModules.Module
  ) throws(Failure) -> Self {
    let place = "\(folder.path)/\(module.path)/config.json"
    guard let config = try folder.rootJSON("\(module.path)/config.json") else {
      throw .config(place, "the SpladePooling has no configuration")
    }
    let pooling: Pooling
    switch config["pooling_strategy"]?.string {
    case nil, "max": pooling = .max
    case "sum": pooling = .sum
    case .some(let name): throw .config(place, "pooling_strategy \(name) is not supported")
    }
    let sparsification: Sparsification
    switch config["activation_function"]?.string {
    case nil, "relu": sparsification = .reluLog
    case "log1p_relu": sparsification = .reluTwiceLog
    case .some(let name): throw .config(place, "activation_function \(name) is not supported")
    }
    return Self(
      pooling: pooling, sparsification: sparsification,
      weighting: [.query: .contextualized, .doc: .contextualized],
      expands: [.query: true, .doc: true], naming: .transformers)
  }

  private static func requireSameTokenizer(
    _ folder: ModelFolder, _ query: SentenceTransformersModules.Module,
    _ doc: SentenceTransformersModules.Module
  ) throws(Failure) {
    let name = "tokenizer.json"
    let files = [query, doc].map {
      $0.path.isEmpty ? "\(folder.path)/\(name)" : "\(folder.path)/\($0.path)/\(name)"
    }
    guard files.allSatisfy({ WholeFile.exists($0) }) else { return }
    if try WholeFile.read(files[0]) != WholeFile.read(files[1]) {
      throw .config(folder.path, "queries and documents have different tokenizers")
    }
  }
}
