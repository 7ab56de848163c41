import Failures
import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Folders that sentence-transformers wrote, in the classic form and in that of version 5.
struct SentenceTransformersTests {
  static let cases = ModelCase.named(
    "external/st_bert_", "external/st_distilbert_", "external/st_roberta_",
    "external/st_modernbert_")

  @Test func casesAreThere() {
    for name in ["concat_dense2", "mean_norm_legacy", "cls_norm", "weightedmean", "lasttoken"] {
      #expect(Self.cases.contains("external/st_bert_\(name)"))
    }
  }

  @Test(arguments: cases)
  func embeddings(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let tokenizer = try golden.tokenizer()
    let prompts = try prompts(golden, model)
    // Called without a role the library takes the default prompt, or none.
    let usual = golden.inputs["default_prompt_name"]?.string.flatMap { prompts[$0] } ?? ""
    let plain = try model.window(golden.texts, .doc, tokenizer, prompt: "")
    #expect(plain.rows == (try golden.unpadded("tok", "input_ids")), "\(name) ids")
    let rows = try embed(golden, model, usual)
    expectClose(
      rows.flatMap { $0 }, try golden.tensors.floats("embeddings"), .embeddings,
      "\(name) embeddings")
    expectClose(
      rows.flatMap(Self.normalized), try golden.tensors.floats("embeddings.normalize_embeddings"),
      .embeddings, "\(name) normalized")
    for (prompt, text) in prompts {
      // As a user says `--prompt NAME`, and, where it is a role's own, as the role has it.
      expectClose(
        try embed(golden, model, text).flatMap { $0 },
        try golden.tensors.floats("embeddings.prompt.\(prompt)"), .embeddings,
        "\(name) prompt \(prompt)")
    }
    if let text = prompts["query"] { #expect(model.description.roles[.query]?.prompt == text) }
    if let text = prompts["document"] { #expect(model.description.roles[.doc]?.prompt == text) }
    #expect(
      model.unusedTensors.allSatisfy { $0.contains("pooler") }, "\(model.unusedTensors)")
  }

  /// Embeddings of the texts behind a prompt, which some models do not pool.
  private func embed(
    _ golden: ModelCase, _ model: Model, _ prompt: String
  ) throws -> [[Float]] {
    let tokenizer = try golden.tokenizer()
    let window = try model.window(golden.texts, .doc, tokenizer, prompt: prompt)
    var settings = model.description.roles[.doc] ?? RoleSettings()
    settings.prompt = prompt
    var scratch = TokenizerScratch()
    let promptTokens = try RoleTokenizer(
      tokenizer, settings, maximumLength: model.maximumTokens(.doc)
    ).promptTokens(&scratch)
    return try model.embed(window, .doc, promptTokens: promptTokens)
  }

  private func prompts(_ golden: ModelCase, _ model: Model) throws -> [String: String] {
    var prompts: [String: String] = [:]
    for member in golden.inputs["prompts"]?.members ?? [] {
      prompts[member.key] = member.value.string
    }
    let found = model.description.prompts.filter { !$0.value.isEmpty }
    #expect(found == prompts.filter { !$0.value.isEmpty })
    return prompts
  }

  @Test(arguments: cases)
  func settings(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    #expect(model.maximumTokens(.query) == golden.inputs["max_seq_length"]?.integer)
    #expect(model.description.similarity.rawValue == golden.inputs["similarity_fn"]?.string)
  }

  /// Similarities of the first five texts with all.
  @Test(arguments: cases)
  func similarity(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let rows = try model.embed(
      try model.window(golden.texts, .doc, golden.tokenizer(), prompt: ""), .doc)
    let isCosine = model.description.similarity == .cosine
    guard golden.inputs["default_prompt_name"]?.string == nil else { return }
    let compared = isCosine ? rows.map(Self.normalized) : rows
    var similarities: [Float] = []
    for x in compared.prefix(5) {
      for y in compared {
        similarities.append(Float(zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }))
      }
    }
    expectClose(
      similarities, try golden.tensors.floats("similarity"), .scores, "\(name) similarity")
  }

  private static func normalized(_ row: [Float]) -> [Float] {
    let norm = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    return row.map { Float(Double($0) / max(norm, 1e-12)) }
  }
}

/// Sparse encoders of sentence-transformers.
struct SparseEncoderTests {
  static let cases = ModelCase.named("external/st_sparse_")

