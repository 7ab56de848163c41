/// The heads that exist.
package enum Heads {
  /// All of them, a row each, in the order in which messages list them.
  package static let all: [any HeadSettings.Type] = [
    DenseHead.Settings.self, SpladeHead.Settings.self, MultiVectorHead.Settings.self,
    CoilHead.Settings.self, UniCoilHead.Settings.self, ViewerHead.Settings.self,
    TermWeightHead.Settings.self, M3VectorHead.Settings.self, LiteHead.Settings.self,
    DualDocumentHead.Settings.self, MonoHead.Settings.self,
  ]
}

extension [any HeadSettings.Type] {
  /// The head whose models have this `model_type`; nil where no head's do.
  func named(_ modelType: String) -> (any HeadSettings.Type)? {
    first { $0.modelTypes.contains(modelType) }
  }

  /// All values of `model_type`.
  var modelTypes: [String] { flatMap { $0.modelTypes } }
}
