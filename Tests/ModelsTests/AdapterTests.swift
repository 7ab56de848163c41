import Failures
import JSON
import Models
import TestSupport
import Testing
import Tokenizers

/// PEFT's adapters on a model (`scripts/golden/make_adapter.py`).
struct AdapterTests {
  private static let folder = Fixtures.path("adapter")

  private static let files = ["adapter_config.json", "adapter_model.safetensors"]

  /// Embeddings of the fixture's texts.
  private func rows(_ model: Model) throws -> [Float] {
    let texts = (try Fixtures.json("adapter/inputs.json")["texts"]?.array ?? [])
      .compactMap(\.string)
    let tokenizer = try Tokenizer.load(folder: Self.folder + "/model")
    return try model.embed(try model.window(texts, .doc, tokenizer), .doc).flatMap { $0 }
  }

  /// The fixture's model with an adapter beside its weights.
  private func embedded(_ name: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.copy(Self.folder + "/model", to: "model")
    for file in Self.files {
      try folder.copy("\(Self.folder)/\(name)/\(file)", to: "model/\(file)")
    }
    return folder
  }

  /// Release 5 of transformers adds an adapter that lies beside the weights; so does `--adapter` with
  /// the same folder.
  @Test(arguments: ["plain", "patterns", "saved", "dora", "biases", "table"]) func besideWeights(
    name: String
  ) throws {
    let folder = try embedded(name)
    let expected = try TestSupport.SafeTensorsFile.load(Self.folder + "/expected.safetensors")
    var digests: Set<String> = []
    for adapter in [nil, folder("model"), folder("model") + "/"] {
      let model = try ModelFolder(folder("model"), adapter: adapter)
      let description = try ModelDescription(recognizing: model)
      expectClose(
        try rows(try Model(description)), try expected.floats(name), .embeddings, name)
      #expect(description.evidence.contains { $0.hasPrefix("adapter_config.json: ") })
      digests.insert(try model.digest())
    }
    #expect(digests.count == 1)
    #expect(try !digests.contains(ModelFolder(Self.folder + "/model").digest()))
  }

