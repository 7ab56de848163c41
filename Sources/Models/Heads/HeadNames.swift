import Kernels

/// What checkpoints call the weights of heads: a row a backbone, so that a new one is a row here.
enum HeadNames {
  /// A masked language model head: dense, norm, decoder.
  struct LanguageModel: Sendable {
    var dense: String
    var norm: String
    /// Weight of the decoder, absent where it is tied to the word embeddings.
    var decoder: String
    /// The decoder's bias under its names, of which checkpoints have at least one.
    var biases: [String]
  }

  /// A sequence classifier: a layer with an activation, then the outputs.
  struct Classifier: Sendable {
    var pooler: String
    var poolerActivation: Activation
    var outputs: String
  }

  /// Lightning IR's own: `lightning_ir/modeling_utils/lm_head.py`.
  static let lightningIRLanguageModel = LanguageModel(
    dense: "projection.dense", norm: "projection.norm", decoder: "projection.decoder.weight",
    biases: ["projection.decoder.bias"])

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
  ]

  /// `…ForSequenceClassification` of transformers, by `model_type`.
  static let classifiers: [String: Classifier] = [
    "bert": Classifier(
      pooler: "bert.pooler.dense", poolerActivation: .tanh, outputs: "classifier"),
    "distilbert": Classifier(
      pooler: "pre_classifier", poolerActivation: .relu, outputs: "classifier"),
    "electra": Classifier(
      pooler: "classifier.dense", poolerActivation: .gelu, outputs: "classifier.out_proj"),
  ]
}
