import Failures
import Tensors

/// A file of an index: one tensor, what it holds and of which shape.
package struct IndexFile: Sendable {
  /// What the file is, such as `documents.ranks`; its name in the folder begins so.
  package var name: String
  /// Name of the tensor in it.
  package var tensor: String
  /// Element types that it may have; empty for that of the documents' vectors.
  package var types: [ElementType]
  package var shape: [IndexExtent]
  /// When the file is there, in words; nil for always.
  package var presence: String?
  /// What the numbers mean.
  package var meaning: String

  package init(
    _ name: String, tensor: String, _ types: [ElementType], _ shape: [IndexExtent],
    presence: String? = nil, _ meaning: String
  ) {
    self.name = name
    self.tensor = tensor
    self.types = types
    self.shape = shape
    self.presence = presence
    self.meaning = meaning
  }
}

/// The size of a tensor along one axis.
package enum IndexExtent: Sendable, Equatable, CustomStringConvertible {
  /// Documents of the segment, and some more.
  case documents(plus: Int = 0)
  /// Width of the vectors or size of the vocabulary, and some more.
  case dimension(plus: Int = 0)
  /// A number of its own: the same wherever the name stands in an index's files.
  case count(String)

  package var description: String {
    switch self {
    case .documents(let more): more == 0 ? "documents" : "documents + \(more)"
    case .dimension(let more): more == 0 ? "dim" : "dim + \(more)"
    case .count(let name): name
    }
  }

  /// The size where the manifest tells it.
  func size(documents: Int, dimension: Int?) -> Int? {
    switch self {
    case .documents(let more): documents + more
    case .dimension(let more): dimension.map { $0 + more }
    case .count: nil
    }
  }
}
