import Failures
import IndexFormat
import JSON
import Kernels
import Tensors
import Workers

/// A type of index: everything that is said of it, in one place.
///
/// A new type is one folder in `Indexes` and one row in `IndexTypes`.
package protocol IndexType: Sendable {
  /// Name in `--type` and in manifests.
  static var name: String { get }
  /// One line of explanation.
  static var summary: String { get }
  /// What documents it takes.
  static var takes: IndexSubject { get }
  /// What can be said of it when it is built and when it is searched.
  static var parameters: [IndexParameter] { get }
  /// Its files, besides those of the documents' ids.
  static var files: [IndexFile] { get }

  /// What turns texts into terms, for the manifest of a type that takes texts.
  static func analyzer(_ arguments: IndexArguments) -> JSON

  /// Refuses a source that the type cannot index, before anything is written.
  ///
  /// - Throws: 78 for an unsuitable source, 64 for parameters that do not go with it.
  static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure)

  /// Reads what the files hold, for `verify`: numbers that no index has, under checksums that fit.
  ///
  /// - Throws: 65 for the first of them.
  static func check(contents segment: IndexSegment) throws(Failure)

  /// What builds an index of documents from `source`.
  static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder

  /// Opens a segment for searching; takes the same time whatever its size.
  ///
  /// - Throws: 65 where files do not fit the manifest, 78 for what this release does not search.
  static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex
}

extension IndexType {
  package static var parameters: [IndexParameter] { [] }

  package static func analyzer(_ arguments: IndexArguments) -> JSON { .object([]) }

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {}

  package static func check(contents segment: IndexSegment) throws(Failure) {}

  /// Whether the type takes documents from a source.
  package static func takes(_ source: IndexSource) -> Bool {
    source.schema.map { takes.includes($0.kind) } ?? (takes == .texts)
  }

  /// The parameters of one stage.
  package static func parameters(_ stage: IndexParameter.Stage) -> [IndexParameter] {
    parameters.filter { $0.stage == stage }
  }

  /// Compares the files of an index with what the type says of them, and with their checksums.
  ///
  /// - Throws: 65 for the first that is not as it was written.
  package static func verify(_ folder: IndexFolder) throws(Failure) {
    try folder.verify()
    for segment in folder.segments {
      try segment.check(DocumentTable.files + files)
      try DocumentTable(segment).check()
      try check(contents: segment)
    }
  }
}

/// What the documents of a type of index come as.
package enum IndexSubject: Sendable, Equatable {
  /// Tensor streams of these kinds.
  case vectors([StreamKind])
  /// Text records; neither building nor searching needs a model.
  case texts

  /// The subject in words: `dense vectors`.
  package var words: String {
    switch self {
    case .vectors(let kinds):
      kinds.map(\.rawValue).joined(separator: " or ") + " vectors"
    case .texts: "texts"
    }
  }

  /// Whether a type takes streams of a kind.
  package func includes(_ kind: StreamKind) -> Bool {
    if case .vectors(let kinds) = self { kinds.contains(kind) } else { false }
  }
}

/// What the work on an index is done with.
package struct IndexWork: Sendable {
  package let kernels: Kernels
  package let pool: WorkerPool
  /// Bytes that building may take.
  package let memory: Int
  package let seed: UInt64

  package init(
    _ kernels: Kernels, _ pool: WorkerPool, memory: Int = IndexWork.usualMemory, seed: UInt64 = 42
  ) {
    self.kernels = kernels
    self.pool = pool
    self.memory = memory
    self.seed = seed
  }

  /// Bytes that building takes unless another number is asked for.
  package static let usualMemory = 1 << 30
}
