import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Tokenizers

/// One score for a query and a document that were read together: pooling, perhaps BERT's pooler,
/// and a linear layer with one or two outputs (monoBERT, arXiv:1901.04085; Lightning IR
/// `models/cross_encoders/mono.py`).
package struct MonoHead: CrossEncoderHead {
  /// Rule by which the outputs become a score of relevance.
  package enum Scoring: String, Sendable, CaseIterable {
    /// One output, as it is.
    case rank
    /// Two outputs: the logarithm of the second one's share of their softmax.
    case mono
  }

  /// Nil where a decoder made one state of a pair.
  package let pooling: Pooling?
  /// Layers behind the pooling.
  package let layers: [HeadLayer]
  /// Whether the states are pooled behind the pooler, not in front of it.
  package let poolsLate: Bool
  /// A linear layer in front of the classifier: BERT's pooler, or what stands in its place.
  package let pooler: Linear?
  package let poolerActivation: Activation
  /// Behind the pooler.
  package let norm: LayerNorm?
  /// Factor of the classifier's inputs, which T5 has where embeddings stand for outputs.
  package let scale: Float
  package let classifier: Linear
  package let scoring: Scoring
  /// Whether the score of two outputs is how much the second is above the first, and no share.
  package let comparesOutputs: Bool
  /// Token behind the last that counts, where the last one is pooled; nil where all count.
  private let padding: Int32?
  package let pairs: PairSettings

  package init(
    pooling: Pooling?, layers: [HeadLayer] = [], pooler: Linear?, poolerActivation: Activation,
    poolsLate: Bool = false, norm: LayerNorm?, scale: Float, classifier: Linear, scoring: Scoring,
    comparesOutputs: Bool = false, padding: Int32? = nil, pairs: PairSettings
  ) {
    self.padding = padding
    self.poolsLate = poolsLate
    self.comparesOutputs = comparesOutputs
    self.pooling = pooling
    self.layers = layers
    self.pooler = pooler
    self.poolerActivation = poolerActivation
    self.norm = norm
    self.scale = scale
    self.classifier = classifier
    self.scoring = scoring
    self.pairs = pairs
  }

  package func margins<O: Operations>(_ pairs: HeadInput<O>, _ o: O) -> O.Value {
    let logits = logits(pairs, o)
    return scoring == .mono ? o.difference(logits) : logits
  }

  package func scores<O: Operations>(
    _ margins: O.Value, _ activation: ScoreActivation, _ o: O
  ) -> O.Value {
    // log softmax(l)[1] is the log of the sigmoid of l1 − l0, as softmax(l)[1] is the sigmoid.
    switch (scoring, activation) {
    case (.rank, .logit): return margins
    case (.mono, .logit): return comparesOutputs ? margins : o.logSigmoid(margins)
    case (_, .sigmoid), (.mono, .softmax): return o.map(margins, .sigmoid)
    case (.rank, .softmax): preconditionFailure("a softmax over one logit is always 1")
    }
  }

  package func lastRead(_ ids: ArraySlice<Int32>) -> Int? {
    guard pooling == .last else { return nil }
    guard let padding else { return ids.indices.last }
    return ids.lastIndex { $0 != padding } ?? ids.startIndex
  }

  /// [B,D].
  private func pooled<O: Operations>(
    _ pairs: HeadInput<O>, _ pooling: Pooling, _ o: O
  ) -> O.Value {
    let batch = pairs.batch
    let ends = (0..<batch.sequences).map { sequence in
      let tokens = batch.range(sequence)
      return tokens.last { batch.ids[$0] != padding } ?? tokens.lowerBound
    }
    guard padding != nil, pooling == .last,
      ends != (0..<batch.sequences).map({ batch.range($0).upperBound - 1 })
    else { return pairs.pooledStates(pooling) }
    let states = pairs.states()
    return o.stack(ends.map { o.rows(states, $0..<$0 + 1) })
  }

  /// [B,1] or [B,2].
  private func logits<O: Operations>(_ pairs: HeadInput<O>, _ o: O) -> O.Value {
    let early = poolsLate ? nil : pooling
    var x = layers.apply(early.map { pooled(pairs, $0, o) } ?? pairs.states(), o)
    if let pooler { x = o.linear(x, pooler, poolerActivation) }
    if poolsLate, let pooling { x = o.pool(x, pooling, pairs.batch) }
    if let norm { x = o.layerNorm(x, norm) }
    if scale != 1 { x = o.scale(x, by: scale) }
    return o.linear(x, classifier)
  }

  package var facts: [JSON.Member] {
    var members = [
      // A decoder gives one state a pair.
      JSON.Member("pooling", .array([.string(pooling?.rawValue ?? "decoder")])),
      JSON.Member("bert_pool", .bool(pooler != nil)),
      JSON.Member("logits", .integer(classifier.outputs)),
      JSON.Member("score", .string(pairs.activation.rawValue)),
    ]
    if let set = pairs.set {
      members.append(JSON.Member("depth", .integer(set.depth)))
      members.append(JSON.Member("extra_token", .bool(set.sharedToken == 1)))
    }
    return members
  }
}

