import Autograd
import Failures
import Foundation
import JSON
import Kernels
import Models
import Streams
import TestSupport
import Testing
import Tokenizers
import Training
import TrainingData
import Workers

/// Folders of all kinds after two steps of training, in every form that they can take.
@Suite struct WrittenFolderTests {
  struct Start: CustomTestStringConvertible, Sendable {
    var path: String
    var form: String?

    var testDescription: String { "\(path) \(form ?? "as it is")" }
    var folder: String { Fixtures.path(path + "/model") }

    func description() throws -> ModelDescription {
      try ModelDescription(
        recognizing: ModelFolder(
          folder, overrides: try form.map { try JSONParser.parse($0) }))
    }
  }

  private static let forms = [
    nil, #"{"model_type":"lir-dpr","projection":null,"pooling_strategy":"mean"}"#,
    #"{"model_type":"splade","query_length":12}"#,
    #"{"model_type":"col","embedding_dim":8,"query_expansion":true,"query_length":9}"#,
    #"{"model_type":"mono","pooling_strategy":"bert_pool"}"#,
  ]

  static func names(below folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path(folder))) ?? []
    return names.filter {
      FileManager.default.fileExists(atPath: Fixtures.path("\(folder)/\($0)/model"))
    }.sorted().map { "\(folder)/\($0)" }
  }

  static let starts: [Start] = {
    let external = names(below: "models/external").flatMap { path in
      forms.map { Start(path: path, form: $0) }
    }
    return external + (names(below: "encoders") + ["pylate"]).map { Start(path: $0, form: nil) }
  }()

  /// What a folder's model makes of some texts: all that becomes of its settings and weights.
  static func loss(_ trained: TrainedModel) throws -> Double {
    var random = CounterRandom(seed: 1)
    return trained.loss(
      try batch(trained), terms, on: Tape(Kernels(), WorkerPool(threads: 1)), &random
    ).total
  }

  private static let terms = [LossTerm("RankNet", .scoring(RankNet(temperature: 1)))]

  private static func batch(_ trained: TrainedModel) throws -> TrainingBatch {
    let folder = trained.model.description.folder.modelPath
    let tokenizer = try TupleTokenizer(
      Tokenizer.load(folder: folder), trained.model, WorkerPool(threads: 1))
    func tuple(_ query: String, _ docs: [String]) -> TrainingTuple {
      TrainingTuple(
        queryID: nil, query: Array(query.utf8),
        documents: docs.enumerated().map { number, doc in
          .init(id: nil, text: Array(doc.utf8), target: Float(docs.count - number))
        }, place: "here")
    }
    return try tokenizer.batch([
      tuple("what is it ?", ["the cat and the dog", "Or not ! of a text"]),
      tuple("a b c", ["it is that", "the house"]),
    ])
  }

  static func train(_ trained: TrainedModel) throws {
    let pool = WorkerPool(threads: 1)
    let update = WeightUpdate(
      .adamW(.init(betas: (0.9, 0.999), epsilon: 1e-8)), trained.store, pool
    ) { _ in 0 }
    for _ in 0..<2 {
      trained.store.clearGradients()
      var random = CounterRandom(seed: 1)
      _ = trained.addGradients(try batch(trained), terms, on: Tape(Kernels(), pool), &random)
      update.step(learningRate: 1e-2, norm: update.gradientNorm(), clip: nil)
    }
  }

  @Test(arguments: starts)
  func isReadAgain(start: Start) throws {
    let description: ModelDescription
    let trained: TrainedModel
    let before: Double
    do {
      description = try start.description()
      trained = try TrainedModel(description, seed: 3)
      _ = try ModelFolderWriter(description, trained)
      before = try Self.loss(trained)
    } catch let failure as Failure {
      // What cannot be such a model, or is not trained, says so.
      #expect(failure.status == .config, "\(failure)")
      return
    }
    try Self.train(trained)
    let after = try Self.loss(trained)
    #expect(after != before)
    let folder = try TemporaryFolder()
    try ModelFolderWriter(description, trained).write(into: folder.path)
    let again = try ModelDescription(recognizing: ModelFolder(folder.path))
    #expect(type(of: again.head) == type(of: description.head))
    #expect(again.roles == description.roles)
    // A head that nobody reads would be left over, and a missing one refused.
    let model = try Model(again)
    let unused = model.unusedTensors.filter { !$0.contains("pooler") && !$0.contains("cls.") }
    #expect(unused.isEmpty, "\(unused)")
    let found = try Self.loss(TrainedModel(again))
    #expect(abs(found - after) <= 1e-6 * abs(after), "\(found), not \(after)")
    let isConverted = again.folder.config["backbone_model_type"] != nil
    for name in ["modules.json", "config_sentence_transformers.json", "artifact.metadata"]
    where isConverted {
      #expect(!WholeFile.exists(folder(name)), "\(name) is stale")
    }
  }

  /// Modules may lie in folders of any name.
  @Test func modulesOfOtherNames() throws {
    let folder = try TemporaryFolder()
    try folder.copy(Fixtures.path("models/external/st_bert_concat_dense2/model"), to: "m")
    var modules = String(decoding: try folder.read("m/modules.json"), as: UTF8.self)
    for (old, new) in [("1_Pooling", "pool"), ("2_Dense", "deep/proj"), ("3_LayerNorm", "norm")] {
      try FileManager.default.createDirectory(
        atPath: folder("m/deep"), withIntermediateDirectories: true)
      try FileManager.default.moveItem(atPath: folder("m/\(old)"), toPath: folder("m/\(new)"))
      modules = modules.replacingOccurrences(of: "\"\(old)\"", with: "\"\(new)\"")
    }
    try folder.write("m/modules.json", modules)
    try FileManager.default.createDirectory(
      atPath: folder("out"), withIntermediateDirectories: true)
    let description = try ModelDescription(recognizing: ModelFolder(folder("m")))
    let trained = try TrainedModel(description, seed: 3)
    try Self.train(trained)
    try ModelFolderWriter(description, trained).write(into: folder("out"))
    let again = try TrainedModel(ModelDescription(recognizing: ModelFolder(folder("out"))))
    #expect(try abs(Self.loss(again) - Self.loss(trained)) <= 1e-6 * abs(Self.loss(trained)))
  }

  /// A field that the written folder has no place for would be lost.
  @Test func fieldsWithoutAPlaceAreRefused() throws {
    let start = Start(path: "models/external/st_bert_mean", form: #"{"query_length":5}"#)
    let description = try start.description()
    #expect(description.roles[.query]?.maximumLength == 5)
    let trained = try TrainedModel(description, seed: 3)
    let failure = #expect(throws: Failure.self) { try ModelFolderWriter(description, trained) }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("query_length") == true)
  }

  /// Releases until now wrote the head of such a start under the old names.
  @Test func oldNamesOfNorms() throws {
    let folder = try TemporaryFolder()
    let start = Start(path: "models/external/splade_naver_bert", form: Self.forms[2])
    let trained = try TrainedModel(start.description())
    try ModelFolderWriter(start.description(), trained).write(into: folder.path)
    let file = try SafeTensorsFile.load(folder("model.safetensors"))
    #expect(file.names.contains("projection.norm.weight"))
    var bytes = String(
      String.UnicodeScalarView(try folder.read("model.safetensors").map { Unicode.Scalar($0) }))
    for (new, old) in [("norm.weight", "norm.gamma "), ("norm.bias", "norm.beta")] {
      bytes = bytes.replacingOccurrences(of: "projection.\(new)\"", with: "projection.\(old)\"")
    }
    bytes = bytes.replacingOccurrences(
      of: "projection.norm.gamma \"", with: "projection.norm.gamma\" ")
    try folder.write("model.safetensors", bytes.unicodeScalars.map { UInt8($0.value) })
    let renamed = try SafeTensorsFile.load(folder("model.safetensors"))
    #expect(renamed.names.contains("projection.norm.gamma"))
    let again = try TrainedModel(ModelDescription(recognizing: ModelFolder(folder.path)))
    #expect(try Self.loss(again) == Self.loss(trained))
  }
}
