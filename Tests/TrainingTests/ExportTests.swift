import Failures
import JSON
import Models
import Streams
import TestSupport
import Testing
import Training

/// Exported folders, which `scripts/reference/check_export.py` opens in their libraries, too.
@Suite struct ExportTests {
  /// A model, the form, and what stands in the folder.
  struct Case: CustomTestStringConvertible, Sendable {
    var path: String
    var form: String?
    var format: ExportFormat
    /// Classes of the modules.
    var modules: String

    var testDescription: String { "\(path) as \(format.rawValue)" }
  }

  static let cases = [
    Case(
      path: "models/external/st_bert_concat_dense2", format: .sentenceTransformers,
      modules: "Transformer Pooling Dense LayerNorm"),
    Case(
      path: "models/native/dpr_bert_00", format: .sentenceTransformers,
      modules: "Transformer Pooling Dense"),
    Case(
      path: "encoders/sentence", format: .sentenceTransformers,
      modules: "Transformer Dense Normalize Pooling LayerNorm Dense Normalize Dense"),
    Case(
      path: "encoders/words", format: .sentenceTransformers, modules: "Transformer SpladePooling"),
    Case(
      path: "models/external/splade_naver_distilbert", form: #"{"model_type":"splade"}"#,
      format: .sentenceTransformers, modules: "Transformer SpladePooling"),
    Case(path: "encoders/routed", format: .sentenceTransformers, modules: "Router"),
    Case(
      path: "models/native/splade_bert_00", format: .sentenceTransformers,
      modules: "Transformer SpladePooling"),
    Case(
      path: "encoders/many", format: .sentenceTransformers,
      modules: "Transformer Dense Dense MultiVectorMask"),
    Case(
      path: "encoders/clustered", format: .sentenceTransformers,
      modules: "Transformer Dense Normalize MultiVectorMask HierarchicalTokenPooling"),
    Case(
      path: "models/external/colbertv2", format: .sentenceTransformers,
      modules: "Transformer Dense Normalize MultiVectorMask"),
    Case(path: "models/external/colbertv2", format: .pylate, modules: "Transformer Dense"),
    Case(path: "pylate", format: .pylate, modules: "Transformer Dense"),
    Case(path: "encoders/cross", format: .sentenceTransformers, modules: "Transformer"),
    Case(
      path: "encoders/cross_modules", format: .sentenceTransformers,
      modules: "Transformer Pooling Dense Dense"),
    Case(
      path: "models/transformers5/cross_one", format: .sentenceTransformers,
      modules: "Transformer LogitScore"),
    Case(
      path: "models/transformers5/cross_two", format: .sentenceTransformers,
      modules: "Transformer LogitScore"),
    Case(path: "models/external/st_ce_bert_identity", format: .transformers, modules: ""),
  ]

  /// The folder gives what the model gave: tokens, prompts, lengths, masks and weights.
  @Test(arguments: cases)
  func isTheModel(one: Case) throws {
    let start = WrittenFolderTests.Start(path: one.path, form: one.form)
    let description = try start.description()
    let folder = try TemporaryFolder()
    try ModelExport(description, one.format).write(folder("out"))
    let again = try ModelDescription(recognizing: ModelFolder(folder("out")))
    #expect(type(of: again.head) == type(of: description.head))
    #expect(again.similarity == description.similarity)
    if one.modules.isEmpty {
      #expect(!WholeFile.exists(folder("out/modules.json")))
    } else {
      let list = try JSONParser.parse([UInt8](folder.read("out/modules.json"))).array ?? []
      let kinds = list.map { $0["type"]?.string?.split(separator: ".").last ?? "" }
      #expect(kinds.joined(separator: " ") == one.modules)
    }
    if again.head.modelType == "col", (again.head as? MultiVectorHead.Settings)?.tokenPooling != nil
    {
      return
    }
    let (before, after) = (
      try WrittenFolderTests.loss(TrainedModel(description)),
      try WrittenFolderTests.loss(TrainedModel(again))
    )
    #expect(abs(before - after) <= 1e-5 * abs(before), "\(after), not \(before)")
  }

  /// What a form cannot say is refused, and nothing is left.
  @Test(arguments: [
    Case(path: "pylate", format: .transformers, modules: "vector a token"),
    Case(path: "encoders/cross", format: .transformers, modules: "stands in front"),
    Case(
      path: "models/transformers5/cross_one", format: .transformers,
      modules: "which tokens give the score"),
    Case(
      path: "models/transformers5/recipe_qwen3",
      form: #"{"model_type":"mono","answer_recipe":"qwen3-reranker"}"#,
      format: .sentenceTransformers, modules: "answer_recipe"),
    Case(path: "encoders/cross", format: .pylate, modules: "scores pairs"),
    Case(path: "encoders/clustered", format: .pylate, modules: "no other score"),
    Case(path: "encoders/sentence", format: .transformers, modules: "would be lost"),
    Case(path: "models/native/coil_bert_1", format: .sentenceTransformers, modules: "Lightning IR"),
    Case(path: "models/native/mono_t5_1", format: .sentenceTransformers, modules: "pairs"),
  ])
  func refusals(one: Case) throws {
    let description = try WrittenFolderTests.Start(path: one.path, form: one.form).description()
    let failure = #expect(throws: Failure.self) { try ModelExport(description, one.format) }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(one.modules) == true, "\(failure?.message ?? "")")
  }

  /// PyLate strips texts, sentence-transformers does not: it is said where the tokenizer tells.
  @Test(arguments: [
    ("pylate", ExportFormat.sentenceTransformers, "which PyLate leaves out"),
    ("models/external/colbertv2", .pylate, "which count here"), ("pylate", .pylate, ""),
    ("models/external/colbertv2", .sentenceTransformers, ""),
  ])
  func blanks(path: String, format: ExportFormat, warning: String) throws {
    func warnings(_ model: String) throws -> [String] {
      let description = try ModelDescription(recognizing: ModelFolder(model))
      return try ModelExport(description, format).warnings.filter { $0.contains("blanks") }
    }
    #expect(try warnings(Fixtures.path(path + "/model")) == [])
    let folder = try TemporaryFolder()
    try folder.copy(Fixtures.path(path + "/model"), to: "m")
    let json = try JSONParser.parse([UInt8](folder.read("m/tokenizer.json")))
    let changed = (json.members ?? []).map { member in
      ["normalizer", "pre_tokenizer"].contains(member.key) ? JSON.Member(member.key, .null) : member
    }
    try folder.write("m/tokenizer.json", JSON.object(changed).serialized())
    let said = try warnings(folder("m"))
    #expect(said.count == (warning.isEmpty ? 0 : 1))
    #expect(said.first?.hasSuffix(warning) ?? true)
  }

  /// A folder with something in it is nobody's to replace.
  @Test func placeThatIsTaken() throws {
    let export = try ModelExport(
      WrittenFolderTests.Start(path: "encoders/truncated").description(), .sentenceTransformers)
    let folder = try TemporaryFolder()
    try folder.write("out/notes.txt", "mine")
    let failure = #expect(throws: Failure.self) { try export.write(folder("out")) }
    #expect(failure?.status == .cannotCreate)
    #expect(try folder.read("out/notes.txt") == Array("mine".utf8))
  }
}