extension MonoHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["mono", "set-encoder"]
    package static let fields: Set<String> = [
      "_bert_pool", "add_extra_token", "answer_recipe", "depth", "false_token_id", "linear_bias",
      "pooling_strategy", "rank_token_id", "sample_missing_docs", "scoring_strategy",
      "tokenizer_pattern", "true_token_id",
    ]

    package var pooling: Pooling
    package var hasPooler: Bool
    package var hasBias: Bool
    package var scoring: Scoring
    /// Whose names the weights have.
    package var naming: HeadNaming
    /// Modules of sentence-transformers between the pooling and the score, the last of which gives
    /// it; nil for a classifier of another kind.
    package var modules: [HeadLayerSettings]?
    /// Tokens whose outputs as the next one give the score; nil for a classifier.
    package var answers: (yes: Int, no: Int?)?
    var reading: PairSettings

    package init(
      pooling: Pooling, hasPooler: Bool, hasBias: Bool, scoring: Scoring, naming: HeadNaming,
      activation: ScoreActivation, cutsTextsFirst: Bool, pattern: [PairPatternPart]? = nil,
      set: PairSettings.SetSettings? = nil
    ) {
      self.pooling = pooling
      self.hasPooler = hasPooler
      self.hasBias = hasBias
      self.scoring = scoring
      self.naming = naming
      reading = PairSettings(
        activation: activation,
        // A softmax over one logit is always 1.
        activations: scoring == .mono ? [.logit, .sigmoid, .softmax] : [.logit, .sigmoid],
        cutsTextsFirst: cutsTextsFirst, pattern: pattern, set: set)
    }

    package var pairs: PairSettings? { reading }

    package var modelType: String { Self.modelTypes[reading.set == nil ? 0 : 1] }

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      guard naming == .transformers, let head = family?.classifier else { return [] }
      let own = HeadNames.lightningIRClassifier
      let poolers = head.pooler.flatMap { name in own.pooler.map { (name, $0) } }
      return (poolers.map { [$0] } ?? []) + [(head.outputs, own.outputs)]
    }

    package var writtenFields: [JSON.Member] {
      let pooling = hasPooler ? [JSON.Member("pooling_strategy", "bert_pool")] : []
      return [JSON.Member("linear_bias", .bool(hasBias))] + pooling
    }
  }
}

// MARK: Lightning IR

extension MonoHead.Settings {
  package static func describe(
    _ folder: ModelFolder, _ modelType: String
  ) throws(Failure) -> ModelDescription {
    let native = LightningIRFolder.isNative(folder)
    let backbone = LightningIRFolder.backbone(folder)
    if let recipe = try AnswerRecipe.of(folder) { return try answers(folder, backbone, recipe) }
    let strategy = try folder.choice(
      "pooling_strategy", default: LightningIRFolder.PoolingStrategy.first)
    // The reference saves `bert_pool` as `first` and a private flag, and then fails to reload it.
    let flag = try folder.bool("_bert_pool", default: false)
    let classifier = folder.architectures.contains { $0.hasSuffix("ForSequenceClassification") }
    let scoring = try folder.choice("scoring_strategy", default: MonoHead.Scoring.rank)
    let answersInWords = folder.backbone(backbone)?.family.answersInWords ?? false
    let settings = Self(
      pooling: classifier && !native && folder.config["pooling_strategy"] == nil
        ? try PlainFolder.classifierPooling(folder) : strategy.pooling,
      hasPooler: flag || strategy == .bertPool || (classifier && !native),
      hasBias: try folder.bool("linear_bias", default: classifier && !native),
      scoring: scoring,
      naming: try naming(folder, backbone, isClassifier: classifier, isNative: native),
      activation: .logit,
      cutsTextsFirst: true, pattern: answersInWords ? pattern(scoring) : nil,
      set: modelType == modelTypes[1] ? try set(folder, backbone) : nil)
    let roles: [Role: RoleSettings] = [
      .query: RoleSettings(
        maximumLength: try folder.optionalInteger(
          "query_length", in: FieldRanges.length, default: LightningIRFolder.defaultQueryLength)),
      .doc: RoleSettings(
        maximumLength: try folder.optionalInteger(
          "doc_length", in: FieldRanges.length, default: LightningIRFolder.defaultDocumentLength)),
      .pair: RoleSettings(),
    ]
    return ModelDescription(
      folder: folder, backboneType: backbone, head: settings, similarity: .dot, roles: roles,
      evidence: LightningIRFolder.evidence(folder))
  }

