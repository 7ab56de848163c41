extension ModelDescription {
  /// Layers of the head as the folder's checkpoint calls them, and as Lightning IR does; none where
  /// the names are the same.
  package var headLayerNames: [(stored: String, lightningIR: String)] {
    var names: [(String, String)] = []
    switch architecture {
    case .splade(let settings):
      guard settings.namesOfHead == .transformers,
        let head = HeadNames.languageModels[backboneType]
      else { return [] }
      let own = HeadNames.lightningIRLanguageModels[0]
      names = [(head.dense, own.dense), (head.norm, own.norm)]
      for tensor in head.biases + [head.decoder] {
        guard let dot = tensor.lastIndex(of: ".") else { continue }
        names.append((String(tensor[..<dot]), "projection.decoder"))
      }
    case .mono(let settings):
      guard settings.namesOfHead == .transformers, let head = HeadNames.classifiers[backboneType]
      else { return [] }
      let own = HeadNames.lightningIRClassifier
      names = [(head.pooler, own.pooler), (head.outputs, own.outputs)]
    case .dense, .uniCoil, .multiVector, .viewers, .coil: break
    }
    return names
  }
}
