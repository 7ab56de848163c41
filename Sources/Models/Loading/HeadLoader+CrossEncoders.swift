import Autograd
import Failures
import Kernels
import Tensors
import Tokenizers

extension HeadLoader {
  /// The head of a cross-encoder.
  func mono(_ settings: ModelDescription.MonoSettings) throws(Failure) -> MonoHead {
    // A decoder gives one state: there is nothing to pool.
    let pooling = backbone.decodes ? nil : settings.pooling
    let scope = WeightScope(sources.main)
    let outputs = settings.scoring == .mono ? 2 : 1
    let answersInWords = description.family?.answersInWords ?? false
    switch settings.namesOfHead {
    case .transformers where answersInWords: return try wordScores(settings, pooling)
    case .transformers:
      guard let head = description.family?.classifier else {
        throw .config(
          description.folder.path,
          "classifiers of backbone \(description.backboneType) are not supported")
      }
      return try classifier(settings, head, outputs: outputs)
    case .lightningIR:
      let names = HeadNames.lightningIRClassifier
      return MonoHead(
        pooling: pooling,
        pooler: settings.hasPooler
          ? try scope.linear(names.pooler, inputs: width, outputs: width) : nil,
        poolerActivation: try names.poolerActivation.function(
          description.folder, backbone: backbone.activation), norm: nil,
        scale: answersInWords ? embeddingScale : 1,
        classifier: try scope.linear(
          names.outputs, inputs: width, outputs: outputs, bias: settings.hasBias),
        scoring: settings.scoring)
    }
  }

  /// What T5 multiplies its states by where embeddings stand for outputs, and Lightning IR always
  /// (`mono.py`, `ScaleLinear`).
  private var embeddingScale: Float { 1 / Float(width).squareRoot() }

  /// `…ForSequenceClassification` of transformers.
  private func classifier(
    _ settings: ModelDescription.MonoSettings, _ head: ClassifierHead, outputs: Int
  ) throws(Failure) -> MonoHead {
    let (scope, folder) = (WeightScope(sources.main), description.folder)
    var norm: LayerNorm?
    if let name = head.norm, settings.hasPooler {
      norm = try scope.layerNorm(
        name, width: width, epsilon: backbone.normEpsilon, bias: try head.normBias.isThere(folder))
    }
    let hasPoolerBias = try head.poolerBias.isThere(folder)
    return MonoHead(
      pooling: settings.pooling,
      pooler: settings.hasPooler
        ? try scope.linear(head.pooler, inputs: width, outputs: width, bias: hasPoolerBias) : nil,
      poolerActivation: try head.poolerActivation.function(folder, backbone: backbone.activation),
      norm: norm, scale: 1,
      classifier: try scope.linear(
        head.outputs, inputs: width, outputs: outputs, bias: settings.hasBias),
      scoring: settings.scoring)
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
  /// Where the head is not tied to the embeddings its own rows count, without scaling; Lightning IR
  /// takes those of the embeddings all the same.
  private func wordScores(
    _ settings: ModelDescription.MonoSettings, _ pooling: Pooling?
  ) throws(Failure) -> MonoHead {
    let folder = description.folder
    let isTied = try folder.bool("tie_word_embeddings", default: true)
    let head = "lm_head.weight"
    let table =
      isTied
      ? backbone.wordEmbeddings
      : try sources.main.parameter(head, [backbone.vocabularySize, width])
    sources.main.ignore { $0 == head }
    let tokenizer = try Tokenizer.load(folder: folder.modelPath)
    var rows: [Parameter] = []
    for answer in Self.answers(settings.scoring) {
      let found = tokenizer.id(of: answer.word).map { Int($0) }
      guard let id = try folder.optionalInteger(answer.field, default: found), id >= 0,
        id < backbone.vocabularySize
      else {
        throw .config(
          folder.path, "the tokenizer has no token \(answer.word), which is to be scored",
          hint: "say its id as \(answer.field) of --model-config")
      }
      rows.append(table.row(id))
    }
    return MonoHead(
      pooling: pooling, pooler: nil, poolerActivation: .none, norm: nil,
      scale: isTied ? embeddingScale : 1, classifier: Linear(weights: rows),
      scoring: settings.scoring)
  }
}
