import Autograd
import Failures
import Glibc
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Workers

/// Every backbone, from the token ids that the reference gave it.
struct BackboneTests {
  static let biEncoders = ModelCase.named("native/dpr_", "native/splade_")
  static let crossEncoders = ModelCase.named("native/mono_")
  /// Made by `scripts/reference/backbones.py`.
  static let hiddenStates = ModelCase.named("backbones/states_", "transformers5/states_")
  /// Made by `scripts/golden/make_transformers5.py`.
  static let slopes = ModelCase.named("transformers5/states_")
  static let classifiers = ModelCase.named(
    "backbones/classifier_", "transformers5/classifier_")
  static let answers = ModelCase.named("backbones/answers_")
  static let languageModels = ModelCase.named(
    "backbones/mlm_", "transformers5/causal_", "transformers5/masked_")
  /// With the fields that say what they are.
  static let plainCrossEncoders = ModelCase.named("external/monot5", "external/rankt5")

  @Test func casesAreThere() {
    for type in ["mpnet", "modernbert", "t5"] {
      #expect(Self.hiddenStates.contains { $0.contains(type) })
    }
    #expect(Self.crossEncoders.contains { $0.contains("t5") })
    #expect(!Self.answers.isEmpty)
    #expect(Self.plainCrossEncoders.count >= 1)
    #expect(Self.hiddenStates.count >= 3)
    #expect(Self.classifiers.count >= 2)
    #expect(Self.languageModels.count >= 2)
  }

  @Test(arguments: biEncoders) func biEncoder(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    for role in [Role.query, .doc] where golden.tensors.names.contains("\(role).input_ids") {
      let window = try golden.window(role.rawValue)
      let rows = try model.embed(window, role).flatMap { $0 }
      expectClose(
        rows, try golden.tensors.floats("\(role.rawValue).embeddings"), .embeddings,
        "\(name) \(role.rawValue)")
    }
  }

  /// Hidden states of every token.
  @Test(arguments: hiddenStates) func states(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let window = try golden.window("doc")
    var batch = PackedBatch()
    for i in 0..<window.count {
      batch.append(ids: window.ids[window.range(i)], typeIDs: window.typeIDs[window.range(i)])
    }
    let states = model.hidden(batch, Inference(Kernels()))
    expectClose(
      (0..<states.rows).flatMap { Array(states.row($0)) },
      try golden.tensors.floats("doc.states"), .embeddings, "\(name) hidden states")
  }

  /// Jina's XLM-RoBERTa by its name and fields on the hub.
  @Test func rotaryXLMRoberta() throws {
    let golden = try ModelCase("transformers5/states_jina_3")
    let folder = try EditedModel(golden.name)
    try folder.config("backbone_model_type", "xlm-roberta")
    try folder.config("position_embedding_type", "rotary")
    try folder.config("rotary_emb_base", 20000)
    try folder.config("rope_parameters", nil)
    let window = try golden.window("doc")
    var batch = PackedBatch()
    for i in 0..<window.count {
      batch.append(ids: window.ids[window.range(i)], typeIDs: window.typeIDs[window.range(i)])
    }
    let states = try folder.load().hidden(batch, Inference(Kernels()))
    expectClose(
      (0..<states.rows).flatMap { Array(states.row($0)) },
      try golden.tensors.floats("doc.states"), .embeddings, "jina's XLM-RoBERTa")
    try folder.config("lora_adaptations", ["retrieval.query"])
    try folder.config("task", "retrieval.passage")
    #expect(folder.refusal()?.message.hasPrefix("task: expected one of retrieval.query") == true)
  }

