import Autograd
import Failures
import JSON
import Kernels
import Models
import TestSupport
import Testing

/// Every field of transformers' configurations, set to something unusual: a model computes what
/// transformers computes of it, or is refused with the field's name (`scripts/golden/make_fields.py`).
struct ConfigurationFieldTests {
  /// Those that transformers has, also where nothing is exported in its form.
  static let families =
    Backbones.all.rows.filter { $0.transformers != nil }.map(\.name) + ["embedding_gemma2_text"]

  private static let golden = try? Fixtures.json("fields.json")

  private static let ids = golden?["ids"]?.array?.compactMap { $0.integer.map(Int32.init) } ?? []

  /// One field with a value, and what the reference made of it.
  private struct Entry {
    let field: String
    let config: JSON
    /// Nil where the reference refuses, or draws weights.
    let states: [Float]?

    var keys: [String] { (config.members ?? []).map(\.key) }
  }

  /// What there is about a family: its case, states, and values that are tried.
  private static func part(
    _ family: String
  ) -> (subject: String?, states: JSON?, values: [JSON]) {
    let values = golden?["values"]?.array ?? []
    guard let modern = golden?["modern"], let subject = modern["subjects"]?[family]?.string else {
      return (golden?["subjects"]?[family]?.string, golden?["states"], values)
    }
    return (subject, modern["states"], values + (modern["values"]?.array ?? []))
  }

  /// The model of a family's case, whose backbone is then called by the family's name.
  private static func folder(_ family: String) throws -> EditedModel {
    let place = try #require(part(family).subject)
    let folder = try EditedModel(place)
    let isNative = try ModelFolder(folder.path).config["backbone_model_type"] != nil
    try folder.config(isNative ? "backbone_model_type" : "model_type", .string(family))
    return folder
  }

  private static func numbers(_ json: JSON?) -> [Float]? {
    json?.array?.compactMap { $0.double.map { Float($0) } }
  }

  private static func entries(_ family: String, _ release: JSON?) throws -> [Entry] {
    let base = try #require(numbers(release?[family]?["base"]))
    var changed: [String: JSON] = [:]
    for entry in release?[family]?["changed"]?.array ?? [] {
      changed[entry["config"]?.serialized() ?? ""] = entry
    }
    return part(family).values.compactMap { entry in
      guard let field = entry["field"]?.string, let config = entry["config"] else { return nil }
      let other = changed[config.serialized()]
      return Entry(
        field: field, config: config, states: other == nil ? base : numbers(other?["states"]))
    }
  }

  /// The first four numbers of the states of two tokens.
  private static func states(_ model: Model) -> [Float] {
    var batch = PackedBatch()
    // Families of release 5 have fewer words.
    let ids = ids.map { $0 % Int32(model.backbone.vocabularySize) }
    batch.append(ids: ids, typeIDs: ids.map { _ in UInt8(0) })
    let states = model.hidden(batch, Inference(Kernels()))
    return [2, states.rows - 1].flatMap { states.row($0).prefix(4) }
  }

  private static func check(_ entry: Entry, _ folder: EditedModel, _ family: String) throws {
    let place = "\(family) \(entry.config.serialized())"
    do {
      let found = states(try folder.load(entry.config))
      if entry.keys == ["add_cross_attention", "is_decoder"] {
        // The reference draws layers that nothing goes through.
        let decoder = states(try folder.load(["is_decoder": true]))
        #expect(found == decoder, "\(place)")
      } else if let expected = entry.states {
        expectClose(found, expected, .embeddings, place)
      } else {
        Issue.record("\(place): the reference has no states")
      }
    } catch let failure as Failure {
      #expect(failure.status == .config, "\(place): \(failure)")
      #expect(!failure.message.hasPrefix("unknown field"), "\(place): \(failure)")
      if entry.states != nil {
        #expect(entry.keys.contains { failure.message.contains($0) }, "\(place): \(failure)")
      }
      #expect(!ConfigurationFields.withoutEffect.contains(entry.field), "\(place): \(failure)")
    }
  }