  @Test func casesAreThere() { #expect(Self.cases.count >= 2) }

  @Test(arguments: cases)
  func vectors(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    #expect(model.description.similarity == .dot)
    #expect(model.unusedTensors.isEmpty)
    var rows: [Role: [[Float]]] = [:]
    let names = golden.tensors.names
    for (role, keys) in [
      (Role.query, ["query_vectors", "vectors", "embeddings"]),
      (.doc, ["doc_vectors", "vectors", "embeddings"]),
    ] {
      let key = try #require(keys.first { names.contains($0) })
      let window = try model.window(golden.texts, role, golden.tokenizer())
      let found = try model.embed(window, role)
      rows[role] = found
      expectClose(
        found.flatMap { $0 }, try golden.tensors.floats(key), .embeddings, "\(name) \(key)")
    }
    guard names.contains("scores") else { return }
    var scores: [Float] = []
    for query in rows[.query] ?? [] {
      for doc in rows[.doc] ?? [] {
        var sum = 0.0
        for (x, y) in zip(query, doc) { sum += Double(x) * Double(y) }
        scores.append(Float(sum))
      }
    }
    expectClose(scores, try golden.tensors.floats("scores"), .scores, "\(name) scores")
  }
}

/// A ColBERT folder of PyLate (`scripts/golden/make_pylate.py`).
struct PyLateTests {
  @Test func vectors() throws {
    let path = Fixtures.path("pylate/model")
    let model = try Model(ModelDescription(recognizing: ModelFolder(path)))
    #expect(model.description.evidence[0].contains("PyLate"))
    #expect(model.description.roles[.query]?.filling == .mask(isAttended: false))
    let texts = (try Fixtures.json("pylate/inputs.json")["texts"]?.array ?? [])
      .compactMap(\.string)
    #expect(texts.count == 4)
    let expected = try TestSupport.SafeTensorsFile.load(
      Fixtures.path("pylate/expected.safetensors"))
    for role in [Role.query, .doc] {
      let sets = try model.vectors(
        try model.window(texts, role, Tokenizer.load(folder: path)), role)
      for (number, set) in sets.enumerated() {
        let name = "\(role.rawValue).\(number)"
        expectClose(set.values, try expected.floats(name), .embeddings, name)
      }
    }
  }
}

/// The length of pairs: what is asked for, what the module says, what the tokenizer says, in this order.
struct PairLengthTests {
  @Test(arguments: [(nil, nil, 11), (7, nil, 7), (14, nil, 14), (14, 9, 9), (nil, 13, 13)])
  func order(module: Int?, asked: Int?, wanted: Int) throws {
    let folder = try TemporaryFolder()
    let path = try folder.copy(Fixtures.path("encoders/cross/model"), to: "m")
    func change(_ name: String, _ key: String, _ value: Int) throws {
      let json = try JSONParser.parse(try folder.read("m/\(name)"))
      let others = (json.members ?? []).filter { $0.key != key }
      let changed = JSON.object(others + [JSON.Member(key, .integer(value))])
      try folder.write("m/\(name)", changed.serialized())
    }
    try change("tokenizer_config.json", "model_max_length", 11)
    if let module { try change("sentence_bert_config.json", "max_seq_length", module) }
    let pairs = try PairTokenizer(
      Tokenizer.load(folder: path), ModelDescription(recognizing: ModelFolder(path)),
      maximumTokens: 64, maxLength: asked)
    var (buffer, scratch) = (TokenBuffer(), TokenizerScratch())
    let document = Array(repeating: "the house", count: 20).joined(separator: " ")
    _ = try Array(document.utf8).withUnsafeBytes {
      try pairs.append(query: Array("a b".utf8), document: $0, to: &buffer, &scratch)
    }
    #expect(buffer.count == wanted)
  }
}

/// PyLate strips a text with its prompt (`str.strip`, in its sentence-transformers 5.3), which tokenizers
/// of bytes tell from one with blanks.
struct StrippedTextTests {
  static let text = "two  words"

  private func ids(_ text: String, prompt: String = "", trims: Bool) throws -> [Int32] {
    let tokenizer = try Tokenizer.load(folder: Fixtures.path("tokenizers/roberta_bpe/model"))
    var settings = RoleSettings(maximumLength: 64, prompt: prompt)
    settings.trims = trims
    let role = try RoleTokenizer(tokenizer, settings, maximumLength: 64)
    var (buffer, scratch) = (TokenBuffer(), TokenizerScratch())
    _ = try Array(text.utf8).withUnsafeBytes { try role.append($0, to: &buffer, &scratch) }
    return buffer.ids
  }

