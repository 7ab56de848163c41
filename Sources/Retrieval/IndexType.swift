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
  /// The search parameters that trade time for recall, with values worth trying; none of a type that is
  /// exact. All of them at their last values find what can be found without `--exact`.
  static var knobs: [SearchKnob] { get }
  /// What `--preset` stands for: values of search parameters for every preset; empty for a type that
  /// is exact.
  static var presets: [SearchPreset: [IndexArguments.Given]] { get }

  /// What a preset stands for beside parameters of searching that were said: that of `presets`, unless a
  /// type knows better.
  static func preset(
    _ preset: SearchPreset, beside given: [IndexArguments.Given]
  ) -> [IndexArguments.Given]

  /// What turns texts into terms, for the manifest of a type that takes texts.
  static func analyzer(_ arguments: IndexArguments) -> JSON

  /// Refuses a source that the type cannot index, before anything is written.
  ///
  /// - Throws: 78 for an unsuitable source, 64 for parameters that do not go with it.
  static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure)

  /// Whether a segment's documents can be written anew beside those of others, without learning anything
  /// and in the time that writing them takes; so additions join segments where there are many.
  static func joins(_ segment: IndexSegment) -> Bool

  /// Whether documents stand in an index in the order in which they came.
  static var keepsOrder: Bool { get }

  /// Whether something is learned from a sample of the documents, which are read several times for that.
  static var learns: Bool { get }

  /// What is stored of documents from a source, which the manifest has as theirs.
  ///
  /// - Throws: 64 for parameters that do not go with it.
  static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource

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

  /// Opens the segments of a collection, at least one, as one index: what it finds is what an index of
  /// their documents that are not deleted would find.
  ///
  /// Each is opened alone unless a type says otherwise. One whose scores depend on all documents of the
  /// collection has its segments share here what they must know of each other.
  ///
  /// - Throws: As opening one does.
  static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex

  /// Opens a segment for learning anew from its vectors.
  ///
  /// - Throws: 78 where it has none.
  static func vectors(
    of segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any VectorSource

  /// Writes what searching must know of a segment's deleted documents, besides which they are: files
  /// that are declared with presence `.deletions`.
  ///
  /// - Parameters:
  ///   - segment: With all documents that are deleted, in this change or before.
  ///   - files: What makes files.
  /// - Returns: Numbers of the deleted documents, which `IndexSegment.deletedStatistics` gives back.
  /// - Throws: 73 and 74 where files cannot be written, 65 where those of the segment are damaged.
  static func describeDeleted(
    of segment: IndexSegment, _ files: SegmentFiles
  ) throws(Failure) -> [JSON.Member]

  /// Numbers of all documents of a collection that are not deleted, for `info`; they need not be those
  /// that a builder gives.
  static func statistics(of segments: [IndexSegment]) throws(Failure) -> [JSON.Member]

  /// Lengths of the lists that searching a collection reads, such as postings by term, without deleted
  /// documents, for `info`; none of a type without lists.
  static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int]
}

extension IndexType {
  package static var parameters: [IndexParameter] { [] }

  package static var keepsOrder: Bool { true }

  package static var learns: Bool { false }

  package static func joins(_ segment: IndexSegment) -> Bool { false }

  package static var knobs: [SearchKnob] { [] }

  package static var presets: [SearchPreset: [IndexArguments.Given]] { [:] }

  package static func preset(
    _ preset: SearchPreset, beside given: [IndexArguments.Given]
  ) -> [IndexArguments.Given] { presets[preset] ?? [] }

  package static func analyzer(_ arguments: IndexArguments) -> JSON { .object([]) }

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {}

  package static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource { source }

  package static func check(contents segment: IndexSegment) throws(Failure) {}

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    SegmentedIndex.joining(
      try segments.map { segment throws(Failure) in try open(segment, arguments, work) },
      of: segments)
  }

  package static func vectors(
    of segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any VectorSource {
    guard let index = try open(segment, arguments, work) as? any VectorSource else {
      throw .config(segment.folder, "the index has no vectors to learn from")
    }
    return index
  }

  package static func describeDeleted(
    of segment: IndexSegment, _ files: SegmentFiles
  ) throws(Failure) -> [JSON.Member] { [] }

  package static func statistics(
    of segments: [IndexSegment]
  ) throws(Failure) -> [JSON.Member] { [] }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] { [] }

  /// Whether the type takes documents from a source.
  package static func takes(_ source: IndexSource) -> Bool {
    source.schema.map { takes.includes($0.kind) } ?? (takes == .texts)
  }

  /// Whether documents from a source are those that the type is made for.
  package static func isUsual(_ source: IndexSource) -> Bool {
    guard let kind = source.schema?.kind else { return takes == .texts }
    return takes.usual == kind
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
      segment.discard()
    }
    try checkDistinct(folder)
  }

  /// - Throws: 65 for a document that is in two segments and deleted in neither.
  private static func checkDistinct(_ folder: IndexFolder) throws(Failure) {
    if folder.segments.count == 1 { return }
    var earlier: [DocumentTable] = []
    for segment in folder.segments {
      let table = try DocumentTable(segment)
      for ordinal in 0..<table.count where table.isLive(ordinal) {
        let id = table.id(ordinal)
        guard earlier.allSatisfy({ $0.ordinal(id) == nil }) else {
          throw .data(
            folder.path,
            "damaged: document \(String(decoding: id, as: UTF8.self)) is in two segments")
        }
      }
      earlier.append(table)
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

  /// The kind of stream that a type is made for; nil for texts.
  package var usual: StreamKind? {
    if case .vectors(let kinds) = self { kinds.first } else { nil }
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

  /// What reading the files of an index for `verify` is done with.
  package static var checking: IndexWork {
    IndexWork(Kernels(), WorkerPool(threads: 1), memory: 1 << 28)
  }

  /// Bytes that building takes unless another number is asked for.
  package static let usualMemory = 1 << 30
}
