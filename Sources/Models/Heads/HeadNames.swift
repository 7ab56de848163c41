import Failures
import Kernels
import Streams
import Tensors

/// What checkpoints call the weights of heads: a row a backbone, so that a new one is a row here.
package enum HeadNames {
  /// A masked language model head: dense, norm, decoder.
  struct LanguageModel: Sendable {
    var dense: String
    var norm: String
    /// Weight of the decoder, absent where it is tied to the word embeddings.
    var decoder: String
    /// The decoder's bias under its names, of which checkpoints have at least one.
    var biases: [String]
    /// Fields that say whether dense and norm have biases, false where absent; nil for always.
    var biasFields: (dense: String, norm: String)?
    /// Whether dense and norm are as wide as the word embeddings, not as the backbone's states.
    var isEmbeddingWide = false
    /// Nil for the backbone's.
    var activation: Activation?
  }

  /// A sequence classifier: a layer with an activation, perhaps a norm, then the outputs.
  struct Classifier: Sendable {
    var pooler: String
    var poolerActivation: Activation
    var norm: String?
    var outputs: String
  }

  /// Lightning IR's own: `lightning_ir/modeling_utils/lm_head.py`; behind it those of release 0.0.6,
  /// which were transformers' heads.
  static let lightningIRLanguageModels = [
    LanguageModel(
      dense: "projection.dense", norm: "projection.norm", decoder: "projection.decoder.weight",
      biases: ["projection.decoder.bias"]),
    LanguageModel(
      dense: "projection.predictions.transform.dense",
      norm: "projection.predictions.transform.LayerNorm",
      decoder: "projection.predictions.decoder.weight",
      biases: ["projection.predictions.bias", "projection.predictions.decoder.bias"]),
    LanguageModel(
      dense: "projection.vocab_transform", norm: "projection.vocab_layer_norm",
      decoder: "projection.vocab_projector.weight", biases: ["projection.vocab_projector.bias"]),
    LanguageModel(
      dense: "projection.dense", norm: "projection.layer_norm",
      decoder: "projection.decoder.weight",
      biases: ["projection.bias", "projection.decoder.bias"]),
  ]

  /// What transformers' head of a backbone has for each token: the weights of its outputs, and their
  /// biases under their names; nil where it has no head.
  package static func outputs(of backbone: String) -> (weights: String, biases: [String])? {
    languageModels[backbone].map { ($0.decoder, $0.biases) }
  }

  /// ModernBERT's fields for its head's biases.
  static let modernBertBiases = (dense: "classifier_bias", norm: "norm_bias")

  /// Lightning IR's own: `lightning_ir/models/cross_encoders/mono.py`.
  static let lightningIRClassifier = Classifier(
    pooler: "bert_pool.0", poolerActivation: .tanh, outputs: "linear")

  /// `…ForMaskedLM` of transformers, by `model_type`.
  static let languageModels: [String: LanguageModel] = [
    "bert": LanguageModel(
      dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
      decoder: "cls.predictions.decoder.weight",
      biases: ["cls.predictions.bias", "cls.predictions.decoder.bias"]),
    "distilbert": LanguageModel(
      dense: "vocab_transform", norm: "vocab_layer_norm", decoder: "vocab_projector.weight",
      biases: ["vocab_projector.bias"]),
    "roberta": robertaLanguageModel,
    "xlm-roberta": robertaLanguageModel,
    "mpnet": robertaLanguageModel,
    "electra": LanguageModel(
      dense: "generator_predictions.dense", norm: "generator_predictions.LayerNorm",
      decoder: "generator_lm_head.weight", biases: ["generator_lm_head.bias"],
      isEmbeddingWide: true, activation: .gelu),
    "modernbert": LanguageModel(
      dense: "head.dense", norm: "head.norm", decoder: "decoder.weight", biases: ["decoder.bias"],
      biasFields: modernBertBiases),
  ]

  private static let robertaLanguageModel = LanguageModel(
    dense: "lm_head.dense", norm: "lm_head.layer_norm", decoder: "lm_head.decoder.weight",
    biases: ["lm_head.bias", "lm_head.decoder.bias"], activation: .gelu)

  /// `…ForSequenceClassification` of transformers, by `model_type`.
  static let classifiers: [String: Classifier] = [
    "bert": Classifier(
      pooler: "bert.pooler.dense", poolerActivation: .tanh, outputs: "classifier"),
    "distilbert": Classifier(
      pooler: "pre_classifier", poolerActivation: .relu, outputs: "classifier"),
    "electra": Classifier(
      pooler: "classifier.dense", poolerActivation: .gelu, outputs: "classifier.out_proj"),
    "roberta": robertaClassifier, "xlm-roberta": robertaClassifier, "mpnet": robertaClassifier,
    // Its activation is a field.
    "modernbert": Classifier(
      pooler: "head.dense", poolerActivation: .gelu, norm: "head.norm", outputs: "classifier"),
  ]

  private static let robertaClassifier = Classifier(
    pooler: "classifier.dense", poolerActivation: .tanh, outputs: "classifier.out_proj")
}

// MARK: Projections

extension HeadNames {
  /// Where checkpoints of others have what Lightning IR calls so: the first that is there.
  private static let places: [String: [WeightPlace]] = [
    "projection": [
      WeightPlace("projection"), WeightPlace("linear"), WeightPlace("linear", in: "1_Dense"),
      WeightPlace("linear", in: "2_Dense"),
    ],
    "token_projection": [
      WeightPlace("token_projection"), WeightPlace("coil_encoder.tok_proj"),
      WeightPlace("tok_proj"), WeightPlace("tok_proj", in: "model.pt"),
    ],
    "cls_projection": [
      WeightPlace("cls_projection"), WeightPlace("coil_encoder.cls_proj"),
      WeightPlace("cls_proj"), WeightPlace("cls_proj", in: "model.pt"),
    ],
    "query_weights.weight": [
      WeightPlace("query_weights.weight"),
      WeightPlace("weight", in: "query_0_SparseStaticEmbedding"),
    ],
    "doc_weights.weight": [WeightPlace("doc_weights.weight")],
  ]

  /// Where a folder has a layer or a tensor; the first place where it has none, so that the message
  /// names that.
  ///
  /// With it the number of rows that a layer's weights have there.
  static func place(
    _ name: String, in folder: ModelFolder, isNative: Bool
  ) throws(Failure) -> (WeightPlace, rows: Int?) {
    let candidates = isNative ? [] : places[name] ?? []
    for place in candidates {
      let source =
        place.source.isEmpty ? folder.modelPath : "\(folder.path)/\(place.source)"
      guard try Checkpoint.exists(source) else { continue }
      let checkpoint = try Checkpoint(source)
      if checkpoint.has(place.name) { return (place, nil) }
      if let shape = checkpoint.shape(place.name + ".weight") { return (place, shape.first) }
    }
    return (WeightPlace(name), nil)
  }

  static func places<Key: Hashable>(
    _ names: [Key: String], in folder: ModelFolder, isNative: Bool
  ) throws(Failure) -> [Key: WeightPlace] {
    var found: [Key: WeightPlace] = [:]
    for (key, name) in names { found[key] = try place(name, in: folder, isNative: isNative).0 }
    return found
  }
}
