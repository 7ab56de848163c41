import Autograd
import Failures
import Kernels
import Models
import Tensors

/// The low-rank updates of a model, in its store beside the weights that they update.
package final class LowRankUpdates {
  package let configuration: LoRAConfiguration
  /// Weights that are updated.
  package let weights: [Parameter]
  /// Weights that are trained as a whole.
  package let saved: [Parameter]
  private let own: Set<String>

  /// Adds A and B of every layer that is to be updated, and freezes all else: A uniform as torch
  /// initialises its layers, B zero, so that the model is at first what it was.
  ///
  /// - Throws: 78 where a name fits no layer, or one that has no such update.
  package init(
    _ configuration: LoRAConfiguration, _ trained: TrainedModel, seed: UInt64
  ) throws(Failure) {
    self.configuration = configuration
    let (store, place) = (trained.store, trained.model.description.folder.path)
    let all = store.parameters
    func layer(_ parameter: Parameter) -> Substring {
      parameter.name[..<(parameter.name.lastIndex(of: ".") ?? parameter.name.endIndex)]
    }
    for name in configuration.targets + configuration.saved
    where !all.contains(where: { LoRAConfiguration.names([name], layer($0)) }) {
      throw .config(place, "lora: no layer is called \(name)")
    }
    if let name = configuration.targets.first(where: configuration.saved.contains) {
      throw .config(place, "lora: \(name) is in targets and in modules_to_save")
    }
    var weights: [Parameter] = []
    var saved: [Parameter] = []
    for (number, parameter) in all.enumerated() {
      let name = layer(parameter)
      if LoRAConfiguration.names(configuration.saved, name) {
        saved.append(parameter)
        continue
      }
      parameter.training?.isFrozen = true
      guard LoRAConfiguration.names(configuration.targets, name), parameter.shape.count == 2 else {
        continue
      }
      if let refusal = Self.refusal(configuration, parameter, trained.model) {
        throw .config(place, "lora: \(name) \(refusal)", hint: "modules_to_save trains it whole")
      }
      let (rows, columns) = (parameter.shape[0], parameter.shape[1])
      try Self.checkRank(configuration.rank, name, rows, columns, place)
      let down = AlignedBuffer(count: configuration.rank * columns)
      let random = CounterRandom(seed: seed, stream: UInt64(number))
      // kaiming_uniform_ with a = √5: as wide as one over the root of the inputs.
      let bound = 1 / Float(columns).squareRoot()
      for i in 0..<down.count {
        down.pointer[i] = bound * (2 * random.uniform(at: UInt64(i)) - 1)
      }
      let up = AlignedBuffer(count: rows * configuration.rank)
      up.pointer.update(repeating: 0, count: up.count)
      parameter.update(
        by: LowRankUpdate(
          down: store.add("\(name).lora_A.weight", shape: [configuration.rank, columns], down),
          up: store.add("\(name).lora_B.weight", shape: [rows, configuration.rank], up),
          scale: configuration.scale, dropout: Float(configuration.dropout)))
      weights.append(parameter)
    }
    for name in configuration.targets
    where !weights.contains(where: { LoRAConfiguration.names([name], layer($0)) }) {
      throw .config(
        place, "lora: \(name) is no linear layer with weights of its own",
        hint: "modules_to_save trains it whole")
    }
    self.weights = weights
    self.saved = saved
    try Self.begin(configuration, weights, saved)
    own = Set(weights.compactMap(\.lowRank).flatMap(\.parameters).map(\.name))
  }

  /// Refuses updates that are larger than what they update.
  private static func checkRank(
    _ rank: Int, _ layer: Substring, _ rows: Int, _ columns: Int, _ place: String
  ) throws(Failure) {
    guard rank > max(rows, columns) else { return }
    throw .config(
      place,
      "lora.r: expected at most \(max(rows, columns)), the larger side of \(layer) "
        + "[\(rows),\(columns)], found \(rank)",
      hint: "modules_to_save trains the layer whole, with fewer numbers")
  }

  /// Gives A, B and the modules that are trained whole the values of an adapter, if one is named.
  private static func begin(
    _ configuration: LoRAConfiguration, _ weights: [Parameter], _ saved: [Parameter]
  ) throws(Failure) {
    guard let path = configuration.adapter else { return }
    let adapter = try Adapter(path)
    func copy(_ source: Parameter, to target: Parameter) {
      target.training?.values.pointer.update(from: source.values, count: source.count)
    }
    for weight in weights {
      guard let update = weight.lowRank else { continue }
      let (down, up) = try adapter.factors(
        of: weight.name, shape: weight.shape, rank: configuration.rank,
        scale: configuration.scale)
      copy(down, to: update.down.weights[0])
      copy(up, to: update.up.weights[0])
    }
    for parameter in saved {
      copy(try adapter.whole(parameter.name, shape: parameter.shape), to: parameter)
    }
    if let stranger = adapter.strangers(to: (weights + saved).map(\.name)).first {
      throw .config(
        path, "the adapter has an update of \(stranger), which is not to be trained",
        hint: "targets and modules_to_save must be the adapter's")
    }
  }

  /// Why a weight of a layer that was named gets no update; nil where it does.
  private static func refusal(
    _ configuration: LoRAConfiguration, _ parameter: Parameter, _ model: Model
  ) -> String? {
    let embeddings = model.backbone.wordEmbeddings
    guard parameter.mayBeUpdated, parameter !== embeddings else { return "is no linear layer" }
    guard configuration.dropout > 0 else { return nil }
    // Whose masks rows have is known of texts and their tokens, and not of some of them.
    guard case .biEncoder(let head) = model.head else { return nil }
    let isApart = head.layersOfSomeTokens.contains { layer in
      layer.weights.contains { $0 === parameter }
    }
    return isApart ? "has no update with dropout" : nil
  }

  /// A and B of every updated weight.
  package var parameters: [Parameter] { weights.compactMap(\.lowRank).flatMap(\.parameters) }

  /// Whether a weight of the store is one of A and B.
  package func has(_ name: String) -> Bool { own.contains(name) }
}