  /// What `--inspect` says of a decoder's switches.
  @Test func switches() throws {
    func facts(_ name: String) throws -> JSON {
      .object(try ModelCase("transformers5/states_\(name)").model().backbone.facts)
    }
    let expected: JSON = [
      "heads": 4, "key_heads": 2, "head_width": 8, "causal": true, "local_layers": 1, "reach": 4,
    ]
    #expect(
      try facts("qwen3_window").serialized(sortingKeys: true)
        == expected.serialized(sortingKeys: true))
    #expect(try facts("gemma3_both")["causal"]?.bool == false)
    #expect(try facts("gemma3_both")["reach"]?.integer == 4)
    #expect(try facts("llama")["reach"]?.isNull == true)
  }

  /// Derivatives by every weight of a sum of states: of each the first eight, and the length of all.
  ///
  /// Within 2e-4 of that length: the states, which go into them, are within 1e-4 of their size. Those by
  /// biases of keys are 0 but for rounding, which differs by more than 1e-6.
  @Test(arguments: slopes) func derivatives(name: String) throws {
    let golden = try ModelCase(name)
    let window = try golden.window("doc")
    var batch = PackedBatch()
    for i in 0..<window.count {
      batch.append(ids: window.ids[window.range(i)], typeIDs: window.typeIDs[window.range(i)])
    }
    let store = ParameterStore()
    let description = try ModelDescription(recognizing: ModelFolder(golden.modelPath))
    let model = try Model(description, trainingIn: store)
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    let states = model.backbone(batch, tape)
    let count = states.value.rows * states.value.columns
    let direction = tape.matrix(
      (0..<count).map { Float(cos(Double($0))) }, rows: states.value.rows,
      columns: states.value.columns)
    tape.backward(from: [(states, direction)])
    var compared = 0
    for parameter in store.parameters {
      let expected = try golden.tensors.floats("slopes.\(parameter.name)")
      let training = try #require(parameter.training)
      // Numbers of layers that nothing trains have no derivative.
      let found =
        training.isFrozen
        ? [Float](repeating: 0, count: parameter.count)
        : Array(UnsafeBufferPointer(start: training.gradient.pointer, count: parameter.count))
      let length = found.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let tolerance = Tolerance(absolute: 2e-4 * expected[expected.count - 1] + 2e-6, relative: 0)
      expectClose(
        found.prefix(8) + [Float(length)], expected, tolerance, "\(name) \(parameter.name)")
      compared += 1
    }
    #expect(compared == golden.tensors.names.count { $0.hasPrefix("slopes.") })
  }

  /// Bits are equal with any instructions.
  @Test(arguments: slopes, Precision.allCases)
  func instructionSets(name: String, precision: Precision) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(precision)
    let window = try golden.window("doc")
    let expected = try model.embed(window, .doc, .portable)
    for isa in InstructionSet.supported {
      #expect(try model.embed(window, .doc, threads: 2, batchTokens: 16, isa) == expected)
    }
  }

  /// `…ForSequenceClassification` with one label.
  @Test(arguments: classifiers) func classifier(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    #expect(model.unusedTensors.isEmpty)
  }

  /// Log-share of one word of two as the decoder's first.
  @Test(arguments: answers) func answer(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: golden.overrides("mono"))
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    #expect(model.unusedTensors.isEmpty)
  }

  /// `…ForMaskedLM`, saturated and pooled: Lightning IR's epsilon is another one than transformers',
  /// which is within the tolerance.
  @Test(arguments: languageModels) func languageModel(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: ["model_type": "splade"])
    let rows = try model.embed(try golden.window("doc"), .doc).flatMap { $0 }
    expectClose(rows, try golden.tensors.floats("doc.embeddings"), .embeddings, name)
    #expect(model.unusedTensors.isEmpty)
  }

  /// Language models that say yes or no behind a chat template, from texts to scores.
  @Test(arguments: ModelCase.named("transformers5/cross_")) func answered(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let pairs = golden.pairs.map { ($0[0], $0[1]) }
    let window = try model.window(pairs: pairs, golden.tokenizer()).tokens
    let scores = try model.score(window, .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    #expect(model.unusedTensors.isEmpty)
    #expect(window.truncated == 1)
    #expect(window.range(2).count == 120)
    #expect(model.description.head.pairs?.activation == .sigmoid)
  }

  /// Rerankers whose publishers say what is written around a pair, and whose folders do not.
  @Test(arguments: [
    ("qwen3", "qwen3-reranker", "Qwen/Qwen3-Reranker-0.6B"),
    ("mxbai", "mxbai-rerank-v2", "mixedbread-ai/mxbai-rerank-base-v2"),
  ]) func recipe(name: String, recipe: String, checkpoint: String) throws {
    let golden = try ModelCase("transformers5/recipe_\(name)")
    let pairs = golden.pairs.map { ($0[0], $0[1]) }
    let settings: [JSON] = [
      ["model_type": "mono", "answer_recipe": .string(recipe)], ["checkpoint": .string(checkpoint)],
    ]
    for overrides in settings {
      let model = try golden.model(overrides: overrides)
      let window = try model.window(pairs: pairs, golden.tokenizer()).tokens
      let scores = try model.score(window, .logit)
      expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
      #expect(model.unusedTensors.isEmpty)
      #expect(window.truncated == 2)
      #expect(
        model.description.head.pairs?.activation == (name == "qwen3" ? .sigmoid : .logit))
    }
  }

  /// Folders of sentence-transformers that begin with a table, from texts to vectors.
  @Test(arguments: ModelCase.named("transformers5/sentence_")) func sentences(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let window = try model.window(golden.texts, .doc, golden.tokenizer())
    let rows = try model.embed(window, .doc).flatMap { $0 }
    expectClose(rows, try golden.tensors.floats("embeddings"), .embeddings, name)
    #expect(model.unusedTensors.isEmpty)
    #expect(
      try model.embed(model.window([""], .doc, golden.tokenizer()), .doc)[0].allSatisfy { $0 == 0 })
  }

  /// A table's texts are cut to what `tokenizer.json` says: nothing else sets a length.
  @Test func lengthOfATokenizer() throws {
    let edited = try EditedModel("transformers5/sentence_potion")
    var members = try #require(JSONParser.parse(edited.folder.read("model/tokenizer.json")).members)
    members.removeAll { $0.key == "truncation" }
    members.append(
      JSON.Member(
        "truncation",
        ["direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0]))
    try edited.folder.write("model/tokenizer.json", JSON.object(members).serialized())
    let (model, tokenizer) = (try edited.load(), try Tokenizer.load(folder: edited.path))
    let window = try model.window(["rain cats dogs", "rain cats"], .doc, tokenizer)
    #expect(Array(window.ids[window.range(0)]) == Array(window.ids[window.range(1)]))
    #expect(window.range(0).count == 2)
    #expect(window.truncated == 1)
  }

  /// model2vec's folder without modules: the mean of the rows of the tokens that are known.
  @Test(arguments: [true, false]) func tableAlone(normalizes: Bool) throws {
    let golden = try ModelCase("transformers5/sentence_potion")
    let folder = try TemporaryFolder()
    for file in ["tokenizer.json", "model.safetensors"] {
      try folder.copy("\(golden.modelPath)/\(file)", to: file)
    }
    try folder.write(
      "config.json",
      #"{"model_type": "model2vec", "max_length": 3, "normalize": \#(normalizes)}"#)
    let model = try Model(ModelDescription(recognizing: ModelFolder(folder.path)))
    let tokenizer = try Tokenizer.load(folder: folder.path)
    let tensors = try TestSupport.SafeTensorsFile.load(folder("model.safetensors"))
    let (table, weights) = (try tensors.floats("embeddings"), try tensors.floats("weights"))
    for text in ["rain dogs rain cats", "dogs", "the old roof", ""] {
      let window = try model.window([text], .doc, tokenizer)
      var wanted = [Float](repeating: 0, count: 8)
      let known = text.split(separator: " ").prefix(3).compactMap { tokenizer.id(of: String($0)) }
      #expect(Array(window.ids) == known, "\(text)")
      for id in known {
        for i in 0..<8 {
          wanted[i] += table[Int(id) * 8 + i] * weights[Int(id)] / Float(known.count)
        }
      }
      let length = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if normalizes, length > 0 { wanted = wanted.map { $0 / length } }
      expectClose(try model.embed(window, .doc)[0], wanted, .embeddings, text)
    }
  }

  /// Tokens that share rows of a table, each with a weight of its own (model2vec 0.10 `model.py`).
  @Test(arguments: [true, false]) func sharedRows(hasWeights: Bool) throws {
    let golden = try ModelCase("transformers5/sentence_potion")
    let folder = try TemporaryFolder()
    try folder.copy("\(golden.modelPath)/tokenizer.json", to: "tokenizer.json")
    try folder.write("config.json", #"{"model_type": "model2vec", "normalize": false}"#)
    let tokenizer = try Tokenizer.load(folder: folder.path)
    let rows = (0..<tokenizer.count).map { ($0 * 5 + 1) % 3 }
    func write(_ rows: [Int]) throws {
      var file = SafeTensorsBuilder()
      file.tensors["embeddings"] = .init([3, 2], [1, 2, -3, 4, 5, 0.5])
      file.tensors["mapping"] = .init(
        "I64", [rows.count],
        rows.flatMap { row in withUnsafeBytes(of: Int64(row).littleEndian) { Array($0) } })
      if hasWeights {
        file.tensors["weights"] = .init([rows.count], rows.indices.map { Float($0) / 4 })
      }
      try folder.write("model.safetensors", file.bytes)
    }
    try write(rows)
    let model = try Model(ModelDescription(recognizing: ModelFolder(folder.path)))
    #expect(model.backbone.vocabularySize == tokenizer.count && model.unusedTensors.isEmpty)
    let table: [[Float]] = [[1, 2], [-3, 4], [5, 0.5]]
    let window = try model.window(["rain cats old"], .doc, tokenizer)
    try #require(window.ids.count == 3)
    let wanted = (0..<2).map { i in
      window.ids.reduce(Float(0)) { sum, id in
        sum + table[rows[Int(id)]][i] * (hasWeights ? Float(id) / 4 : 1) / 3
      }
    }
    expectClose(try model.embed(window, .doc)[0], wanted, .embeddings, "shared rows")
    try write(rows.dropLast() + [3])
    let failure = #expect(throws: Failure.self) {
      try Model(ModelDescription(recognizing: ModelFolder(folder.path)))
    }
    #expect(failure?.message == "tensor mapping: expected rows of 3, found 3")
  }

  /// The field of EuroBERT's pooling on the hub.
  @Test func poolingOnTheHub() throws {
    let golden = try ModelCase("transformers5/classifier_eurobert_mean")
    let folder = try EditedModel(golden.name)
    try folder.config("classifier_pooling", nil)
    try folder.config("clf_pooling", "mean")
    let scores = try folder.load().score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, "clf_pooling")
    try folder.config("clf_pooling", "last")
    #expect(
      folder.refusal()?.message.hasPrefix("clf_pooling: expected late or bos or mean") == true)
  }

  @Test(arguments: crossEncoders) func crossEncoder(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
  }

  /// Scores are those of transformers' own model; with untied heads Lightning IR's differ from them.
  @Test(arguments: plainCrossEncoders) func plainCrossEncoder(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: golden.overrides("mono"))
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("ref.hf_scores"), .scores, name)
    if !name.contains("untied") {
      expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    }
    #expect(model.unusedTensors.isEmpty)
  }
}

