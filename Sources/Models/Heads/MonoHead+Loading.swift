import Autograd
import Failures
import Kernels
import Tensors
import Tokenizers

extension MonoHead.Settings {
  package func load(_ loader: HeadLoader) throws(Failure) -> Head {
    .crossEncoder(try head(loader))
  }

  private func head(_ loader: HeadLoader) throws(Failure) -> MonoHead {
    // A decoder gives one state: there is nothing to pool.
    let pooling = loader.backbone.decodes ? nil : self.pooling
    let (scope, width) = (WeightScope(loader.sources.main), loader.width)
    let description = loader.description
    let answersInWords = description.family?.answersInWords ?? false
    if let modules { return try head(of: modules, loader) }
    if let answers { return try head(of: answers, loader) }
    switch naming {
    case .transformers where answersInWords: return try wordScores(loader, pooling)
    case .transformers:
      guard let head = description.family?.classifier else {
        throw .config(
          description.folder.path,
          "classifiers of backbone \(description.backboneType) are not supported")
      }
      return try classifier(loader, head)
    case .lightningIR:
      let names = HeadNames.lightningIRClassifier
      return MonoHead(
        pooling: pooling,
        pooler: try (hasPooler ? names.pooler : nil).map { name throws(Failure) in
          try scope.linear(name, inputs: width, outputs: width)
        },
        poolerActivation: try names.poolerActivation.function(
          description.folder, backbone: loader.backbone.activation), norm: nil,
        scale: answersInWords ? Self.embeddingScale(width) : 1,
        classifier: try scope.linear(
          names.outputs, inputs: width, outputs: outputs, bias: hasBias),
        scoring: scoring, pairs: reading)
    }
  }

  /// Modules of sentence-transformers, the last of which is linear.
  private func head(
    of modules: [HeadLayerSettings], _ loader: HeadLoader
  ) throws(Failure) -> MonoHead {
    var layers = try loader.layers(modules, inputs: loader.width)
    guard case .linear(let classifier, .none, .none)? = layers.popLast() else {
      throw .config(loader.description.folder.path, "the module that gives scores is not linear")
    }
    return MonoHead(
      pooling: pooling, layers: layers, pooler: nil, poolerActivation: .none, norm: nil, scale: 1,
      classifier: classifier, scoring: scoring, pairs: reading)
  }

  /// LogitScore of sentence-transformers: rows of the language model's head, at the last token.
  private func head(
    of answers: (yes: Int, no: Int?), _ loader: HeadLoader
  ) throws(Failure) -> MonoHead {
    let (folder, main) = (loader.description.folder, loader.sources.main)
    let (backbone, language) = (loader.backbone, loader.description.family?.languageModel)
    guard let language, language.isBare else {
      throw .config(
        folder.path,
        "answers of backbone \(loader.description.backboneType) are not supported")
    }
    let name = language.names.decoder
    let outputs = try OutputEmbeddings(folder, tiesByDefault: language.tiesByDefault)
    let table =
      outputs.areStored(name, in: main)
      ? try main.parameter(name, [backbone.vocabularySize, loader.width])
      : backbone.wordEmbeddings
    main.ignore { $0 == name }
    let tokens = [answers.no, answers.yes].compactMap { $0 }
    for token in tokens where token >= backbone.vocabularySize {
      throw .config(
        folder.path, "token \(token) is outside of the vocabulary of \(backbone.vocabularySize)")
    }
    return MonoHead(
      pooling: .last, pooler: nil, poolerActivation: .none, norm: nil, scale: 1,
      classifier: Linear(weights: tokens.map { table.row($0) }), scoring: scoring,
      comparesOutputs: true, pairs: reading)
  }

  /// Outputs of the classifier.
  private var outputs: Int { scoring == .mono ? 2 : 1 }

  /// Factor of T5's states: in transformers where embeddings stand for outputs, in Lightning IR
  /// always (`mono.py`, `ScaleLinear`).
  private static func embeddingScale(_ width: Int) -> Float { 1 / Float(width).squareRoot() }

