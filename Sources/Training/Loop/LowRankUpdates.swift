import Autograd
import Failures
import Kernels
import Tensors
import Workers

/// The low-rank updates of a model, in its store beside the weights that they update.
package final class LowRankUpdates {
  package let configuration: LoRAConfiguration
  package let layers: [LowRankUpdate]
  /// Weights that are trained as a whole.
  package let saved: [Parameter]
  private let own: Set<String>

  /// Adds A and B of every layer that is to be updated, and freezes all else: A uniform as torch
  /// initialises its layers, B zero, so that the model is at first what it was.
  ///
  /// - Throws: 78 where a name fits no layer.
  init(
    _ configuration: LoRAConfiguration, _ store: ParameterStore, seed: UInt64, place: String
  ) throws(Failure) {
    self.configuration = configuration
    let all = store.parameters
    func layer(_ parameter: Parameter) -> Substring {
      parameter.name[..<(parameter.name.lastIndex(of: ".") ?? parameter.name.endIndex)]
    }
    for name in configuration.targets + configuration.saved
    where !all.contains(where: { LoRAConfiguration.names([name], layer($0)) }) {
      throw .config(place, "lora: no layer is called \(name)")
    }
    var layers: [LowRankUpdate] = []
    var saved: [Parameter] = []
    for (number, parameter) in all.enumerated() {
      let name = layer(parameter)
      if LoRAConfiguration.names(configuration.saved, name) {
        saved.append(parameter)
        continue
      }
      guard LoRAConfiguration.names(configuration.targets, name), parameter.shape.count == 2 else {
        parameter.training?.isFrozen = true
        continue
      }
      let (rows, columns) = (parameter.shape[0], parameter.shape[1])
      let down = AlignedBuffer(count: configuration.rank * columns)
      let random = CounterRandom(seed: seed, stream: UInt64(number))
      // kaiming_uniform_ with a = √5: as wide as one over the root of the inputs.
      let bound = 1 / Float(columns).squareRoot()
      for i in 0..<down.count {
        down.pointer[i] = bound * (2 * random.uniform(at: UInt64(i)) - 1)
      }
      let up = AlignedBuffer(count: rows * configuration.rank)
      up.pointer.update(repeating: 0, count: up.count)
      layers.append(
        LowRankUpdate(
          of: parameter,
          down: store.add("\(name).lora_A.weight", shape: [configuration.rank, columns], down),
          up: store.add("\(name).lora_B.weight", shape: [rows, configuration.rank], up),
          scale: configuration.scale))
    }
    self.layers = layers
    self.saved = saved
    own = Set(layers.flatMap { [$0.down.name, $0.up.name] })
  }

  /// Whether a weight of the store is one of A and B.
  package func has(_ name: String) -> Bool { own.contains(name) }

  /// Makes the derivatives by the model's weights those by A and B.
  func pullBack(_ kernels: Kernels, _ pool: WorkerPool) {
    pool.forEachUnchecked(layers.count) { layer, _ in layers[layer].pullBack(kernels) }
  }

  /// Makes the model's weights of what A and B have become.
  package func fold(_ pool: WorkerPool) {
    pool.forEachUnchecked(layers.count) { layer, _ in layers[layer].fold() }
  }
}
