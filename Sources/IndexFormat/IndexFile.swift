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
  /// Where documents are of one kind.
  case kind(StreamKind)

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
    case .kind(let kind): "of \(kind.rawValue) streams"
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
    case .kind(let kind): manifest.source.schema?.kind == kind
    }
  }
}

/// The size of a tensor along one axis.
package enum IndexExtent: Sendable, Equatable, CustomStringConvertible {
  /// Documents of the segment, and some more.
  case documents(plus: Int = 0)
  /// Documents of the segment that have a vector each; where they have several, the count `vectors`.
  case rows
  /// Width of the vectors or size of the vocabulary, and some more.
  case dimension(plus: Int = 0)
  /// A number of its own, and some more: the same wherever the name stands in an index's files.
  case count(String, plus: Int = 0)
  case fixed(Int)

  package var description: String {
    switch self {
    case .documents(let more): more == 0 ? "documents" : "documents + \(more)"
    case .rows: "documents or vectors"
    case .dimension(let more): more == 0 ? "dim" : "dim + \(more)"
    case .count(let name, let more): more == 0 ? name : "\(name) + \(more)"
    case .fixed(let size): "\(size)"
    }
  }

  /// The size where the manifest tells it.
  func size(documents: Int, dimension: Int?, kind: StreamKind?) -> Int? {
    switch self {
    case .documents(let more): documents + more
    case .rows: kind == .multivector ? nil : documents
    case .dimension(let more): dimension.map { $0 + more }
    case .count: nil
    case .fixed(let size): size
    }
  }

  /// The number of its own that the size is; nil where it is another.
  func count(_ kind: StreamKind?) -> (name: String, plus: Int)? {
    switch self {
    case .count(let name, let more): (name, more)
    case .rows where kind == .multivector: ("vectors", 0)
    default: nil
    }
  }
}

extension IndexFile {
  /// The file where each vector has a row, whether documents have one or several.
  package var ofRows: IndexFile {
    var file = self
    file.shape = shape.map { $0 == .documents() ? .rows : $0 }
    return file
  }

  /// The file where only documents of several vectors have it.
  package var ofSeveral: IndexFile {
    var file = self
    file.presence = .kind(.multivector)
    return file
  }
}
