import Kernels
import Models
import Vectors

extension EmbeddingComparison {
  /// The comparison that a model was trained for.
  package init(_ model: Model, _ kernels: Kernels) {
    let description = model.description
    self.init(
      description.similarity,
      aggregations: description.head.interaction.map { ($0.queryAggregation, $0.docAggregation) },
      learned: LearnedModelScore(model, kernels),
      place: description.folder.path, kernels)
  }
}
