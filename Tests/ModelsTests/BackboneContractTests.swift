import Autograd
import Failures
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Workers

/// Promises of every backbone of the registry, whatever its family, tested on tokens that are drawn.
struct BackboneContractTests {
  static let names = Backbones.all.rows.map(\.name)

  /// Folders with a backbone of each family, whose backbone is then called by the name.
  private static let folders: [String: [String]] = [
    "bert": ["native/dpr_bert_01", "native/mono_bert_00"],
    "distilbert": ["native/dpr_distilbert_06"],
    "electra": ["native/mono_electra_05"],
    "roberta": ["backbones/classifier_roberta"],
    "xlm-roberta": ["backbones/classifier_roberta"],
    "mpnet": ["backbones/states_mpnet"],
    "modernbert": ["backbones/states_modernbert", "backbones/classifier_modernbert"],
    "t5": ["native/dpr_t5_encoder", "native/mono_t5_1"],
    "mt5": ["native/dpr_t5_encoder", "native/mono_t5_1"],
    "qwen2": ["transformers5/states_qwen2", "transformers5/states_qwen2_both"],
    "qwen3": ["transformers5/states_qwen3_window"],
    "mistral": ["transformers5/states_mistral"],
    "ministral": ["transformers5/states_mistral_kinds"],
    "llama": ["transformers5/states_llama_3", "transformers5/states_llama_long"],
    "gemma3_text": ["transformers5/states_gemma3", "transformers5/states_gemma3_both"],
    "embedding_gemma2_text": [
      "transformers5/states_embedding_gemma2", "transformers5/states_embedding_gemma2_layers",
    ],
    "embedding_gemma2": ["transformers5/states_embedding_gemma2_whole"],
    "eurobert": ["transformers5/states_eurobert_biases"],
    "ultrabert": ["transformers5/states_ultrabert"],
    "lfm2": ["transformers5/states_lfm2_old"],
    "nomic_bert": [
      "transformers5/states_nomic_bert", "transformers5/states_nomic_moe",
      "transformers5/states_nomic_moe_gates",
    ],
    "gte": ["transformers5/states_gte", "transformers5/states_gte_types"],
    "new": ["transformers5/states_gte"],
    "jina_embeddings_v3": ["transformers5/states_jina_3", "transformers5/states_jina_3_task"],
    "jina_bert_v2": ["transformers5/states_jina_2", "transformers5/states_jina_2_reglu"],
    "deberta-v2": [
      "transformers5/states_deberta", "transformers5/states_deberta_conv",
      "transformers5/states_deberta_queries",
    ],
    "static-embedding": ["transformers5/states_table"],
    "camembert": ["transformers5/states_camembert"],
    "xlm-roberta-xl": ["transformers5/states_xlm_roberta_xl"],
  ]

  /// A model and texts of which some are as long as may be.
  private struct Subject {
    let folder: EditedModel
    let description: ModelDescription
    let model: Model
    let window: TokenWindow

    init(_ name: String, _ place: String, _ precision: Precision = .f32) throws {
      folder = try EditedModel(place)
      let isNative = try ModelFolder(folder.path).config["backbone_model_type"] != nil
      try folder.config(isNative ? "backbone_model_type" : "model_type", .string(name))
      description = try ModelDescription(recognizing: ModelFolder(folder.path))
      #expect(description.backboneType == name)
      model = try Model(description, precisions: LayerPrecisions(precision))
      let longest = min(model.backbone.maximumTokens, 150)
      window = TokenWindow(
        lengths: [1, 2, longest, 17, 3, longest - 1, 9], model.backbone, seed: 7)
    }

    var batch: PackedBatch { window.packed(0..<window.count) }

    /// Bits of what the model makes of every text.
    func bits(threads: Int = 1, batchTokens: Int = 512) throws -> [[UInt32]] {
      if description.isCrossEncoder {
        return try model.score(window, .logit, threads: threads, batchTokens: batchTokens)
          .map { [$0.bitPattern] }
      }
      return try model.embed(window, .doc, threads: threads, batchTokens: batchTokens)
        .map { $0.map(\.bitPattern) }
    }
  }

  private static func subjects(
    _ name: String, _ precision: Precision = .f32
  ) throws -> [Subject] {
    let places = try #require(folders[name], "no case has a backbone \(name)")
    return try places.map { try Subject(name, $0, precision) }
  }

  @Test(arguments: names, Precision.allCases)
  func batchesAndThreads(name: String, precision: Precision) throws {
    for subject in try Self.subjects(name, precision) {
      let expected = try subject.bits()
      #expect(Set(expected).count == expected.count, "texts that differ have the same values")
      for batchTokens in [1, 64] {
        for threads in 1...3 {
          #expect(try subject.bits(threads: threads, batchTokens: batchTokens) == expected)
        }
      }
    }
  }

