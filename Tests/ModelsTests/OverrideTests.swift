import Failures
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Fields that a user gives for folders that describe themselves in another form than Lightning IR's:
/// each changes what it says, or is refused by name.
struct OverrideTests {
  private static let sentence = "encoders/sentence"
  private static let vectors = "encoders/vectors"
  private static let words = "encoders/words"

  private func described(_ name: String, _ fields: String) throws -> ModelDescription {
    let path = Fixtures.path("\(name)/model")
    return try ModelDescription(
      recognizing: ModelFolder(path, overrides: try JSONParser.parse(fields)))
  }

  private func rows(_ name: String, _ fields: String, _ role: Role = .doc) throws -> [[Float]] {
    let tokenizer = try Tokenizer.load(
      folder: ModelFolder.modelPath(of: Fixtures.path("\(name)/model")))
    let model = try Model(described(name, fields), tokenizer: tokenizer)
    return try model.embed(model.window(["the cat and the dog"], role, tokenizer), role)
  }

  @Test(arguments: [sentence, vectors, words, "pylate", "models/external/st_bert_mean"])
  func lengths(_ name: String) throws {
    let description = try described(name, #"{"query_length":31,"doc_length":7}"#)
    #expect(description.roles[.query]?.maximumLength == 31)
    #expect(description.roles[.doc]?.maximumLength == 7)
    #expect(description.overridden.sorted() == ["doc_length", "query_length"])
  }

  @Test func similarity() throws {
    for name in ["cosine", "dot", "l2"] {
      let description = try described(Self.sentence, #"{"similarity_function":"\#(name)"}"#)
      #expect(description.similarity.rawValue == name)
    }
  }

  /// Mean and first of one text differ, and a vector of length 1 is the other one scaled.
  @Test func poolingAndNormalization() throws {
    let name = "models/external/st_bert_mean"
    let mean = try rows(name, #"{"pooling_strategy":"mean"}"#)[0]
    #expect(mean == (try rows(name, "{}"))[0])
    let sum = try rows(name, #"{"pooling_strategy":"sum"}"#)[0]
    #expect(sum != mean)
    let unit = try rows(name, #"{"normalization_strategy":"l2"}"#)[0]
    let norm = Float(mean.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
    expectClose(unit, mean.map { $0 / norm }, .embeddings, "length 1")
    let again = try rows(
      "models/external/st_bert_cls_norm", #"{"normalization_strategy":"none"}"#)[0]
    var squares: Float = 0
    for x in again { squares += x * x }
    #expect(abs(squares - 1) > 0.01)
    #expect(try rows(name, #"{"truncate_dim":3}"#)[0] == Array(mean.prefix(3)))
  }

  @Test func severalVectors() throws {
    let filled = try described("pylate", #"{"query_expansion":false}"#)
    #expect(filled.roles[.query]?.filling == Filling.none)
    let seen = try described("pylate", #"{"attend_to_query_expanded_tokens":true}"#)
    #expect(seen.roles[.query]?.filling == .mask(isAttended: true))
    let mean = try described(
      Self.vectors, #"{"query_aggregation_function":"mean","doc_mask_scoring_tokens":["a"]}"#)
    #expect(mean.head.interaction?.queryAggregation == .mean)
    #expect(mean.head.interaction?.masked[.doc] == .tokens(["a"]))
  }

  @Test func sparsification() throws {
    let usual = try rows(Self.words, "{}")
    #expect(try rows(Self.words, #"{"sparsification_strategy":"relu_log"}"#) == usual)
    #expect(try rows(Self.words, #"{"sparsification_strategy":"relu"}"#) != usual)
    #expect(try rows(Self.words, #"{"pooling_strategy":"sum"}"#) != usual)
  }

  /// Fields without a meaning there, and values of another type.
  @Test(arguments: [
    (sentence, #"{"query_expansion":true}"#, "query_expansion"),
    (sentence, #"{"scoring_strategy":"rank"}"#, "scoring_strategy"),
    (sentence, #"{"embedding_dim":3}"#, "embedding_dim"),
    (sentence, #"{"add_marker_tokens":true}"#, "add_marker_tokens"),
    (sentence, #"{"query_length":"many"}"#, "query_length"),
    (sentence, #"{"query_length":0}"#, "query_length"),
    (sentence, #"{"pooling_strategy":"most"}"#, "pooling_strategy"),
    (sentence, #"{"similarity_function":5}"#, "similarity_function"),
    (sentence, #"{"truncate_dim":"x"}"#, "truncate_dim"),
    ("pylate", #"{"pooling_strategy":"mean"}"#, "pooling_strategy"),
    ("pylate", #"{"normalization_strategy":"l3"}"#, "normalization_strategy"),
    ("pylate", #"{"attend_to_doc_expanded_tokens":true}"#, "attend_to_doc_expanded_tokens"),
    (words, #"{"normalization_strategy":"l2"}"#, "normalization_strategy"),
    (words, #"{"query_weighting":"static"}"#, "query_weighting"),
    ("encoders/cross", #"{"query_length":5}"#, "query_length"),
    ("encoders/cross", #"{"scoring_strategy":"mono"}"#, "scoring_strategy"),
    ("encoders/cross", #"{"pooling_strategy":"mean"}"#, "pooling_strategy"),
    (
      "models/external/st_ce_bert_sigmoid", #"{"similarity_function":"dot"}"#, "similarity_function"
    ),
  ])
  func refused(_ name: String, _ fields: String, _ key: String) throws {
    let failure = #expect(throws: Failure.self) { try described(name, fields) }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(key) == true, "\(failure?.message ?? "")")
  }

  /// Where the library's encoders for the two roles take no other prompts than those of the roles.
  ///
  /// Expected: `encode_query` and `encode_document` of sentence-transformers 5.7 and 6.2.
  @Test func promptsOfRoles() throws {
    let folder = try TemporaryFolder()
    try folder.copy(Fixtures.path("\(Self.sentence)/model"), to: "m")
    func prompts(_ fields: String) throws -> [String?] {
      try folder.write("m/config_sentence_transformers.json", fields)
      let description = try ModelDescription(recognizing: ModelFolder(folder("m")))
      return [description.roles[.query]?.prompt, description.roles[.doc]?.prompt]
    }
    let others = #""passage":"P ","corpus":"C ","web":"W ""#
    #expect(try prompts(#"{"prompts":{\#(others)}}"#) == ["", ""])
    #expect(try prompts(#"{"prompts":{\#(others)},"default_prompt_name":"web"}"#) == ["", ""])
    #expect(
      try prompts(#"{"prompts":{"query":"Q ",\#(others)},"default_prompt_name":"query"}"#)
        == ["Q ", ""])
    #expect(
      try prompts(#"{"prompts":{"document":"D ",\#(others)},"default_prompt_name":"web"}"#)
        == ["", "D "])
  }
}
