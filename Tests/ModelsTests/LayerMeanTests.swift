import Autograd
import Failures
import Foundation
import Glibc
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Workers

/// The mean of the states of several layers: folders with WeightedLayerPooling
/// (`scripts/golden/make_layers.py`; `LIR_TEST_LAYERS` names a folder of others).
struct LayerMeanTests {
  private static let root =
    ProcessInfo.processInfo.environment["LIR_TEST_LAYERS"] ?? Fixtures.path("layers")
  static let cases =
    ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).filter {
      FileManager.default.fileExists(atPath: "\(root)/\($0)/expected.safetensors")
    }.sorted()

  private static func path(_ name: String) -> String { "\(root)/\(name)/model" }

  private static func texts() throws -> [String] {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(root)/inputs.json"))
    return (try JSONParser.parse([UInt8](bytes))["texts"]?.array ?? []).compactMap(\.string)
  }

  private static func expected(_ name: String) throws -> TestSupport.SafeTensorsFile {
    try TestSupport.SafeTensorsFile.load("\(root)/\(name)/expected.safetensors")
  }

  private static func window(_ model: Model, _ name: String) throws -> TokenWindow {
    try model.window(
      texts(), .doc, Tokenizer.load(folder: ModelFolder.modelPath(of: path(name))))
  }

  @Test func casesAreThere() { #expect(Self.cases.count >= 10) }

  @Test(arguments: cases) func vectors(name: String) throws {
    let model = try Model(ModelDescription(recognizing: ModelFolder(Self.path(name))))
    let expected = try Self.expected(name)
    let window = try Self.window(model, name)
    let rows = try model.embed(window, .doc)
    for (number, row) in rows.enumerated() {
      expectClose(row, try expected.floats("doc.\(number)"), .embeddings, "\(name) \(number)")
    }
    #expect(model.unusedTensors.allSatisfy { $0.contains("pooler") }, "\(model.unusedTensors)")
    for isa in InstructionSet.supported {
      let others = try model.embed(window, .doc, threads: 2, batchTokens: 16, isa)
      #expect(others == (try model.embed(window, .doc, .portable)))
    }
  }

  /// Derivatives by the weights of the layers, with layers that are computed again and without; within
  /// 2e-4 of their length, as those of backbones are.
  @Test(arguments: cases, [false, true]) func slopes(name: String, recomputes: Bool) throws {
    let store = ParameterStore()
    let model = try Model(
      ModelDescription(recognizing: ModelFolder(Self.path(name))), trainingIn: store)
    guard let weights = store.parameters.first(where: { $0.name.hasSuffix("layer_weights") })
    else {
      #expect(name == "nothing")
      return
    }
    let window = try Self.window(model, name)
    var batch = PackedBatch()
    for i in 0..<window.count {
      batch.append(ids: window.ids[window.range(i)], typeIDs: window.typeIDs[window.range(i)])
    }
    let tape = Tape(Kernels(), WorkerPool(threads: 2), recomputesLayers: recomputes)
    let vectors = model.vectors(batch, .doc, promptTokens: 0, tape).parts[0].vectors
    let (rows, columns) = (vectors.value.rows, vectors.value.columns)
    let direction = tape.matrix(
      (0..<rows * columns).map { Float(cos(Double($0))) }, rows: rows, columns: columns)
    tape.backward(from: [(vectors, direction)])
    let expected = try Self.expected(name).floats("slope")
    let length = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let gradient = try #require(weights.training?.gradient)
    expectClose(
      UnsafeBufferPointer(start: gradient.pointer, count: weights.count).map { $0 }, expected,
      Tolerance(absolute: 2e-4 * length + 2e-6, relative: 0), name)
  }

  /// Without `output_hidden_states` the library leaves states as they are.
  @Test func withoutStates() throws {
    let model = try Model(ModelDescription(recognizing: ModelFolder(Self.path("nothing"))))
    #expect(
      model.withoutEffect.contains {
        $0.contains("WeightedLayerPooling/config.json: layer_start (the Transformer gives no other")
      })
    let given = try Model(ModelDescription(recognizing: ModelFolder(Self.path("bert"))))
    let fact = given.biEncoderHead?.facts.first { $0.key == "layer_mean" }?.value
    #expect(fact?["layer_start"]?.integer == 2)
    #expect(fact?["layer_weights"]?.array?.count == 3)
  }

  private func refusal(_ file: String, _ text: String) throws -> Failure? {
    let folder = try TemporaryFolder()
    try folder.copy(Self.path("bert"), to: "m")
    try folder.write("m/\(file)", text)
    return #expect(throws: Failure.self) {
      try Model(ModelDescription(recognizing: ModelFolder(folder("m"))))
    }
  }

  @Test func refusals() throws {
    let config = "1_WeightedLayerPooling/config.json"
    let behind = try refusal(config, #"{"layer_start":5,"num_hidden_layers":4}"#)
    #expect(behind?.message == "layer_start 5 is behind the last of num_hidden_layers 4")
    let others = try refusal(config, #"{"layer_start":2,"num_hidden_layers":6}"#)
    #expect(
      others?.message == "num_hidden_layers: expected 4, the layers of the model, found 6")
    let weights = try refusal(config, #"{"layer_start":1,"num_hidden_layers":4}"#)
    #expect(weights?.status == .config)
    #expect(weights?.message.contains("layer_weights") == true)
    let negative = try refusal(config, #"{"layer_start":-2,"num_hidden_layers":4}"#)
    #expect(negative?.status == .config)
    #expect(negative?.message.contains("layer_start") == true)
  }
}
