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
  package var presence: IndexPresence
  /// Whether it goes where the user says, where vectors are not to lie in the folder.
  package var mayLieElsewhere: Bool
  /// What the numbers mean.
  package var meaning: String

  package init(
    _ name: String, tensor: String, _ types: [ElementType], _ shape: [IndexExtent],
    presence: IndexPresence = .always, mayLieElsewhere: Bool = false, _ meaning: String
  ) {
    self.name = name
    self.tensor = tensor
    self.types = types
    self.shape = shape
    self.presence = presence
    self.mayLieElsewhere = mayLieElsewhere
    self.meaning = meaning
  }
}

/// When an index has a file.
package enum IndexPresence: Sendable, Equatable, CustomStringConvertible {
  case always
  /// Where vectors are stored in this type.
  case element(ElementType)
  /// In indexes of this version of the format and later ones.
  case format(Int)
  /// In segments of one of the layouts that the type has, which its files tell apart.
  case layout(String)
  /// Where a parameter of building has this value.
  case parameter(String, String)
  /// Where a parameter of building has one of these values.
  case oneOf(String, [String])
  /// Where a parameter of building has another value, or none.
  case unless(String, String)
  /// Where the terms of sparse vectors were texts, whose numbers only the index says.
  case ownTerms
  /// In segments of which documents are deleted.
  case deletions

  package var description: String {
    switch self {
    case .always: "always"
    case .element(let type): "for vectors of \(type.rawValue)"
    case .format(let version): "from format \(version) on"
    case .layout(let name): "in the \(name) layout"
    case .parameter(let name, let value): "with --\(name) \(value)"
    case .oneOf(let name, let values): "with --\(name) \(values.joined(separator: " or "))"
    case .unless(let name, let value): "without --\(name) \(value)"
    case .ownTerms: "where terms are texts without numbers"
    case .deletions: "where documents are deleted"
    }
  }

  /// Whether a segment of an index must have the file: of layouts only the type knows.
  ///
  /// - Parameters:
  ///   - manifest: The index's.
  ///   - deletions: Whether documents of the segment are deleted.
  /// - Returns: Whether it has to be there.
  package func holds(_ manifest: IndexManifest, deletions: Bool = false) -> Bool {
    switch self {
    case .always: true
    case .element(let type): manifest.source.element == type
    case .format(let version): manifest.format >= version
    case .layout, .ownTerms: false
    case .parameter(let name, let value): manifest.parameter(name) == value
    case .oneOf(let name, let values): manifest.parameter(name).map(values.contains) ?? false
    case .unless(let name, let value): manifest.parameter(name) != value
    case .deletions: deletions
    }
  }
}

/// The size of a tensor along one axis.
package enum IndexExtent: Sendable, Equatable, CustomStringConvertible {
  /// Documents of the segment, and some more.
  case documents(plus: Int = 0)
  /// Width of the vectors or size of the vocabulary, and some more.
  case dimension(plus: Int = 0)
  /// A number of its own, and some more: the same wherever the name stands in an index's files.
  case count(String, plus: Int = 0)
  case fixed(Int)

  package var description: String {
    switch self {
    case .documents(let more): more == 0 ? "documents" : "documents + \(more)"
    case .dimension(let more): more == 0 ? "dim" : "dim + \(more)"
    case .count(let name, let more): more == 0 ? name : "\(name) + \(more)"
    case .fixed(let size): "\(size)"
    }
  }

  /// The size where the manifest tells it.
  func size(documents: Int, dimension: Int?) -> Int? {
    switch self {
    case .documents(let more): documents + more
    case .dimension(let more): dimension.map { $0 + more }
    case .count: nil
    case .fixed(let size): size
    }
  }
}
