import Kernels
import Models
import Vectors

extension EmbeddingComparison {
  /// The comparison that a model was trained for.
  package init(_ description: ModelDescription, _ kernels: Kernels) {
    self.init(
      description.similarity,
      aggregations: description.head.interaction.map { ($0.queryAggregation, $0.docAggregation) },
      place: description.folder.path, kernels)
  }
}
