import Autograd
import Failures
import Kernels
import Models
import Streams
import Tensors

/// The low-rank updates of a model, in its store beside the weights that they update.
package final class LowRankUpdates {
  package let configuration: LoRAConfiguration
  /// Weights that are updated.
  package let weights: [Parameter]
  /// Weights that are trained as a whole, and biases that are trained.
  package let saved: [Parameter]
  /// What A and B began with, by their names, where the model's weights keep the rest.
  let starts: [String: AlignedBuffer]
  private let own: Set<String>

  /// Adds A and B of every layer that is to be updated, and freezes all else.
  ///
  /// - Throws: 78 where a name fits no layer, or one that has no such update.
  package init(
    _ configuration: LoRAConfiguration, _ trained: TrainedModel, seed: UInt64
  ) throws(Failure) {
    self.configuration = configuration
    let store = trained.store
    let layers = UpdatedLayers(configuration, trained)
    (weights, saved) = try layers.chosen()
    for parameter in store.parameters { parameter.training?.isFrozen = true }
    for parameter in saved { parameter.training?.isFrozen = false }
    var starts: [String: AlignedBuffer] = [:]
    for (number, parameter) in store.parameters.enumerated()
    where weights.contains(where: { $0 === parameter }) {
      let name = LayerNames(parameter.name)
      let (rank, scale) = configuration.settings(name)
      let random = CounterRandom(seed: seed, stream: UInt64(number))
      let factors = try configuration.start.factors(
        of: parameter, rank: rank, scale: scale, random)
      let (rows, columns) = (parameter.shape[0], parameter.shape[1])
      let down = store.add("\(name.full).lora_A.weight", shape: [rank, columns], factors.down)
      let up = store.add("\(name.full).lora_B.weight", shape: [rows, rank], factors.up)
      if configuration.start.changesWeights {
        for matrix in [down, up] {
          let start = AlignedBuffer(count: matrix.count)
          start.pointer.update(from: matrix.values, count: matrix.count)
          starts[matrix.name] = start
        }
        Self.takeAway(down, up, scale, of: parameter)
      }
      let lengths = Self.lengths(configuration, parameter, down, up, scale, name, store)
      let bias = configuration.hasBias ? Self.bias("\(name.full).lora_B.bias", rows, store) : nil
      parameter.update(
        by: LowRankUpdate(
          down: down, up: up, scale: scale, dropout: Float(configuration.dropout),
          lengths: lengths, bias: bias))
      if let bias { store["\(name.full).bias"]?.add(bias, times: scale) }
    }
    self.starts = starts
    own = Set(weights.compactMap(\.lowRank).flatMap(\.parameters).map(\.name))
    try begin()
  }

  /// W −= s · B · A: the model is at first what it was.
  private static func takeAway(
    _ down: Parameter, _ up: Parameter, _ scale: Double, of weight: Parameter
  ) {
    guard let values = weight.training?.values else { return }
    LowRankUpdate.add(up: up, down: down, scale: -scale, to: values)
  }

  /// The lengths of the rows of W + s · B · A, as they are.
  private static func lengths(
    _ configuration: LoRAConfiguration, _ weight: Parameter, _ down: Parameter, _ up: Parameter,
    _ scale: Double, _ name: LayerNames, _ store: ParameterStore
  ) -> Parameter? {
    guard configuration.usesLengths else { return nil }
    let sum = AlignedBuffer(count: weight.count)
    sum.pointer.update(from: weight.values, count: weight.count)
    LowRankUpdate.add(up: up, down: down, scale: scale, to: sum)
    let lengths = AlignedBuffer(count: weight.rows)
    for row in 0..<weight.rows {
      lengths.pointer[row] = Float(
        LowRankUpdate.length(sum.pointer + row * weight.columns, weight.columns))
    }
    return store.add("\(name.full).lora_magnitude_vector", shape: [weight.rows], lengths)
  }

  private static func bias(_ name: String, _ count: Int, _ store: ParameterStore) -> Parameter {
    let zeros = AlignedBuffer(count: count)
    zeros.pointer.update(repeating: 0, count: count)
    return store.add(name, shape: [count], zeros)
  }

  /// Gives what is trained the values of an adapter, if one is named.
  private func begin() throws(Failure) {
    guard let path = configuration.adapter else { return }
    try FolderDigests(path)?.verify { _ in true }
    let adapter = try Adapter(path)
    func copy(_ source: Parameter, to target: Parameter) {
      target.training?.values.pointer.update(from: source.values, count: source.count)
    }
    for weight in weights {
      guard let update = weight.lowRank else { continue }
      let factors = try adapter.factors(
        of: weight.name, shape: weight.shape, rank: update.down.outputs, scale: update.scale)
      copy(factors.down, to: update.down.weights[0])
      copy(factors.up, to: update.up.weights[0])
      switch (factors.lengths, update.lengths) {
      case (let source?, let target?): copy(source, to: target)
      case (nil, nil): break
      default:
        throw .config(
          path, "\(weight.name): one of adapter and lora has use_dora, the other has not")
      }
      if let bias = update.bias {
        copy(
          try adapter.ownBias(of: LayerNames(weight.name).full + ".bias", shape: bias.shape),
          to: bias)
      }
    }
    for parameter in saved {
      copy(try adapter.whole(parameter.name, shape: parameter.shape), to: parameter)
    }
    // A bias of B is known by that of its layer.
    let biases = configuration.hasBias ? weights.map { LayerNames($0.name).full + ".bias" } : []
    if let stranger = adapter.strangers(to: (weights + saved).map(\.name) + biases).first {
      throw .config(
        path, "the adapter has an update of \(stranger), which is not to be trained",
        hint: "targets, bias and modules_to_save must be the adapter's")
    }
  }

  /// What is trained of every updated weight.
  package var parameters: [Parameter] { weights.compactMap(\.lowRank).flatMap(\.parameters) }

  /// Whether a weight of the store is one of A and B, or of what else an update has.
  package func has(_ name: String) -> Bool { own.contains(name) }

  /// Names of the layers that are updated.
  var layers: [LayerNames] { weights.map { LayerNames($0.name) } }
}
