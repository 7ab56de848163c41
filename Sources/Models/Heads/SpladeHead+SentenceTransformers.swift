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
    guard source.transformer?.task == .words else { return nil }
    return try describe(source, query: source.modules.all, doc: source.modules.all)
  }

  private static func describe(
    _ source: SentenceTransformersFolder, query: [SentenceTransformersModules.Module],
    doc: [SentenceTransformersModules.Module]
  ) throws(Failure) -> ModelDescription {
    let folder = source.folder
    guard source.transformer?.task == .words, doc.map(\.kind).dropFirst() == ["SpladePooling"]
    else {
      throw .config(
        folder.path,
        "modules \(doc.map(\.kind).joined(separator: ", ")) for documents are not supported")
    }
    if source.transformer?.expansion != nil {
      throw .config(folder.path, "query_expansion without a MultiVectorMask is not supported")
    }
    let kinds = doc.map(\.kind).joined(separator: ", ")
    var head = try spladePooling(source, doc[1])
    var evidence = "modules.json: \(kinds)"
    let isStatic = query.map(\.kind) == ["SparseStaticEmbedding"]
    if isStatic {
      try requireSameTokenizer(folder, query[0], doc[0])
      head.weighting[.query] = .staticTable
      head.tables[.query] = WeightPlace("weight", in: query[0].path)
      evidence =
        "router_config.json: queries by SparseStaticEmbedding, documents by \(kinds)"
    } else if query != doc {
      throw .config(
        folder.path,
        "modules \(query.map(\.kind).joined(separator: ", ")) for queries are not supported")
    }
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: head,
      similarity: try source.similarity(default: .dot), roles: [:],
      evidence: [evidence])
    description.maximumTerms = try source.settings?.integer("max_active_dims")
    try source.addRoles(to: &description)
    if isStatic {
      description.roles[.query]?.addsSpecialTokens = false
      try readStatic(query[0], source, &description)
    }
    return description
  }

  /// A table of weights has a tokenizer of its own, with a length of its own.
  private static func readStatic(
    _ module: SentenceTransformersModules.Module, _ source: SentenceTransformersFolder,
    _ description: inout ModelDescription
  ) throws(Failure) {
    if let config = try source.configuration(of: module) {
      config.ignore("frozen")
      if config.value("path") != nil { throw config.unsupported("path") }
    }
    let tokenizer = try source.folder.rootJSON("\(module.path)/tokenizer_config.json")
    description.roles[.query]?.maximumLength = try ModelFolder.tokenizerLength(
      tokenizer, in: "\(source.folder.path)/\(module.path)")
  }

  /// sentence-transformers `sparse_encoder/modules/splade_pooling.py`.
  private static func spladePooling(
    _ source: SentenceTransformersFolder, _ module: SentenceTransformersModules.Module
  ) throws(Failure) -> Self {
    let config = try source.requiredConfiguration(of: module)
    config.ignore("embedding_dimension", "word_embedding_dimension", "chunk_size")
    let pooling: Pooling
    switch try config.string("pooling_strategy") {
    case nil, "max": pooling = .max
    case "sum": pooling = .sum
    default: throw config.unsupported("pooling_strategy")
    }
    let sparsification: Sparsification
    switch try config.string("activation_function") {
    case nil, "relu": sparsification = .reluLog
    case "log1p_relu": sparsification = .reluTwiceLog
    default: throw config.unsupported("activation_function")
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
