import Autograd
import Failures
import JSON
import Models
import Tensors
import Tokenizers
import Vectors

extension ModelExport {
  /// A MultiVectorEncoder of sentence-transformers, or a ColBERT of PyLate.
  mutating func add(_ head: MultiVectorHead.Settings) throws(Failure) {
    guard format != .transformers else {
      throw refusal(
        "transformers has no class of models with a vector a token",
        hint: "--format sentence-transformers or --format pylate")
    }
    try checkRoles()
    let interaction = head.interaction ?? LateInteraction()
    guard interaction.docAggregation == .max, interaction.queryAggregation != .max else {
      throw refusal("scores are no sums of maxima")
    }
    guard description.similarity != .l2 else { throw refusal("vectors are compared by distance") }
    if isFilled(.doc) { throw refusal("documents are filled up") }
    let own = Set(head.layers.paths)
    try addBackbone(prefix: "") { name in own.contains { name.hasPrefix($0 + ".") } }
    addConfiguration(transformers.bareClass)
    var layers = head.layers
    // A cosine is the dot product of vectors of length 1.
    if description.similarity == .cosine, !layers.normalizesLast { layers.append(.normalize) }
    try warnOfBlanks()
    if format == .pylate { return try addColBERT(head, layers, interaction) }
    try addTokenizer(naming: markers(.query) + markers(.doc), lowersItself: true)
    try addEncoder(head, layers, interaction)
  }

  /// Warns where the form strips texts and the model does not, or the other way, and its tokenizer tells.
  private mutating func warnOfBlanks() throws(Failure) {
    let strips = description.roles.values.contains { $0.trims }
    guard strips != (format == .pylate) else { return }
    var scratch = TokenizerScratch()
    let ids = try ["a", " a "].map { text throws(Failure) in
      var buffer = TokenBuffer()
      _ = try Array(text.utf8).withBytes { bytes throws(Failure) in
        try tokenizer.encode(bytes, addSpecialTokens: false, into: &buffer, scratch: &scratch)
      }
      return buffer.ids
    }
    guard ids[0] != ids[1] else { return }
    warn(
      strips
        ? "blanks around texts count there, which PyLate leaves out"
        : "PyLate leaves out blanks around texts, which count here")
  }

  // MARK: sentence-transformers

  private mutating func addEncoder(
    _ head: MultiVectorHead.Settings, _ layers: [HeadLayerSettings], _ interaction: LateInteraction
  ) throws(Failure) {
    var modules = [Module.transformer]
    var width = trained.model.backbone.width
    for layer in layers {
      let (module, outputs) = try add(
        layer, number: modules.count, reading: "token_embeddings", inputs: width)
      modules.append(module)
      width = outputs
    }
    let package = "sentence_transformers.multi_vector_encoder.modules"
    folder.add("\(modules.count)_MultiVectorMask/config.json", try mask(interaction))
    modules.append(
      Module(type: "\(package).multi_vector_mask.MultiVectorMask", name: "MultiVectorMask"))
    if let pooling = head.tokenPooling {
      let name = "HierarchicalTokenPooling"
      folder.add(
        "\(modules.count)_\(name)/config.json",
        [
          "pool_factor": .double(pooling.factor),
          "num_protected_tokens": .integer(pooling.protected),
          "normalize_embeddings": .bool(pooling.normalizes),
          "tasks": .array(pooling.roles.map { .string(Self.task($0)) }),
        ])
      modules.append(Module(type: "\(package).token_pooling.\(name)", name: name))
    }
    var transformer = [JSON.Member("transformer_task", "feature-extraction")]
    if let doc = length(.doc) { transformer.append(JSON.Member("document_length", .integer(doc))) }
    transformer += try expansion()
    try addModules(
      modules, transformer: transformer,
      settings: Self.settings(
        "MultiVectorEncoder",
        [
          JSON.Member("prompts", try prompts()),
          JSON.Member(
            "similarity_fn_name", interaction.queryAggregation == .mean ? "meanmaxsim" : "maxsim"),
        ]))
  }

  private static func task(_ role: Role) -> String { role == .query ? "query" : "document" }

