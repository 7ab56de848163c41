import Autograd
import Failures

/// The names of backbones, and the family that each stands for.
package struct Backbones: Sendable {
  /// A name, as `model_type` or `backbone_model_type` has it.
  package struct Row: Sendable {
    package let name: String
    package let family: any BackboneFamily.Type
    /// Whether Lightning IR has a language model head of its own for the name, instead of that of
    /// transformers (Lightning IR `modeling_utils/lm_head.py` at 98cb3fd).
    package let hasLightningIRHead: Bool
    /// What transformers calls the family's classes and weights; nil where none is written.
    package let transformers: TransformersNames?

    package init(
      _ name: String, _ family: any BackboneFamily.Type, hasLightningIRHead: Bool = false,
      transformers: TransformersNames? = nil
    ) {
      self.transformers = transformers
      self.name = name
      self.family = family
      self.hasLightningIRHead = hasLightningIRHead
    }
  }

  package let rows: [Row]

  package init(_ rows: [Row]) { self.rows = rows }

  /// The backbones of this release.
  ///
  /// Another name of a family is another row.
  package static let all = Backbones([
    Row(
      "bert", Bert.self, hasLightningIRHead: true,
      transformers: TransformersNames("Bert", prefix: "bert.")),
    Row(
      "distilbert", DistilBert.self, hasLightningIRHead: true,
      transformers: TransformersNames("DistilBert", prefix: "distilbert.")),
    Row(
      "electra", Electra.self, transformers: TransformersNames("Electra", prefix: "electra.")),
    Row(
      "roberta", Roberta.self, hasLightningIRHead: true,
      transformers: TransformersNames("Roberta", prefix: "roberta.")),
    Row(
      "xlm-roberta", Roberta.self, transformers: TransformersNames("XLMRoberta", prefix: "roberta.")
    ),
    Row(
      "mpnet", MPNet.self, transformers: TransformersNames("MPNet", prefix: "mpnet.")),
    Row(
      "modernbert", ModernBert.self, hasLightningIRHead: true,
      transformers: TransformersNames("ModernBert", prefix: "model.")),
    Row(
      "t5", T5.self,
      transformers: TransformersNames("T5", prefix: "", bareClass: "EncoderModel")),
    Row("mt5", T5.self),
    Row("qwen2", Qwen2.self, transformers: TransformersNames("Qwen2", prefix: "model.")),
    Row("qwen3", Qwen3.self, transformers: TransformersNames("Qwen3", prefix: "model.")),
    Row("mistral", Mistral.self, transformers: TransformersNames("Mistral", prefix: "model.")),
    Row(
      "ministral", Mistral.self, transformers: TransformersNames("Ministral", prefix: "model.")),
    Row("llama", Llama.self, transformers: TransformersNames("Llama", prefix: "model.")),
    Row(
      "gemma3_text", Gemma3.self,
      transformers: TransformersNames("Gemma3", prefix: "model.", bareClass: "TextModel")),
    Row("embedding_gemma2_text", EmbeddingGemma2.self),
    // With towers of images and sounds beside it.
    Row("embedding_gemma2", EmbeddingGemma2.self),
    Row("eurobert", EuroBert.self, transformers: TransformersNames("EuroBert", prefix: "model.")),
    Row(
      "nomic_bert", NomicBert.self,
      transformers: TransformersNames("NomicBert", prefix: "nomic_bert.")),
    Row("gte", Gte.self, transformers: TransformersNames("Gte", prefix: "gte.")),
    // On the hub, with code of its own.
    Row("new", Gte.self),
    Row(
      "jina_embeddings_v3", JinaEmbeddings3.self,
      transformers: TransformersNames("JinaEmbeddingsV3", prefix: "roberta.")),
    // On the hub `bert`, with scores that fall with the distance.
    Row("jina_bert_v2", JinaBert2.self),
    Row(
      "camembert", Roberta.self,
      transformers: TransformersNames("Camembert", prefix: "roberta.")),
    Row(
      "xlm-roberta-xl", XLMRobertaXL.self,
      transformers: TransformersNames("XLMRobertaXL", prefix: "roberta.")),
    Row(
      "deberta-v2", DebertaV2.self,
      transformers: TransformersNames("DebertaV2", prefix: "deberta.")),
    Row(StaticTable.name, StaticTable.self),
    Row("lfm2", Lfm2.self, transformers: TransformersNames("Lfm2", prefix: "model.")),
    Row(
      "ultrabert", UltraBert.self, transformers: TransformersNames("Ultrabert", prefix: "model.")),
  ])

  /// The row of a name; nil where there is none.
  package subscript(name: String) -> Row? { rows.first { $0.name == name } }

  /// The names whose families have a property, as messages list them.
  func names(where holds: (Row) -> Bool = { _ in true }) -> String {
    rows.filter(holds).map(\.name).joined(separator: ", ")
  }

  /// Reads the weights of a folder's backbone.
  ///
  /// - Parameters:
  ///   - name: The backbone's.
  ///   - folder: The folder.
  ///   - checkpoint: Its weights.
  ///   - scoresPairs: Whether the model is a cross-encoder, so that a decoder is run if there is one.
  ///   - precisions: Precisions of the linear layers.
  /// - Returns: The backbone.
  /// - Throws: 78 where the name is not known, a field or a tensor is missing, or asks for what is not
  ///   supported.
  func load(
    _ name: String, _ folder: ModelFolder, _ checkpoint: Checkpoint, scoresPairs: Bool,
    _ precisions: LayerPrecisions
  ) throws(Failure) -> any Backbone {
    guard let family = folder.backbone(name)?.family else {
      throw .config(
        folder.configPlace, "backbone \(name) is not supported", hint: "supported: \(names())")
    }
    let prefix = try Self.prefix(family, folder, checkpoint)
    // Numbers from 0 on that older transformers saved with the weights.
    checkpoint.ignore { $0.hasSuffix("embeddings.position_ids") }
    return try family.load(
      folder, WeightScope(checkpoint, prefix: prefix, precisions: precisions),
      scoresPairs: scoresPairs)
  }

  /// Prefix of the names in a checkpoint: nothing, `bert.`, `model.`.
  private static func prefix(
    _ family: any BackboneFamily.Type, _ folder: ModelFolder, _ checkpoint: Checkpoint
  ) throws(Failure) -> String {
    let tensors = family.wordEmbeddings
    for tensor in tensors {
      let found = checkpoint.names.first { $0 == tensor || $0.hasSuffix("." + tensor) }
      if let found { return String(found.dropLast(tensor.count)) }
    }
    throw .config(folder.path, "tensor \(tensors[0]) is missing")
  }
}