  /// A language model whose publisher says what is written around a pair.
  private static func answers(
    _ folder: ModelFolder, _ backbone: String, _ recipe: AnswerRecipe
  ) throws(Failure) -> ModelDescription {
    let others = [
      "depth", "false_token_id", "linear_bias", "pooling_strategy", "scoring_strategy",
      "tokenizer_pattern", "true_token_id",
    ]
    if let other = others.first(where: folder.overriddenKeys.contains) {
      throw .config(folder.path, "answer_recipe says what \(other) is: one of them is too much")
    }
    let tokenizer = try Tokenizer.load(folder: folder.modelPath)
    let ids = try [recipe.yes, recipe.no].map { word throws(Failure) in
      guard let id = tokenizer.id(of: word) else {
        throw .config(folder.path, "the tokenizer has no token \(word), which is to be scored")
      }
      return Int(id)
    }
    var settings = Self(
      pooling: .last, hasPooler: false, hasBias: false, scoring: .mono, naming: .transformers,
      activation: recipe.activation, cutsTextsFirst: false)
    settings.answers = (ids[0], ids[1])
    settings.reading.recipe = recipe
    let pair = RoleSettings(maximumLength: recipe.maximumLength, prompt: recipe.instruction)
    return ModelDescription(
      folder: folder, backboneType: backbone, head: settings, similarity: .dot,
      roles: [.pair: pair],
      evidence: ["answer_recipe is \(recipe.name): the words \(recipe.no) and \(recipe.yes)"])
  }

  /// Whose names the weights have: a head that a bare backbone gets is Lightning IR's where that of
  /// transformers is another function.
  private static func naming(
    _ folder: ModelFolder, _ backbone: String, isClassifier: Bool, isNative: Bool
  ) throws(Failure) -> HeadNaming {
    if isNative { return .lightningIR }
    guard !isClassifier, let head = folder.backbone(backbone)?.family.classifier else {
      return .transformers
    }
    if case .fixed(.tanh) = head.poolerActivation, head.norm == nil { return .transformers }
    guard try Checkpoint.exists(folder.modelPath),
      try !Checkpoint(folder.modelPath).has(head.outputs + ".weight")
    else { return .transformers }
    return .lightningIR
  }

  /// `cross_encoder_tokenizer.py`, `SCORING_STRATEGY_POST_PROCESSOR_MAPPING`.
  private static func pattern(_ scoring: MonoHead.Scoring) -> [PairPatternPart] {
    let texts: [PairPatternPart] = [
      .token("\u{2581}"), .token("Query"), .token(":"), .query, .token("\u{2581}Document"),
      .token(":"), .document,
    ]
    let end: [PairPatternPart] = [.token("</s>")]
    switch scoring {
    case .rank: return texts + end
    case .mono:
      return texts + [.token("\u{2581}Relevan"), .token("t"), .token(":")] + end
    }
  }

  private static func set(
    _ folder: ModelFolder, _ backbone: String
  ) throws(Failure) -> PairSettings.SetSettings {
    guard folder.backbone(backbone)?.family.readsSets == true else {
      throw .config(
        folder.configPlace, "a set-encoder on backbone \(backbone) is not supported",
        hint: "supported: \(folder.backbones.names { $0.family.readsSets })")
    }
    guard try !folder.bool("is_decoder", default: false) else {
      throw .config(
        folder.configPlace, "is_decoder: expected false in a set-encoder, found true")
    }
    return .init(
      depth: try folder.integer("depth", in: FieldRanges.depth, default: 100),
      sharedToken: try folder.bool("add_extra_token", default: false) ? 1 : 0,
      drawsMissing: try folder.bool("sample_missing_docs", default: true))
  }
}