extension ModelCase {
  /// The reference's tokens, without its padding.
  func window(_ key: String) throws -> TokenWindow {
    var window = TokenWindow()
    let ids = try unpadded(key, "input_ids")
    let types =
      tensors.names.contains("\(key).token_type_ids")
      ? try unpadded(key, "token_type_ids") : ids.map { $0.map { _ in 0 } }
    for (row, typeRow) in zip(ids, types) {
      window.ids += row
      window.typeIDs += typeRow.map(UInt8.init)
      window.attended += row.map { _ in 1 }
      window.offsets.append(window.ids.count)
    }
    return window
  }
}

/// Buckets of distances, with values of `T5Attention._relative_position_bucket` of transformers.
struct RelativePositionsTests {
  @Test(arguments: [(32, 128), (16, 32), (6, 20)])
  func buckets(count: Int, maximumDistance: Int) throws {
    let table = AlignedBuffer(count: count)
    let positions = RelativePositions(
      table: Parameter(
        name: "table", shape: [count, 1], values: UnsafePointer(table.pointer), owner: table),
      maximumDistance: maximumDistance)
    let expected = try #require(
      try Fixtures.json("models/buckets.json")["\(count),\(maximumDistance)"]?.array)
    let radius = expected.count / 2
    #expect(radius >= 2 * maximumDistance)
    let found = (-radius...radius).map { positions.bucket($0) }
    #expect(found == expected.compactMap(\.integer))
  }
}
