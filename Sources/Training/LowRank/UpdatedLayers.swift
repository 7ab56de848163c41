import Autograd
import Failures
import Models

/// Finds the layers of a model that a configuration updates, and those that it trains as a whole.
struct UpdatedLayers {
  private let configuration: LoRAConfiguration
  private let model: Model
  private let store: ParameterStore
  private let place: String
  private let savedNames: [String]
  private let names: [LayerNames]

  init(_ configuration: LoRAConfiguration, _ trained: TrainedModel) {
    self.configuration = configuration
    model = trained.model
    store = trained.store
    place = model.description.folder.path
    names = store.parameters.map { LayerNames($0.name) }
    savedNames = configuration.saved(among: names)
  }

  /// The weights that are updated, and the weights and biases that are trained as they are, in the order
  /// of the store.
  ///
  /// - Throws: 78 where a name fits no layer, or one that has no such update.
  func chosen() throws(Failure) -> (weights: [Parameter], saved: [Parameter]) {
    try configuration.targets.check(names, place)
    for name in savedNames where !names.contains(where: { $0.areWithin(name) }) {
      throw .config(place, "lora: no layer is called \(name)")
    }
    if case .ends(let ends) = configuration.targets.names,
      let name = ends.first(where: savedNames.contains)
    {
      throw .config(place, "lora: \(name) is in targets and in modules_to_save")
    }
    var (weights, saved): ([Parameter], [Parameter]) = ([], [])
    for (parameter, name) in zip(store.parameters, names) {
      if savedNames.contains(where: name.areWithin) {
        saved.append(parameter)
      } else if configuration.targets.contains(name), try isUpdated(parameter, name) {
        weights.append(parameter)
      }
    }
    try check(weights)
    let updated = Set(weights.map { LayerNames($0.name).full })
    for (parameter, name) in zip(store.parameters, names) where parameter.name.hasSuffix(".bias") {
      let isTrained =
        switch configuration.biases {
        case .none: false
        case .all: true
        case .updated: updated.contains(name.full)
        }
      if isTrained, !saved.contains(where: { $0 === parameter }) { saved.append(parameter) }
    }
    return (weights, saved)
  }

  /// Whether a tensor of a chosen layer is a weight that gets an update.
  private func isUpdated(_ parameter: Parameter, _ name: LayerNames) throws(Failure) -> Bool {
    guard parameter.name.hasSuffix(".weight") else { return false }
    if case .allLinear = configuration.targets.names, !isInnerLayer(parameter) { return false }
    if case .pattern = configuration.targets.names, parameter.shape.count != 2 {
      throw .config(place, "lora: \(name.full) is no linear layer")
    }
    guard parameter.shape.count == 2 else { return false }
    if let refusal = refusal(parameter) {
      throw .config(
        place, "lora: \(name.full) \(refusal)", hint: "modules_to_save trains it whole")
    }
    let (rank, _) = configuration.settings(name)
    try check(rank, name, parameter)
    if configuration.hasBias, store["\(name.full).bias"] == nil {
      throw .config(place, "lora: lora_bias is not supported for \(name.full), which has no bias")
    }
    return true
  }

  /// Whether `all-linear` means a weight: that of a layer, which does not give the vocabulary's numbers.
  private func isInnerLayer(_ parameter: Parameter) -> Bool {
    let embeddings = model.backbone.wordEmbeddings
    return parameter.shape.count == 2 && parameter.mayBeUpdated && parameter !== embeddings
      && parameter.shape[0] != embeddings.shape[0]
  }

  /// Refuses ranks that are larger than what they update, or that a start cannot have.
  private func check(_ rank: Int, _ layer: LayerNames, _ weight: Parameter) throws(Failure) {
    let (rows, columns) = (weight.shape[0], weight.shape[1])
    if configuration.start == .orthogonal, rank % 2 != 0 {
      throw .config(
        place, "lora.r: expected an even rank for init_lora_weights orthogonal, found \(rank)")
    }
    let isLarge = configuration.start.changesWeights
    let most = isLarge ? min(rows, columns) : max(rows, columns)
    guard rank > most else { return }
    throw .config(
      place,
      "lora.r: expected at most \(most), the \(isLarge ? "smaller" : "larger") side of "
        + "\(layer.full) [\(rows),\(columns)], found \(rank)",
      hint: "modules_to_save trains the layer whole, with fewer numbers")
  }

  /// Why a weight of a layer that was named gets no update; nil where it does.
  private func refusal(_ parameter: Parameter) -> String? {
    guard parameter.mayBeUpdated, parameter !== model.backbone.wordEmbeddings else {
      return "is no linear layer"
    }
    guard configuration.dropout > 0 else { return nil }
    // Whose masks rows have is known of texts and their tokens, and not of some of them.
    guard case .biEncoder(let head) = model.head else { return nil }
    let isApart = head.layersOfSomeTokens.contains { layer in
      layer.weights.contains { $0 === parameter }
    }
    return isApart ? "has no update with dropout" : nil
  }

  /// Refuses keys of patterns that no layer has, as they would say nothing.
  private func checkPatterns(_ updated: [LayerNames]) throws(Failure) {
    let patterns =
      configuration.ranks.map { ("rank_pattern", $0.layers) }
      + configuration.alphas.map { ("alpha_pattern", $0.layers) }
    for (field, layers) in patterns where !updated.contains(where: { layers.matches($0.bare) }) {
      throw .config(
        place, "lora.\(field): \(layers.text) fits no layer that is updated",
        hint: updated.first.map { "names are as \($0.bare)" })
    }
  }

  /// Refuses a choice that leaves nothing of what was named.
  private func check(_ weights: [Parameter]) throws(Failure) {
    let updated = weights.map { LayerNames($0.name) }
    if case .ends(let ends) = configuration.targets.names {
      for name in ends where !updated.contains(where: { $0.end(with: name) }) {
        let isExcluded = !store.parameters.contains {
          configuration.targets.contains(LayerNames($0.name))
            && LayerNames($0.name).end(with: name)
        }
        if isExcluded {
          throw .config(
            place,
            "lora: exclude_modules and layers_to_transform leave no layer that is called \(name)")
        }
        throw .config(
          place, "lora: \(name) is no linear layer with weights of its own",
          hint: "modules_to_save trains it whole")
      }
    }
    try checkPatterns(updated)
    guard weights.isEmpty else { return }
    throw .config(place, "lora: targets and exclude_modules leave no layer to update")
  }
}