  @Test(arguments: families) func values(family: String) throws {
    let folder = try Self.folder(family)
    let isModern = Self.golden?["subjects"]?[family] == nil
    let known = Set(Backbones.all[family]?.family.fields ?? []).union(LimitedField.all.map(\.name))
    // Release 5 wants what training begins with within bounds, and a number where release 4 takes null.
    let narrower = ["{\"initializer_range\":5.0}", "{\"num_key_value_heads\":null}"]
    for entry in try Self.entries(family, Self.part(family).states)
    // Fields that only release 5 has.
    where isModern || !["layer_types", "rope_parameters"].contains(entry.field) {
      if entry.states == nil, narrower.contains(entry.config.serialized()) { continue }
      // Release 5 looks at angles and kinds of layers that a family does not have.
      if isModern, entry.states == nil, !known.contains(entry.field) { continue }
      try Self.check(entry, folder, family)
    }
  }

  /// What release 5 writes of ModernBERT.
  @Test func release5() throws {
    let folder = try Self.folder("modernbert")
    // Release 4 takes the base of global attention where there is none of local attention, and single
    // precision whatever is stored.
    for entry in try Self.entries("modernbert", Self.golden?["release5"])
    where entry.config.serialized() != #"{"local_rope_theta":null}"# && entry.field != "dtype" {
      try Self.check(entry, folder, "modernbert")
    }
  }

  /// No field is left out above.
  @Test(arguments: families) func everyFieldIsTried(family: String) throws {
    let tried = Set(Self.part(family).values.compactMap { $0["field"]?.string })
    let row = try #require(Backbones.all[family])
    let all = ConfigurationFields.withoutEffect.union(row.family.fields)
      .union(LimitedField.all.map(\.name))
    #expect(all.subtracting(tried) == [])
  }

  /// What is said to have no effect has none, and ordinary values of fields are taken.
  @Test(arguments: families) func fieldsWithoutEffect(family: String) throws {
    let folder = try Self.folder(family)
    let base = Self.states(try folder.load())
    let row = try #require(Backbones.all[family])
    let names = ConfigurationFields.withoutEffect.union(row.family.fieldsWithoutEffect)
    for entry in try Self.entries(family, Self.part(family).states)
    where names.contains(entry.field) {
      #expect(Self.states(try folder.load(entry.config)) == base, "\(entry.config.serialized())")
    }
    for name in LimitedField.all.map(\.name) where !row.family.fields.contains(name) {
      #expect(Self.states(try folder.load(.object([JSON.Member(name, .null)]))) == base)
    }
  }

  // MARK: Heads

  /// Language model heads and T5's decoder, with and without outputs of their own.
  @Test(arguments: ["backbones/mlm_modernbert", "backbones/mlm_electra", "backbones/answers_t5"])
  func outputs(name: String) throws {
    let entries = (Self.golden?["heads"]?.array ?? []).filter { $0["case"]?.string == name }
    #expect(entries.count > 5)
    for entry in entries {
      let folder = try EditedModel(name)
      for member in entry["config"]?.members ?? [] { try folder.config(member.key, member.value) }
      try folder.weights { builder in
        let tensor = try #require(entry["tensor"]?.string)
        builder.tensors[tensor] =
          entry["stored"]?.bool == true ? try Self.reversed(builder) : nil
      }
      let expected = try #require(Self.numbers(entry["values"]))
      let isDecoder = name.contains("t5")
      let model = try folder.load(isDecoder ? Self.answering : ["model_type": "splade"])
      var window = TokenWindow()
      window.ids = Self.ids
      window.typeIDs = Self.ids.map { _ in 0 }
      window.attended = Self.ids.map { _ in 1 }
      window.offsets.append(Self.ids.count)
      let found =
        isDecoder
        ? try model.score(window, .logit) : Array(try model.embed(window, .doc)[0].prefix(24))
      expectClose(
        found, expected, isDecoder ? .scores : .embeddings, "\(name) \(entry.serialized())")
    }
  }

  private static let answering: JSON = [
    "model_type": "mono", "scoring_strategy": "mono", "false_token_id": 6, "true_token_id": 9,
  ]

  /// Half of the word embeddings, in the opposite order of rows.
  private static func reversed(_ builder: SafeTensorsBuilder) throws -> SafeTensorsBuilder.Tensor {
    let endings = ["word_embeddings.weight", "shared.weight", "tok_embeddings.weight"]
    let name = try #require(
      builder.tensors.keys.sorted().first { name in endings.contains { name.hasSuffix($0) } })
    let words = try #require(builder.tensors[name])
    let values = words.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let width = words.shape[1]
    let rows = stride(from: 0, to: values.count, by: width).reversed()
    return .init(words.shape, rows.flatMap { values[$0..<$0 + width].map { $0 / 2 } })
  }
}
