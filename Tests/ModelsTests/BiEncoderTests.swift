import JSON
import Models
import Tensors
import TestSupport
import Testing

/// Dense and sparse bi-encoders that Lightning IR wrote, or loaded from elsewhere.
struct BiEncoderTests {
  static let denseCases = ModelCase.named("native/dpr_bert", "native/dpr_distilbert")
  static let sparseCases = ModelCase.named(
    "native/splade_bert", "native/splade_distilbert")
  static let plainSparseCases = ModelCase.named(
    "external/splade_naver_bert", "external/splade_naver_distilbert", "external/splade_v3_doc",
    "external/splade_v3_lexical")

  @Test func casesAreThere() {
    #expect(Self.denseCases.count >= 7)
    #expect(Self.sparseCases.count >= 6)
    #expect(!Self.plainSparseCases.isEmpty)
  }

  @Test(arguments: denseCases)
  func dense(name: String) throws {
    let golden = try ModelCase(name)
    try check(golden, try golden.model())
  }

  @Test(arguments: sparseCases)
  func sparse(name: String) throws {
    let golden = try ModelCase(name)
    try check(golden, try golden.model())
  }

  /// A masked language model that only the user can say is SPLADE.
  @Test(arguments: plainSparseCases)
  func plainSparse(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: golden.overrides("splade"))
    try check(golden, model)
    guard golden.tensors.names.contains("ref.doc_vectors_hf_mlm") else { return }
    // What transformers' own head gives, beside Lightning IR's.
    let documents = try model.window(golden.documents.flatMap { $0 }, .doc, golden.tokenizer())
    expectClose(
      try model.embed(documents, .doc).flatMap { $0 },
      try golden.tensors.floats("ref.doc_vectors_hf_mlm"), .embeddings, "\(name) transformers")
  }

  /// Every tensor on the disk has its place: none is left over.
  @Test(arguments: denseCases + sparseCases)
  func usesAllTensors(name: String) throws {
    #expect(try ModelCase(name).model().unusedTensors.isEmpty)
  }

  private func check(_ golden: ModelCase, _ model: Model) throws {
    let tokenizer = try golden.tokenizer()
    let queries = try model.window(golden.queries, .query, tokenizer)
    let documents = try model.window(golden.documents.flatMap { $0 }, .doc, tokenizer)
    let queryRows = try check(golden, model, queries, .query)
    let documentRows = try check(golden, model, documents, .doc)

    var scores: [Float] = []
    var next = 0
    for (query, list) in zip(queryRows, golden.documents) {
      for row in documentRows[next..<next + list.count] {
        scores.append(Self.score(query, row, model.description.similarity))
      }
      next += list.count
    }
    expectClose(
      scores, try golden.tensors.floats("scores"), .scores, "\(golden.name) scores")
  }

  private func check(
    _ golden: ModelCase, _ model: Model, _ window: TokenWindow, _ role: Role
  ) throws -> [[Float]] {
    let key = role.rawValue
    #expect(window.rows == (try golden.unpadded(key, "input_ids")), "\(golden.name) \(key)")
    if golden.tensors.names.contains("\(key).token_type_ids") {
      #expect(window.typeRows == (try golden.unpadded(key, "token_type_ids")))
    }
    let rows = try model.embed(window, role)
    let expected = try golden.tensors.tensor("\(key).embeddings")
    #expect(expected.shape == [window.count, 1, rows.first?.count ?? 0])
    expectClose(
      rows.flatMap { $0 }, expected.floats ?? [], .embeddings, "\(golden.name) \(key) embeddings")
    return rows
  }

  /// In double precision, so that the tolerance is for the embeddings alone.
  private static func score(_ x: [Float], _ y: [Float], _ similarity: Similarity) -> Float {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    switch similarity {
    case .dot: return Float(dot(x, y))
    case .cosine:
      let norm = dot(x, x).squareRoot() * dot(y, y).squareRoot()
      return norm == 0 ? 0 : Float(dot(x, y) / norm)
    case .l2:
      return Float(-zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
    }
  }
}

/// Lengths and dimensions that the configuration says in its own way.
struct BiEncoderSettingsTests {
  /// Null: what the tokenizer says.
  @Test func lengthOfNull() throws {
    let folder = try TemporaryFolder()
    try folder.copy(try ModelCase("native/dpr_bert_nolength").modelPath, to: "model")
    let config = try JSONParser.parse(try folder.read("model/tokenizer_config.json"))
    let members = (config.members ?? []).map { member in
      member.key == "model_max_length" ? JSON.Member(member.key, 11) : member
    }
    try folder.write("model/tokenizer_config.json", JSON.object(members).serialized())
    let model = try Model(ModelDescription(recognizing: ModelFolder(folder("model"))))
    #expect(model.maximumTokens(.query) == 11)
    #expect(model.maximumTokens(.doc) == 11)
  }

  /// The reference never writes `embedding_dim`, and reads it where somebody else did.
  @Test func embeddingDimension() throws {
    let dropped = try ModelCase("native/dpr_bert_embdim_dropped")
    guard case .dense(let wide) = try dropped.model().head else { return #expect(Bool(false)) }
    #expect(wide.dimension == 32)
    let edited = try ModelCase("native/dpr_bert_embdim_in_config")
    guard case .dense(let narrow) = try edited.model().head else { return #expect(Bool(false)) }
    #expect(narrow.dimension == 20)
  }

  /// Defaults of the configuration classes, where the file says nothing.
  @Test func defaults() throws {
    let golden = try ModelCase("native/splade_bert_00")
    let kept =
      (try JSONParser.parse(try ModelCase.bytes(golden.modelPath + "/config.json"))
      .members ?? []).filter {
        !($0.key.hasSuffix("_length") || $0.key.hasSuffix("_strategy")
          || $0.key == "similarity_function" || $0.key.hasSuffix("_expansion")
          || $0.key.hasSuffix("_weighting"))
      }
    let folder = try TemporaryFolder()
    try folder.copy(golden.modelPath, to: "model")
    try folder.write("model/config.json", JSON.object(kept).serialized())
    let description = try ModelDescription(recognizing: ModelFolder(folder("model")))
    #expect(description.roles[.query] == RoleSettings(maximumLength: 32))
    #expect(description.roles[.doc] == RoleSettings(maximumLength: 512))
    #expect(description.similarity == .dot)
    guard case .splade(let settings) = description.architecture else {
      return #expect(Bool(false))
    }
    #expect(settings.pooling == .max)
    #expect(settings.sparsification == .reluLog)
    #expect(settings.weighting == [.query: .contextualized, .doc: .contextualized])
    #expect(settings.expands == [.query: true, .doc: true])
  }
}
