import Failures
import JSON
import Models
import TestSupport
import Testing
import Tokenizers

/// PEFT's adapters on a model (`scripts/golden/make_adapter.py`).
struct AdapterTests {
  private static let folder = Fixtures.path("adapter")

  private func model(_ adapter: String?) throws -> Model {
    try Model(
      ModelDescription(recognizing: ModelFolder(Self.folder + "/model", adapter: adapter)))
  }

  @Test(arguments: ["none", "plain", "rslora", "patterns", "saved"])
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
    ("use_dora", true, "use_dora is not supported"),
    ("bias", "all", "bias all is not supported"),
    ("init_lora_weights", "pissa", "init_lora_weights pissa is not supported"),
    ("fan_in_fan_out", true, "fan_in_fan_out of"),
    ("r", 5, "lora_A.weight: expected shape [5, 32]"),
    ("lora_alpha", .null, "lora_alpha: expected a number"),
  ])
  func refusals(key: String, value: JSON, text: String) throws {
    let failure = try refusal { members in
      members.removeAll { $0.key == key }
      members.append(JSON.Member(key, value))
    }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(text) == true, "\(failure?.description ?? "")")
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
