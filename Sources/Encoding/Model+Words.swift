import Models

extension Model {
  /// What the model is, for messages: its folder, what it is built of, and the width of what it makes.
  package var words: String {
    var words =
      "\(description.folder.path), a \(description.head.modelType) model on "
      + description.backboneType
    switch form {
    case .dense(let dimension): words += " of dimension \(dimension)"
    case .vectors(let shape): words += " of dimension \(shape.width)"
    case .sparse, nil: break
    }
    return words
  }
}
