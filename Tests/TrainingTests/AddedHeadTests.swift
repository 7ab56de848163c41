import Autograd
import Failures
import Glibc
import JSON
import Kernels
import Models
import TestSupport
import Testing
import Training
import Vectors
import Workers

/// A head that is added by a file and a row is loaded, encodes and is trained like the others.
@Suite struct AddedHeadTests {
  private let folder: TemporaryFolder
  private let description: ModelDescription

  init() throws {
    folder = try SummaryHead.folder()
    description = try ModelDescription(
      recognizing: ModelFolder(folder("model"), heads: SummaryHead.heads))
  }

  /// Without its row nobody knows it.
  @Test func needsItsRow() throws {
    let failure = #expect(throws: Failure.self) {
      try ModelDescription(recognizing: ModelFolder(folder("model")))
    }
    #expect(failure?.status == .config)
    let named = #expect(throws: Failure.self) {
      try ModelDescription(
        recognizing: ModelFolder(folder("model"), overrides: ["model_type": "resume"]))
    }
    #expect(
      named?.hint
        == "known: lir-dpr, splade, col, coil, unicoil, mvr, m3-sparse, m3-colbert, lite, spade, "
        + "mono, set-encoder, xtr")
  }

  /// Its fields are known to `--model-config` with the row, and to nobody without.
  @Test func fields() throws {
    let more: JSON = ["summary_activation_name": "ReLU"]
    let described = try ModelDescription(
      recognizing: ModelFolder(folder("model"), overrides: more, heads: SummaryHead.heads))
    #expect((described.head as? SummaryHead.Settings)?.projection.activation == "ReLU")
    let plain = fixture("models/native/dpr_bert_00/model")
    #expect(throws: Failure.self) { try ModelFolder(plain, overrides: more) }
    #expect(throws: Never.self) {
      try ModelFolder(plain, overrides: more, heads: SummaryHead.heads)
    }
  }

  /// Against loops over the hidden states: sums of 32 products in another order, 1e-5.
  @Test func encodes() throws {
    let model = try Model(description)
    #expect(model.unusedTensors.isEmpty)
    #expect(model.form == .vectors(VectorShape(width: SummaryHead.width, hasTokens: false)))
    let window = HeadTexts.window(lengths: [3, 7, 1])
    let encoder = BatchEncoder(model, WorkerPool(threads: 1), Kernels())
    guard case .vectors(let sets, _) = try encoder.encode(window, role: .doc) else {
      return #expect(Bool(false))
    }
    #expect(sets.count == 3)
    let weights = try TestSupport.SafeTensorsFile.load(folder("model/model.safetensors"))
    let (w, b) = (try weights.floats("summary.weight"), try weights.floats("summary.bias"))
    for (text, set) in sets.enumerated() {
      let batch = HeadTexts.batch(window, [text])
      let states = model.hidden(batch, Inference(Kernels()))
      let projected = (0..<batch.tokens).map { token in
        (0..<SummaryHead.width).map { output in
          let products = (0..<SummaryHead.hidden).map {
            w[output * SummaryHead.hidden + $0] * states.row(token)[$0]
          }
          return tanhf(products.reduce(b[output], +))
        }
      }
      let means = (0..<SummaryHead.width).map { i in
        projected.reduce(0) { $0 + $1[i] } / Float(batch.tokens)
      }
      let largest = (0..<SummaryHead.width).map { i in projected.map { $0[i] }.max() ?? .nan }
      #expect(set.ids.isEmpty && set.cls.isEmpty && set.values.count == 2 * SummaryHead.width)
      for (x, y) in zip(set.values, means + largest) { #expect(abs(x - y) <= 1e-5) }
    }
  }

  // MARK: Training

  private func batch() -> TrainingBatch {
    let targets = ScoreTable(queries: 2, documents: 2, values: [1, 0, 0, 1])
    return TrainingBatch(
      .separate(
        queries: HeadTexts.batch(HeadTexts.window(lengths: [3, 4], seed: 5)),
        documents: HeadTexts.batch(HeadTexts.window(lengths: [6, 5, 8, 4], seed: 6))),
      targets: targets)
  }

  private let terms = [LossTerm("RankNet", .scoring(RankNet(temperature: 1)))]

  private func loss(_ trained: TrainedModel) -> Double {
    var random = CounterRandom(seed: 1)
    return trained.loss(batch(), terms, on: Tape(Kernels(), WorkerPool(threads: 1)), &random).total
  }

  private func gradients(_ trained: TrainedModel) {
    trained.store.clearGradients()
    var random = CounterRandom(seed: 1)
    _ = trained.addGradients(
      batch(), terms, on: Tape(Kernels(), WorkerPool(threads: 1)), &random)
  }

  /// Derivatives of the projection against differences: with steps of 1/64 the loss changes by about
  /// 1e-2, of which single precision leaves 1e-6, and the third derivative adds as little.
  @Test func derivatives() throws {
    let trained = try TrainedModel(description)
    try trained.check(terms)
    gradients(trained)
    let step: Float = 1 / 64
    for name in ["summary.weight", "summary.bias"] {
      let training = try #require(trained.store[name]?.training)
      let slopes = (0..<SummaryHead.width).map { training.gradient.pointer[$0] }
      #expect(slopes.contains { abs($0) > 1e-2 })
      for (i, slope) in slopes.enumerated() {
        let value = training.values.pointer[i]
        training.values.pointer[i] = value + step
        let above = loss(trained)
        training.values.pointer[i] = value - step
        let below = loss(trained)
        training.values.pointer[i] = value
        let expected = (above - below) / Double(2 * step)
        #expect(
          abs(Double(slope) - expected) <= 1e-3 * (1 + abs(expected)),
          "\(name) \(i): \(slope), not \(expected)")
      }
    }
  }

  /// Steps make the loss smaller, and move the projection.
  @Test func trains() throws {
    let trained = try TrainedModel(description)
    let pool = WorkerPool(threads: 1)
    let update = WeightUpdate(
      .adamW(.init(betas: (0.9, 0.999), epsilon: 1e-8)), trained.store, pool
    ) { _ in 0 }
    let weights = try #require(trained.store["summary.weight"]?.training).values
    let before = (loss(trained), weights.pointer[0])
    for _ in 0..<3 {
      gradients(trained)
      update.step(learningRate: 1e-3, norm: update.gradientNorm(), clip: nil)
    }
    #expect(loss(trained) < 0.9 * before.0)
    #expect(weights.pointer[0] != before.1)
  }
}
