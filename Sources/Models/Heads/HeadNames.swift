import Failures
import Streams
import Tensors

/// Names of the weights of heads in Lightning IR, and their places in checkpoints of others.
///
/// Their names in transformers are known to the backbone's family.
enum HeadNames {
  /// Lightning IR's own: `lightning_ir/modeling_utils/lm_head.py`; behind it those of release 0.0.6,
  /// which were transformers' heads.
  static let lightningIRLanguageModels = [
    LanguageModelNames(
      dense: "projection.dense", norm: "projection.norm", decoder: "projection.decoder.weight",
      biases: ["projection.decoder.bias"]),
    LanguageModelNames(
      dense: "projection.predictions.transform.dense",
      norm: "projection.predictions.transform.LayerNorm",
      decoder: "projection.predictions.decoder.weight",
      biases: ["projection.predictions.bias", "projection.predictions.decoder.bias"]),
    LanguageModelNames(
      dense: "projection.vocab_transform", norm: "projection.vocab_layer_norm",
      decoder: "projection.vocab_projector.weight", biases: ["projection.vocab_projector.bias"]),
    LanguageModelNames(
      dense: "projection.dense", norm: "projection.layer_norm",
      decoder: "projection.decoder.weight",
      biases: ["projection.bias", "projection.decoder.bias"]),
  ]

  /// Lightning IR's own: `lightning_ir/models/cross_encoders/mono.py`.
  static let lightningIRClassifier = ClassifierHead(
    pooler: "bert_pool.0", poolerActivation: .fixed(.tanh), outputs: "linear")
}

// MARK: Projections

extension HeadNames {
  /// Places in checkpoints of others, by Lightning IR's name; the first that is there counts.
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

  /// Place of a layer or a tensor in a folder, with the number of rows of a layer's weights.
  ///
  /// Where the folder has none, it is the first of the possible places, so that a message names that.
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
