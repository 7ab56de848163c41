import Autograd
import Failures
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Vectors

/// A head that nobody published, as somebody would add one: this file, and a row of `Heads.all`.
///
/// Two vectors a text: the mean and the maximum of its tokens' projected states.
struct SummaryHead: BiEncoderHead {
  let projection: Linear
  let activation: Activation

  var form: VectorForm { .vectors(VectorShape(width: projection.outputs, hasTokens: false)) }

  /// [T,D] to [2B,N]: all means, then all maxima.
  func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    let projected = o.linear(texts.states(), projection, activation)
    return [o.stack([.mean, .max].map { o.pool(projected, $0, texts.batch) })]
  }

  func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] {
    [VectorGroups(rows: (0..<batch.sequences).map { [$0, batch.sequences + $0] })]
  }

  var facts: [JSON.Member] { [JSON.Member("vectors", 2)] }

  struct Settings: HeadSettings {
    static let modelTypes = ["summary"]
    static let fields = LightningIRFolder.interactionFields.union([
      "summary", "summary_activation_name", "summary_dim",
    ])

    let projection: Projection
    let interaction: LateInteraction?

    static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      guard
        var projection = try LightningIRFolder.projection(
          folder, "summary", width: "summary_dim", default: 128)
      else { throw .config(folder.configPlace, "summary: expected a projection") }
      projection.activation = try folder.string("summary_activation_name", default: nil)
      return try LightningIRFolder.biEncoder(
        folder,
        Settings(projection: projection, interaction: try LightningIRFolder.interaction(folder)))
    }

    func load(_ loader: HeadLoader) throws(Failure) -> Head {
      .biEncoder(
        SummaryHead(
          projection: try loader.linear(projection, inputs: loader.width),
          activation: try loader.activation(projection.activation)))
    }
  }

  /// The heads with the row that adds it.
  static let heads = Heads.all + [Settings.self]

  /// Width of the projection of `folder`, and of the states of its backbone.
  static let width = 8
  static let hidden = 32

  /// A folder with such a head: a dense model's backbone, and a projection of made-up numbers.
  static func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.copy(fixture("models/native/dpr_bert_00/model"), to: "model")
    var config = try JSONParser.parse(try folder.read("model/config.json")).members ?? []
    config.removeAll { $0.key == "model_type" }
    config += [
      JSON.Member("model_type", "summary"), JSON.Member("summary_dim", .integer(width)),
      JSON.Member("summary_activation_name", "Tanh"),
    ]
    try folder.write("model/config.json", JSON.object(config).serialized())
    var weights = SafeTensorsBuilder(
      try TestSupport.SafeTensorsFile.load(folder("model/model.safetensors")))
    weights.tensors["projection.weight"] = nil
    weights.tensors["projection.bias"] = nil
    let random = CounterRandom(seed: 3)
    func numbers(_ count: Int, from first: Int) -> [Float] {
      (0..<count).map { 0.5 * random.normal(at: UInt64(first + $0)) }
    }
    weights.tensors["summary.weight"] = .init([width, hidden], numbers(width * hidden, from: 0))
    weights.tensors["summary.bias"] = .init([width], numbers(width, from: width * hidden))
    try folder.write("model/model.safetensors", weights.bytes)
    return folder
  }
}