  /// `…ForSequenceClassification` of transformers.
  private func classifier(
    _ loader: HeadLoader, _ head: ClassifierHead
  ) throws(Failure) -> MonoHead {
    let (folder, width) = (loader.description.folder, loader.width)
    let scope = WeightScope(loader.sources.main)
    var norm: LayerNorm?
    if let name = head.norm, hasPooler {
      norm = try scope.layerNorm(
        name, width: width, epsilon: loader.backbone.normEpsilon,
        bias: try head.normBias.isThere(folder))
    }
    let hasPoolerBias = try head.poolerBias.isThere(folder)
    return MonoHead(
      pooling: pooling,
      pooler: try (hasPooler ? head.pooler : nil).map { name throws(Failure) in
        try scope.linear(
          head.isPoolerOfBackbone ? Self.stored(name, in: loader.sources.main) : name,
          inputs: width, outputs: width,
          bias: hasPoolerBias)
      },
      poolerActivation: try head.poolerActivation.function(
        folder, backbone: loader.backbone.activation),
      poolsLate: try head.poolingField?.pooling(folder).isLate ?? false, norm: norm, scale: 1,
      classifier: try scope.linear(
        head.outputs, inputs: width, outputs: outputs, bias: hasBias && head.hasOutputsBias),
      scoring: scoring, padding: head.pooling == .last ? try padding(folder) : nil, pairs: reading)
  }

  /// The padding token, behind which transformers looks for no last one.
  private func padding(_ folder: ModelFolder) throws(Failure) -> Int32? {
    try folder.optionalInteger("pad_token_id", in: FieldRanges.token, default: nil).map {
      Int32($0)
    }
  }

  /// The name of a layer in a checkpoint, which may have it behind the backbone's prefix.
  private static func stored(_ name: String, in checkpoint: Checkpoint) -> String {
    let (tensor, ending) = ("\(name).weight", ".\(name).weight")
    guard !checkpoint.has(tensor),
      let found = checkpoint.names.first(where: { $0.hasSuffix(ending) })
    else { return name }
    return String(found.dropLast(".weight".count))
  }

  /// The words whose scores as the first of an answer say how relevant a document is.
  ///
  /// monoT5: `false` and `true` (castorini/monot5-*: 6136, 1176); RankT5: `<extra_id_10>` (32089).
  /// With each the field that may say its id.
  private static func answers(_ scoring: MonoHead.Scoring) -> [(field: String, word: String)] {
    switch scoring {
    case .mono: [("false_token_id", "\u{2581}false"), ("true_token_id", "\u{2581}true")]
    case .rank: [("rank_token_id", "<extra_id_10>")]
    }
  }

  /// monoT5 and RankT5: rows of the language model's head.
  ///
  /// Where the head is not tied to the embeddings its own rows count; Lightning IR takes those of the
  /// embeddings all the same.
  private func wordScores(
    _ loader: HeadLoader, _ pooling: Pooling?
  ) throws(Failure) -> MonoHead {
    let (folder, main) = (loader.description.folder, loader.sources.main)
    let (backbone, width) = (loader.backbone, loader.width)
    let outputs = try OutputEmbeddings(folder)
    let head = "lm_head.weight"
    let table =
      outputs.areStored(head, in: main)
      ? try main.parameter(head, [backbone.vocabularySize, width]) : backbone.wordEmbeddings
    main.ignore { $0 == head }
    let tokenizer = try Tokenizer.load(folder: folder.modelPath)
    var rows: [Parameter] = []
    for answer in Self.answers(scoring) {
      let found = tokenizer.id(of: answer.word).map { Int($0) }
      let said = try folder.optionalInteger(
        answer.field, in: 0...backbone.vocabularySize - 1, default: nil)
      guard let id = said ?? found, id < backbone.vocabularySize else {
        throw .config(
          folder.path, "the tokenizer has no token \(answer.word), which is to be scored",
          hint: "say its id as \(answer.field) of --model-config")
      }
      rows.append(table.row(id))
    }
    return MonoHead(
      pooling: pooling, pooler: nil, poolerActivation: .none, norm: nil,
      scale: try outputs.scalesStates(folder) ? Self.embeddingScale(width) : 1,
      classifier: Linear(weights: rows),
      scoring: scoring, pairs: reading)
  }
}