  /// Length and expansion of queries.
  private func expansion() throws(Failure) -> [JSON.Member] {
    let length = length(.query)
    func field(_ strategy: String, _ token: String?, _ length: Int, _ isAttended: Bool) -> JSON {
      [
        "strategy": .string(strategy), "attend": .bool(isAttended),
        "token": token.map { .string($0) } ?? .null, "length": .integer(length),
      ]
    }
    switch description.roles[.query]?.filling {
    case .mask(let isAttended)?:
      guard let length else { throw refusal("queries are filled up without a limit") }
      return [JSON.Member("query_expansion", field("fixed", nil, length, isAttended))]
    case .expansion(let token, let least, let isAttended)?:
      let isFixed = length == least
      let most = length.map { [JSON.Member("query_length", .integer($0))] } ?? []
      return (isFixed ? [] : most) + [
        JSON.Member(
          "query_expansion", field(isFixed ? "fixed" : "min", token, least, isAttended))
      ]
    default: return length.map { [JSON.Member("query_length", .integer($0))] } ?? []
    }
  }

  private func mask(_ interaction: LateInteraction) throws(Failure) -> JSON {
    let (query, doc) = (interaction.masked[.query], interaction.masked[.doc])
    guard query == nil || doc == nil || query?.names == doc?.names else {
      throw refusal("other tokens of queries count than of documents")
    }
    let tasks = [(query, "query"), (doc, "document")].compactMap { $0.0 == nil ? nil : $0.1 }
    var members = [
      JSON.Member("skiplist_words", .array(((doc ?? query)?.names ?? []).map { .string($0) })),
      JSON.Member(
        "skiplist_tasks", .array((tasks.isEmpty ? ["document"] : tasks).map { .string($0) })),
    ]
    if let kept = interaction.kept[.doc] {
      members.append(
        JSON.Member("keep_only_token_ids", .array(kept.map { .integer(Int($0)) })))
    }
    return .object(members)
  }

  // MARK: PyLate

  private mutating func addColBERT(
    _ head: MultiVectorHead.Settings, _ layers: [HeadLayerSettings], _ interaction: LateInteraction
  ) throws(Failure) {
    guard layers.normalizesLast, layers.dropLast().allSatisfy({ Self.isLinear($0) }) else {
      throw refusal("PyLate's vectors have length 1, behind linear layers alone")
    }
    guard head.tokenPooling == nil, interaction.queryAggregation == .sum,
      interaction.masked[.query] == nil, interaction.kept.isEmpty
    else {
      throw refusal("PyLate knows no other score, and no mask of queries")
    }
    let (query, doc) = (try markers(.query), try markers(.doc))
    guard query.count <= 1, doc.count <= 1 else { throw refusal("texts begin with several tokens") }
    try addTokenizer(lowersItself: true)
    var modules = [
      Module(type: "sentence_transformers.models.Transformer", name: "")
    ]
    var width = trained.model.backbone.width
    for layer in layers.dropLast() {
      let (module, outputs) = try add(
        layer, number: modules.count, reading: "token_embeddings", inputs: width)
      modules.append(module)
      width = outputs
    }
    let prompts = (description.roles[.query]?.prompt, description.roles[.doc]?.prompt)
    guard prompts.0 == prompts.1 else {
      throw refusal("queries and documents have prompts of their own")
    }
    var settings = try colBERT(query.first?.name ?? "", doc.first?.name ?? "")
    let words = interaction.masked[.doc]?.names ?? []
    settings.append(JSON.Member("skiplist_words", .array(words.map { .string($0) })))
    settings.append(JSON.Member("prompts", ["default": .string(prompts.0 ?? "")]))
    settings.append(
      JSON.Member("default_prompt_name", prompts.0?.isEmpty == false ? "default" : .null))
    try addModules(modules, settings: settings)
  }

  private static func isLinear(_ layer: HeadLayerSettings) -> Bool {
    if case .linear = layer { true } else { false }
  }

  private func colBERT(_ query: String, _ doc: String) throws(Failure) -> [JSON.Member] {
    guard let queryLength = length(.query) ?? description.longestText,
      let docLength = length(.doc) ?? description.longestText
    else { throw refusal("PyLate's texts have a longest length") }
    let expands: Bool
    let isAttended: Bool
    switch description.roles[.query]?.filling {
    case .mask(let attended)?: (expands, isAttended) = (true, attended)
    case .expansion(nil, let least, let attended)? where least == queryLength:
      (expands, isAttended) = (true, attended)
    case .expansion?: throw refusal("PyLate fills queries up with masks, to their longest length")
    default: (expands, isAttended) = (false, false)
    }
    return [
      JSON.Member("model_type", "ColBERT"), JSON.Member("similarity_fn_name", "MaxSim"),
      JSON.Member("query_prefix", .string(query)), JSON.Member("document_prefix", .string(doc)),
      JSON.Member("query_length", .integer(queryLength)),
      JSON.Member("document_length", .integer(docLength)),
      JSON.Member("do_query_expansion", .bool(expands)),
      JSON.Member("attend_to_expansion_tokens", .bool(isAttended)),
    ]
  }
}
