import Autograd
import Failures
import JSON
import Kernels
import Models
import Tensors
import Vectors

extension ModelExport {
  /// Adds a masked language model, with SpladePooling for sentence-transformers, where queries may be a
  /// table of weights.
  mutating func add(_ head: SpladeHead.Settings) throws(Failure) {
    guard format != .pylate else { throw refusal("the model weights terms") }
    let names = head.transformersNames(
      trained.model, has: { trained.store[$0] != nil || trained.store[Self.old($0)] != nil })
    guard let names else {
      throw refusal(
        "transformers has no masked language model on backbone \(description.backboneType) with "
          + "this head")
    }
    try checkSplade(head)
    let isStatic = head.weighting[.query] != .contextualized
    var tables: Set<String> = []
    for place in head.tables.values { tables.insert(place.path) }
    let stored = Set(names.map(\.stored))
    try addBackbone(prefix: transformers.prefix) { name in
      stored.contains(WeightNaming.modern(name)) || tables.contains(name)
    }
    for name in names {
      guard let parameter = trained.store[name.stored] ?? trained.store[Self.old(name.stored)]
      else { continue }
      folder.add(parameter, as: name.written)
    }
    // Without weights of its own the decoder is the table of the word embeddings.
    let isTied = !names.contains { $0.isDecoder && trained.store[$0.stored] != nil }
    addConfiguration("ForMaskedLM", [JSON.Member("tie_word_embeddings", .bool(isTied))])
    try addTokenizer(naming: markers(.query) + markers(.doc), lowersItself: format != .transformers)
    guard format == .sentenceTransformers else { return }
    let pooling: JSON = [
      "pooling_strategy": head.pooling == .max ? "max" : "sum",
      "activation_function": head.sparsification == .reluLog ? "relu" : "log1p_relu",
      "embedding_dimension": .integer(trained.model.backbone.vocabularySize),
    ]
    let transformer: [JSON.Member] = [
      JSON.Member("transformer_task", "fill-mask"),
      JSON.Member(
        "modality_config", ["text": ["method": "forward", "method_output_name": "logits"]]),
      JSON.Member("module_output_name", "token_embeddings"),
    ]
    var settings = [
      JSON.Member("prompts", try prompts()),
      JSON.Member("similarity_fn_name", .string(Self.name(description.similarity))),
    ]
    if let most = description.maximumTerms {
      settings.append(JSON.Member("max_active_dims", .integer(most)))
    }
    let all = Self.settings("SparseEncoder", settings)
    let package = "sentence_transformers.sparse_encoder.modules"
    let last = Module(type: "\(package).splade_pooling.SpladePooling", name: "SpladePooling")
    guard isStatic else {
      folder.add("1_SpladePooling/config.json", pooling)
      return try addModules(
        [.transformer, last], transformer: transformer + lengths(), settings: all)
    }
    let length = length(.doc).map { [JSON.Member("max_seq_length", .integer($0))] } ?? []
    try addModules([.transformer], transformer: transformer + length, settings: all)
    try addRouter(head, pooling, last)
  }

  /// Puts what is there behind a Router as the route of documents, and a table beside it.
  private mutating func addRouter(
    _ head: SpladeHead.Settings, _ pooling: JSON, _ last: Module
  ) throws(Failure) {
    let (query, doc) = ("query_0_SparseStaticEmbedding", "document_0_Transformer")
    let pool = "document_1_SpladePooling"
    folder.moveFiles(to: "\(doc)/", except: ["config_sentence_transformers.json", "modules.json"])
    folder.add("\(pool)/config.json", pooling)
    folder.add(
      "modules.json",
      [
        [
          "idx": 0, "name": "0", "path": "",
          "type": "sentence_transformers.base.modules.router.Router",
        ]
      ])
    let table =
      "sentence_transformers.sparse_encoder.modules.sparse_static_embedding.SparseStaticEmbedding"
    folder.add(
      "router_config.json",
      [
        "types": .object([
          JSON.Member(query, .string(table)),
          JSON.Member(doc, .string(Module.transformer.type)),
          JSON.Member(pool, .string(last.type)),
        ]),
        "structure": [
          "query": [.string(query)], "document": [.string(doc), .string(pool)],
        ],
        "parameters": ["default_route": "document", "allow_empty_key": true],
      ])
    try addTable(head, "\(query)/", documents: "\(doc)/")
  }

  private static func old(_ name: String) -> String {
    for (new, old) in [(".weight", ".gamma"), (".bias", ".beta")] where name.hasSuffix(new) {
      return String(name.dropLast(new.count)) + old
    }
    return name
  }

  private func checkSplade(_ head: SpladeHead.Settings) throws(Failure) {
    guard head.weighting[.doc] == .contextualized, head.expands[.doc] == true else {
      throw refusal("documents are weighted without a model, or by their own terms alone")
    }
    let isStatic = head.weighting[.query] != .contextualized
    guard isStatic || head.expands[.query] == true else {
      throw refusal("queries have their own terms alone")
    }
    for role in [Role.query, .doc] where isFilled(role) {
      throw refusal("texts of role \(role.rawValue) are filled up")
    }
    let knows = [.reluLog, .reluTwiceLog].contains(head.sparsification)
    if format == .sentenceTransformers {
      guard [.max, .sum].contains(head.pooling), knows else {
        throw refusal("SpladePooling knows max and sum, and logarithms of a rectifier")
      }
    } else {
      try checkPrompts()
      guard !isStatic, head.pooling == .max, head.sparsification == .reluLog else {
        throw refusal(
          "the folder cannot say how terms are weighted", hint: "--format sentence-transformers")
      }
    }
  }

  /// Adds the table by which queries are weighted; one of ones where all weigh alike.
  private mutating func addTable(
    _ head: SpladeHead.Settings, _ module: String, documents: String
  ) throws(Failure) {
    let count = trained.model.backbone.vocabularySize
    let buffer = AlignedBuffer(count: count)
    buffer.pointer.update(repeating: 1, count: count)
    if head.weighting[.query] == .staticTable {
      let place = head.tables[.query] ?? WeightPlace("query_weights.weight")
      guard let table = trained.store[place.path] else { throw refusal("\(place.path) is missing") }
      buffer.pointer.update(from: table.values, count: count)
    }
    folder.add(
      Parameter(
        name: "weight", shape: [count], values: UnsafePointer(buffer.pointer), owner: buffer),
      as: "weight", in: module)
    folder.add("\(module)config.json", ["frozen": false])
    // Its tokenizer is that of documents, with a length of its own.
    folder.copyTokenizer(from: documents, to: module, length: length(.query))
  }
}