  @Test func besideWeightsAndNamed() throws {
    let folder = try embedded("plain")
    let failure = #expect(throws: Failure.self) {
      try ModelFolder(folder("model"), adapter: Self.folder + "/rslora")
    }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("--adapter names another adapter") == true)
    try folder.remove("model/adapter_model.safetensors")
    let missing = #expect(throws: Failure.self) {
      try Model(ModelDescription(recognizing: ModelFolder(folder("model"))))
    }
    #expect(missing?.message == "expected adapter_model.safetensors, found no weights")
  }

  /// A folder without a model is told from one with it, whether PEFT left a `config.json` or not.
  @Test func adapterAlone() throws {
    let hint =
      "it is an adapter of model: name the model that it updates with --model, and this "
      + "folder with --adapter"
    let alone = #expect(throws: Failure.self) { try ModelFolder(Self.folder + "/plain") }
    #expect(alone?.status == .config)
    #expect(alone?.hint == hint)
    let folder = try embedded("plain")
    try folder.remove("model/model.safetensors")
    let withConfiguration = #expect(throws: Failure.self) {
      try Model(ModelDescription(recognizing: ModelFolder(folder("model"))))
    }
    #expect(withConfiguration?.hint == hint)
  }

  /// Lightning IR's settings may name an adapter that lies elsewhere.
  @Test func adapterOfLightningIR() throws {
    let model = try EditedModel(RefusalTests.dense)
    try model.config("use_adapter", true)
    try model.config("pretrained_adapter_name_or_path", "somebody/lora")
    #expect(model.refusal()?.message.hasPrefix("use_adapter: ") == true)
    #expect(model.refusal()?.hint == "name the folder of the adapter somebody/lora with --adapter")
  }

  private func model(_ adapter: String?) throws -> Model {
    try Model(
      ModelDescription(recognizing: ModelFolder(Self.folder + "/model", adapter: adapter)))
  }

  @Test(arguments: [
    "none", "plain", "rslora", "patterns", "saved", "dora", "biases", "own_biases", "table",
  ])
  func embeddings(name: String) throws {
    let model = try model(name == "none" ? nil : Self.folder + "/" + name)
    let texts = (try Fixtures.json("adapter/inputs.json")["texts"]?.array ?? [])
      .compactMap(\.string)
    let tokenizer = try Tokenizer.load(folder: Self.folder + "/model")
    let rows = try model.embed(try model.window(texts, .doc, tokenizer), .doc)
    let expected = try TestSupport.SafeTensorsFile.load(Self.folder + "/expected.safetensors")
    expectClose(rows.flatMap { $0 }, try expected.floats(name), .embeddings, name)
    if name != "none" {
      // The adapter changes something at all.
      let plain = try self.model(nil).embed(try model.window(texts, .doc, tokenizer), .doc)
      #expect(zip(plain[0], rows[0]).contains { abs($0 - $1) > 1e-2 })
    }
  }

  private func refusal(_ change: (inout [JSON.Member]) -> Void) throws -> Failure? {
    let folder = try TemporaryFolder()
    try folder.copy(Self.folder + "/plain", to: "adapter")
    var members = try JSONParser.parse(try folder.read("adapter/adapter_config.json")).members ?? []
    change(&members)
    try folder.write("adapter/adapter_config.json", JSON.object(members).serialized())
    return #expect(throws: Failure.self) { try model(folder("adapter")) }
  }

  @Test(arguments: [
    ("peft_type", JSON.string("IA3"), "peft_type IA3 is not supported"),
    ("use_qalora", true, "use_qalora is not supported"),
    ("bias", "some", "bias some is not supported"),
    ("init_lora_weights", "pissa", "init_lora_weights pissa is not supported"),
    ("fan_in_fan_out", true, "fan_in_fan_out of"),
    ("r", 5, "lora_A.weight: expected shape [5, 32]"),
    ("r", 0, "r: expected an integer from 1 to 65536, found 0"),
    ("r", .integer(.max), "r: expected an integer from 1 to 65536, found 9223372036854775807"),
    ("r", .double(2.5), "r: expected an integer from 1 to 65536, found 2.5"),
    ("lora_alpha", .null, "lora_alpha: expected a number from"),
    ("lora_alpha", .double(1e300), "lora_alpha: expected a number from"),
    (
      "rank_pattern", ["query": -1] as JSON,
      "rank_pattern.query: expected an integer from 1 to 65536"
    ),
    ("alpha_pattern", ["query": "x"] as JSON, "alpha_pattern.query: expected a number from"),
    ("alpha_pattern", ["a[b": 1] as JSON, "alpha_pattern: a[b is no regular expression"),
    ("rank_pattern", 5, "rank_pattern: expected an object, found 5"),
    ("use_rslora", "yes", "use_rslora: expected true or false"),
    ("use_dora", "yes", "use_dora: expected true or false"),
  ])
  func refusals(key: String, value: JSON, text: String) throws {
    let failure = try refusal { members in
      members.removeAll { $0.key == key }
      members.append(JSON.Member(key, value))
    }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(text) == true, "\(failure?.description ?? "")")
  }

  /// Keys of patterns are regular expressions; the first that matches counts.
  @Test(arguments: [
    (#"{"r": 1, "rank_pattern": {"self\\.(query|value)": 4, "query": 9}}"#, true),
    (#"{"lora_alpha": 1, "alpha_pattern": {"layer.[0-9]+.attention.*": 8}}"#, true),
    (#"{"alpha_pattern": {".*layer\\.1.*query": 1}}"#, false),
    (#"{"alpha_pattern": {"uery": 1}}"#, true),
  ])
  func patterns(changes: String, isSame: Bool) throws {
    let folder = try TemporaryFolder()
    try folder.copy(Self.folder + "/plain", to: "adapter")
    var members = try JSONParser.parse(try folder.read("adapter/adapter_config.json")).members ?? []
    for change in try JSONParser.parse(Array(changes.utf8)).members ?? [] {
      members.removeAll { $0.key == change.key }
      members.append(change)
    }
    try folder.write("adapter/adapter_config.json", JSON.object(members).serialized())
    let own = try rows(model(folder("adapter")))
    #expect((own == (try rows(model(Self.folder + "/plain")))) == isSame)
  }

  /// An adapter of another model is refused: it updates a layer that this one does not have.
  @Test func stranger() throws {
    let folder = try TemporaryFolder()
    try folder.copy(Self.folder + "/plain", to: "adapter")
    try folder.copy(Self.folder + "/model", to: "model")
    var weights = SafeTensorsBuilder(
      try TestSupport.SafeTensorsFile.load(folder("adapter/adapter_model.safetensors")))
    let name = "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight"
    weights.tensors["base_model.model.encoder.layer.7.attention.self.query.lora_A.weight"] =
      weights.tensors[name]
    try folder.write("adapter/adapter_model.safetensors", weights.bytes)
    let failure = #expect(throws: Failure.self) { try model(folder("adapter")) }
    #expect(failure?.status == .config)
    #expect(
      failure?.message
        == "the model has no encoder.layer.7.attention.self.query, which the adapter updates")
  }

  @Test func missing() {
    let failure = #expect(throws: Failure.self) { try model("/nowhere") }
    #expect(failure?.status == .noInput)
  }
}
