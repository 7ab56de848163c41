import Failures
import JSON
import Models
import Tensors
import TestSupport
import Testing

/// One score a pair: Lightning IR's mono models, monoBERT, and sentence-transformers' CrossEncoder.
struct CrossEncoderTests {
  static let nativeCases = ModelCase.named("native/mono_", "native/set_")
  static let plainCases = ModelCase.named(
    "external/monobert", "external/monot5", "external/rankt5")
  static let sentenceTransformersCases = ModelCase.named(
    "external/st_ce_bert_identity", "external/st_ce_bert_sigmoid")
  static let severalLabelsCases = ModelCase.named("external/st_ce_bert_3labels")

  @Test func casesAreThere() {
    for name in ["mono_bert_maxlen", "mono_bert_unequal", "mono_bert_tokpattern"] {
      #expect(Self.nativeCases.contains("native/\(name)"))
    }
    #expect(Self.nativeCases.count >= 7)
    #expect(!Self.plainCases.isEmpty)
    #expect(Self.sentenceTransformersCases.count >= 3)
    #expect(!Self.severalLabelsCases.isEmpty)
  }

  @Test(arguments: nativeCases)
  func native(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    try check(golden, model)
    #expect(model.unusedTensors.isEmpty)
  }

  /// A classifier with two labels, which only the user can say is a monoBERT.
  @Test(arguments: plainCases)
  func plain(name: String) throws {
    let golden = try ModelCase(name)
    let failure = #expect(throws: Failure.self) { try golden.model() }
    #expect(failure?.status == .config)
    #expect(failure?.hint?.contains(#"--model-config '{"model_type":"mono""#) == true)
    var members = golden.overrides("mono").members ?? []
    for (key, input) in [
      ("true_token_id", "true_token_id"), ("false_token_id", "false_token_id"),
      ("rank_token_id", "extra_id_10"),
    ] {
      if let id = golden.inputs[input] { members.append(JSON.Member(key, id)) }
    }
    let model = try golden.model(overrides: .object(members))
    // Where the language model head is not tied, the reference takes the wrong weights.
    let isWrong = name.contains("untied")
    try check(golden, model, isWrong ? "ref.hf_scores" : "scores")
    try check(golden, model, "ref.hf_scores")
  }

  /// Checks the scores of a case that `key` names; without it those that every case has.
  private func check(_ golden: ModelCase, _ model: Model, _ key: String = "scores") throws {
    let settings = try #require(model.description.head.pairs)
    #expect(settings.activation == .logit)
    var pairs: [(String, String)] = []
    var truncated: [String] = []
    let queries = (golden.inputs["truncated_queries"]?.array ?? []).compactMap(\.string)
    for (i, (query, documents)) in zip(golden.queries, golden.documents).enumerated() {
      for document in documents {
        pairs.append((query, document))
        if i < queries.count { truncated.append(queries[i]) }
      }
    }
    let (window, prepared) = try model.window(pairs: pairs, golden.tokenizer())
    if !queries.isEmpty { #expect(prepared == truncated, "\(golden.name) queries") }
    #expect(window.rows == (try golden.unpadded("pair", "input_ids")), "\(golden.name) ids")
    if golden.tensors.names.contains("pair.token_type_ids") {
      #expect(window.typeRows == (try golden.unpadded("pair", "token_type_ids")))
    }
    let scores = try model.score(
      window, settings.activation, counts: golden.documents.map(\.count))
    guard golden.tensors.names.contains(key) else { return }
    expectClose(scores, try golden.tensors.floats(key), .scores, "\(golden.name) \(key)")
  }

  @Test(arguments: sentenceTransformersCases)
  func sentenceTransformers(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let settings = try #require(model.description.head.pairs)
    // What the folder says is done to the logit: `predict()` of the reference.
    let isSigmoid = golden.inputs["activation"]?.string == "Sigmoid"
    #expect(settings.activation == (isSigmoid ? .sigmoid : .logit))
    let (window, queries) = try model.window(
      pairs: golden.pairs.map { ($0[0], $0[1]) }, golden.tokenizer())
    #expect(queries == golden.pairs.map { $0[0] })
    #expect(window.rows == (try golden.unpadded("pair", "input_ids")), "\(name) ids")
    #expect(window.typeRows == (try golden.unpadded("pair", "token_type_ids")))
    for (activation, key) in [
      (settings.activation, "scores"), (.logit, "logits"), (.sigmoid, "sigmoid"),
    ] {
      expectClose(
        try model.score(window, activation), try golden.tensors.floats(key), .scores,
        "\(name) \(key)")
    }
    #expect(model.unusedTensors.isEmpty)
  }

  /// Which of three labels is relevance? Nobody knows.
  @Test(arguments: severalLabelsCases)
  func severalLabels(name: String) throws {
    let golden = try ModelCase(name)
    let failure = #expect(throws: Failure.self) { try golden.model() }
    #expect(failure?.status == .config)
    #expect(failure?.place == golden.modelPath)
    #expect(failure?.message.contains("3 labels") == true)
  }

  /// Such a folder without what sentence-transformers wrote.
  @Test(arguments: severalLabelsCases)
  func severalLabelsPlain(name: String) throws {
    let folder = try TemporaryFolder()
    try folder.copy(try ModelCase(name).modelPath, to: "model")
    try folder.remove("model/modules.json")
    try folder.remove("model/config_sentence_transformers.json")
    let failure = #expect(throws: Failure.self) {
      try ModelDescription(recognizing: ModelFolder(folder("model")))
    }
    #expect(failure?.status == .config)
    #expect(failure?.message == "a classifier with 3 labels: which one is relevance?")
  }
}

/// The last step from logits to a score.
struct ScoreTests {
  /// Extreme logits saturate and are never NaN; a softmax over two is not one over one.
  @Test func saturation() throws {
    let golden = try ModelCase("native/mono_bert_03")
    let model = try golden.model()
    #expect(model.description.head.pairs?.activations.contains(.softmax) == true)
    let pairs = zip(golden.queries, golden.documents).map { ($0, $1[0]) }
    let (window, _) = try model.window(pairs: pairs, golden.tokenizer())
    let logs = try model.score(window, .logit)
    let shares = try model.score(window, .softmax)
    for (log, share) in zip(logs, shares) {
      #expect(log <= 0 && share >= 0 && share <= 1)
      #expect(abs(Double(share) - exponential(Double(log))) <= 1e-6)
    }
    #expect(try model.score(window, .sigmoid) == shares)
  }

  private func exponential(_ x: Double) -> Double {
    // e^x = (e^(x/1024))^1024, by its series: enough for six digits, and nobody else's code.
    var term = 1.0
    var sum = 1.0
    for i in 1..<20 {
      term *= x / 1024 / Double(i)
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }
}