  @Test func folderOfPyLate() throws {
    let model = try ModelDescription(recognizing: ModelFolder(Fixtures.path("pylate/model")))
    #expect(model.roles[.query]?.trims == true)
    #expect(model.roles[.doc]?.trims == true)
  }

  /// Every scalar for which `str.isspace` holds, and two for which it does not.
  @Test func blanks() throws {
    let wanted = try ids(Self.text, trims: false)
    let ranges: [ClosedRange<UInt32>] = [
      0x09...0x0D, 0x1C...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
      0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
    ]
    var around = ""
    for value in ranges.joined() {
      let blank = String(try #require(UnicodeScalar(value)))
      #expect(try ids(blank + Self.text + blank, trims: true) == wanted, "U+\(value)")
      #expect(try ids(Self.text + blank, trims: false) != wanted, "U+\(value)")
      around += blank
    }
    #expect(try ids(around + Self.text + around, trims: true) == wanted)
    for other in ["\u{200B}", "\u{FEFF}", "é", "漢"] {
      let text = other + Self.text + other
      #expect(try ids(text, trims: true) == ids(text, trims: false), "\(other)")
    }
    #expect(try ids(around, trims: true) == ids("", trims: false))
  }

  @Test func prompt() throws {
    let wanted = try ids("query:  two", trims: false)
    #expect(try ids(" two ", prompt: "query: ", trims: true) == wanted)
    #expect(try ids(" ", prompt: " query: ", trims: true) == ids("query:", trims: false))
  }
}

/// Folders that say what this release does not do.
struct SentenceTransformersRefusalTests {
  static let name = "external/st_bert_cls_norm"

  private func refusal(
    _ name: String = Self.name, _ change: (TemporaryFolder) throws -> Void
  ) throws -> Failure? {
    let folder = try TemporaryFolder()
    try folder.copy(try ModelCase(name).modelPath, to: "m")
    try change(folder)
    let failure = #expect(throws: Failure.self) {
      try Model(ModelDescription(recognizing: ModelFolder(folder("m"))))
    }
    return failure.map { failure in
      var failure = failure
      failure.place = failure.place.map { $0.replacingOccurrences(of: folder.path + "/", with: "") }
      return failure
    }
  }

  @Test func unknownModule() throws {
    let failure = try refusal { folder in
      let text = String(decoding: try folder.read("m/modules.json"), as: UTF8.self)
      try folder.write("m/modules.json", text.replacingOccurrences(of: ".Normalize", with: ".CNN"))
    }
    #expect(failure == .config("m", "module CNN is not supported"))
  }

  @Test func unknownPooling() throws {
    let failure = try refusal { folder in
      try folder.write("m/1_Pooling/config.json", #"{"pooling_mode":"median"}"#)
    }
    #expect(failure == .config("m/1_Pooling/config.json", "pooling_mode median is not supported"))
  }

  @Test func noPooling() throws {
    let failure = try refusal { folder in
      let text = String(decoding: try folder.read("m/modules.json"), as: UTF8.self)
      try folder.write(
        "m/modules.json", text.replacingOccurrences(of: ".Pooling", with: ".Dropout"))
    }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("Normalize") == true)
  }

  @Test func unknownSimilarity() throws {
    let failure = try refusal { folder in
      try folder.write(
        "m/config_sentence_transformers.json", #"{"similarity_fn_name":"manhattan"}"#)
    }
    #expect(failure?.message == "similarity_fn_name manhattan is not supported")
  }

  /// A module of the folder's own code is nobody's that we know.
  @Test func ownCode() throws {
    let failure = try refusal { folder in
      let text = String(decoding: try folder.read("m/modules.json"), as: UTF8.self)
      try folder.write(
        "m/modules.json",
        text.replacingOccurrences(
          of: "sentence_transformers.base.modules.transformer.", with: "custom_st."))
    }
    #expect(failure?.status == .config)
    #expect(failure?.message == "module custom_st.Transformer is code of its own, which is not run")
  }

  @Test func missingModuleWeights() throws {
    let failure = try refusal("external/st_bert_concat_dense2") { folder in
      try folder.remove("m/2_Dense/model.safetensors")
    }
    #expect(
      failure
        == .config("m/2_Dense", "expected model.safetensors or pytorch_model.bin, found no weights")
    )
  }

  @Test func unknownActivation() throws {
    let failure = try refusal("external/st_bert_concat_dense2") { folder in
      try folder.write(
        "m/2_Dense/config.json",
        #"{"in_features":64,"out_features":24,"bias":false,"activation_function":"torch.nn.Mish"}"#)
    }
    #expect(failure == .config("m", "activation function Mish is not supported"))
  }
}