  /// A text's states are those that it has alone, whatever it is packed with.
  @Test(arguments: names, Precision.allCases)
  func packing(name: String, precision: Precision) throws {
    for subject in try Self.subjects(name, precision) {
      let (backbone, engine) = (subject.model.backbone, Inference(Kernels()))
      let batch = subject.batch
      let together = Self.bits(backbone(batch, engine))
      #expect(together.count == (backbone.decodes ? batch.sequences : batch.tokens))
      for text in 0..<batch.sequences {
        let rows = backbone.decodes ? text..<text + 1 : batch.range(text)
        let alone = backbone(subject.window.packed(text..<text + 1), engine)
        #expect(Self.bits(alone) == Array(together[rows]), "text \(text)")
      }
    }
  }

  @Test(arguments: names, Precision.allCases)
  func onlyFirst(name: String, precision: Precision) throws {
    for subject in try Self.subjects(name, precision) {
      let (backbone, engine) = (subject.model.backbone, Inference(Kernels()))
      let batch = subject.batch
      let all = Self.bits(backbone(batch, engine))
      let first = Self.bits(backbone(batch, onlyFirst: true, engine))
      #expect(first == (backbone.decodes ? all : batch.offsets.dropLast().map { all[$0] }))
    }
  }

  /// Training sees the states that inference does; on texts all of whose tokens are attended to, as a
  /// tape has local attention for no others.
  @Test(arguments: names, [false, true])
  func tape(name: String, recomputesLayers: Bool) throws {
    for subject in try Self.subjects(name) {
      let trained = try Model(subject.description, trainingIn: ParameterStore())
      let tape = Tape(Kernels(), WorkerPool(threads: 2), recomputesLayers: recomputesLayers)
      var batch = PackedBatch()
      for text in 0..<subject.window.count {
        let range = subject.window.range(text)
        batch.append(ids: subject.window.ids[range], typeIDs: subject.window.typeIDs[range])
      }
      let recorded = trained.backbone(batch, tape).value
      let inferred = subject.model.backbone(batch, Inference(Kernels()))
      #expect(Self.bits(recorded) == Self.bits(inferred))
    }
  }

  /// The tools cut by what the configuration says, and the model takes as many tokens and no more.
  @Test(arguments: names) func longestText(name: String) throws {
    for subject in try Self.subjects(name) {
      let (model, longest) = (subject.model, subject.description.longestText)
      #expect(model.backbone.maximumTokens == longest ?? .max)
      #expect(model.maximumTokens(.pair) <= longest ?? .max)
      guard let longest else { continue }
      let role = subject.description.isCrossEncoder ? Role.pair : .doc
      func run(_ tokens: Int) throws {
        let window = TokenWindow(lengths: [tokens], model.backbone, seed: 1)
        _ =
          role == .pair ? [try model.score(window, .logit)] : try model.embed(window, role)
      }
      try run(longest)
      let failure = #expect(throws: Failure.self) { try run(longest + 1) }
      #expect(
        failure?.message == "a text of \(longest + 1) tokens, the model has \(longest) positions")
    }
  }

  /// A configuration without a field that the backbone needs is refused with the name of the field;
  /// but texts can be cut for it.
  @Test(arguments: names) func missingField(name: String) throws {
    for subject in try Self.subjects(name) {
      try subject.folder.config("vocab_size", nil)
      // Of a model with several towers it stands in the configuration of the one that is read.
      if let text = try ModelFolder(subject.folder.path).config["text_config"]?.members {
        try subject.folder.config(
          "text_config", .object(text.filter { $0.key != "vocab_size" }))
      }
      let description = try ModelDescription(recognizing: ModelFolder(subject.folder.path))
      #expect(
        description.longestText == description.folder.config["max_position_embeddings"]?.integer)
      let failure = subject.folder.refusal()
      #expect(failure?.status == .config)
      #expect(failure?.place?.hasSuffix("config.json") == true)
      #expect(
        failure?.message
          == "vocab_size: expected an integer from 1 to 2147483647, found nothing")
    }
  }

  private static func bits(_ states: Matrix) -> [[UInt32]] {
    (0..<states.rows).map { states.row($0).map(\.bitPattern) }
  }
}

extension TokenWindow {
  /// Texts whose tokens are drawn, padding's ids, other segments and tokens that nobody attends to
  /// among them.
  fileprivate init(lengths: [Int], _ backbone: any Backbone, seed: UInt64) {
    self.init()
    var random = CounterRandom(seed: seed)
    for length in lengths {
      for place in 0..<length {
        ids.append(Int32(random.next() % UInt64(backbone.vocabularySize)))
        typeIDs.append(place > length / 2 ? UInt8(backbone.segmentCount - 1) : 0)
        attended.append(place % 5 == 3 ? 0 : 1)
      }
      offsets.append(ids.count)
    }
  }

  fileprivate func packed(_ texts: Range<Int>) -> PackedBatch {
    var batch = PackedBatch()
    for text in texts {
      let range = range(text)
      batch.append(ids: ids[range], typeIDs: typeIDs[range], attended: attended[range])
    }
    return batch
  }
}
