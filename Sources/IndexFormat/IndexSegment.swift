import Failures
import JSON
import Tensors

/// Documents of an index that were added together, with their files.
package struct IndexSegment: Sendable {
  /// The index's folder.
  package let folder: String
  /// The manifest of the whole index.
  package let manifest: IndexManifest
  /// Number of the segment's documents, deleted ones among them.
  package let documents: Int
  /// Those that are deleted; nil for none.
  package private(set) var deleted: DeletedDocuments?
  /// Numbers of the segment, as what built it gave them: of all documents, deleted ones among them.
  package let statistics: [JSON.Member]
  /// Numbers of the deleted documents.
  package private(set) var deletedStatistics: [JSON.Member]
  private var names: [String: String]
  private let files: [String: MappedFile]

  /// - Throws: 65 where the list of deleted documents does not fit the manifest.
  init(
    folder: String, manifest: IndexManifest, _ segment: IndexManifest.Segment,
    _ files: [String: MappedFile]
  ) throws(Failure) {
    self.folder = folder
    self.manifest = manifest
    documents = segment.documents
    statistics = segment.statistics ?? manifest.statistics
    deletedStatistics = segment.deleted?.statistics ?? []
    let elsewhere = Set(manifest.files.filter { $0.elsewhere != nil }.map(\.name))
    names = segment.files.filter { files[$0.value] != nil || !elsewhere.contains($0.value) }
    self.files = files
    if let listed = segment.deleted {
      deleted = try DeletedDocuments(
        column(DeletedDocuments.file, as: UInt8.self), documents: documents,
        count: listed.documents, folder)
    }
  }

  /// Number of documents that are not deleted.
  package var liveDocuments: Int { documents - (deleted?.count ?? 0) }

  /// Whether a document is not deleted.
  package func isLive(_ ordinal: Int) -> Bool { !(deleted?.contains(ordinal) ?? false) }

  /// Runs of documents that are not deleted, ascending.
  package var liveRanges: [Range<Int>] {
    guard let deleted else { return documents == 0 ? [] : [0..<documents] }
    var ranges: [Range<Int>] = []
    var start: Int?
    for ordinal in 0..<documents {
      if deleted.contains(ordinal) {
        if let first = start { ranges.append(first..<ordinal) }
        start = nil
      } else if start == nil {
        start = ordinal
      }
    }
    if let start { ranges.append(start..<documents) }
    return ranges
  }

  /// For each document the number that it gets where documents that are not deleted are numbered
  /// from `first` on; -1 for a deleted one.
  package func renumbered(from first: Int) -> [Int32] {
    var numbers = [Int32](repeating: -1, count: documents)
    var next = Int32(first)
    for ordinal in 0..<documents where isLive(ordinal) {
      numbers[ordinal] = next
      next += 1
    }
    return numbers
  }

  /// The segment with more of its documents deleted.
  package func without(_ ordinals: some Sequence<Int>) -> IndexSegment {
    var segment = self
    segment.deleted = DeletedDocuments(deleted, and: ordinals, documents: documents)
    // What the files and the manifest say of deleted documents is not of these.
    segment.names = names.filter { !$0.key.hasPrefix(DeletedDocuments.file.name) }
    segment.deletedStatistics = []
    return segment
  }

  /// Gives the memory of all files back; they are read again where they are touched.
  package func discard() {
    for name in names.values { files[name].map { $0.discard($0.bytes) } }
  }

  /// Whether the segment has a file.
  package func has(_ file: IndexFile) -> Bool { names[file.name] != nil }

  /// The tensor of a file.
  ///
  /// - Throws: 65 where the file or the tensor is not there, or of another type or shape than the
  ///   declaration says.
  package func tensor(_ file: IndexFile) throws(Failure) -> IndexTensor {
    guard let name = names[file.name], let mapped = files[name] else {
      throw .data(
        "\(folder)/\(IndexManifest.fileName)", "the manifest does not name \(file.name)")
    }
    let opened = try SafeTensorsFile(mapped)
    let (dimension, kind) = (manifest.source.dimension, manifest.source.schema?.kind)
    let sizes = file.shape.map { $0.size(documents: documents, dimension: dimension, kind: kind) }
    let types = file.types.isEmpty ? manifest.source.element.map { [$0] } ?? [] : file.types
    let entry = opened.entry(file.tensor)
    guard let entry, types.contains(entry.type), entry.shape.count == sizes.count,
      zip(sizes, entry.shape).allSatisfy({ $0 == nil || $0 == $1 })
    else {
      let shape = zip(sizes, file.shape).map { size, extent in size.map { "\($0)" } ?? "\(extent)" }
      let found = entry.map { "\($0.type.rawValue) \($0.shape)" } ?? "none"
      throw .data(
        opened.path,
        "damaged: expected a tensor \(file.tensor) of "
          + "\(types.map(\.rawValue).joined(separator: " or ")) "
          + "[\(shape.joined(separator: ", "))], found \(found)")
    }
    return IndexTensor(file: opened, entry: entry)
  }

  /// The numbers of a file of one dimension.
  ///
  /// - Throws: 65 as `tensor` does.
  package func column<Element: BitwiseCopyable>(
    _ file: IndexFile, as type: Element.Type
  ) throws(Failure) -> MappedColumn<Element> {
    MappedColumn(try tensor(file))
  }

  /// Checks that every declared file is there with its type and shape, and that numbers with one
  /// name are equal.
  ///
  /// - Throws: 65 for the first that is not.
  package func check(_ declared: [IndexFile]) throws(Failure) {
    var counts: [String: Int] = [:]
    let kind = manifest.source.schema?.kind
    for file in declared
    where file.presence.holds(manifest, deletions: deleted != nil) || has(file) {
      let tensor = try tensor(file)
      for (extent, size) in zip(file.shape, tensor.entry.shape) {
        guard let (name, more) = extent.count(kind) else { continue }
        let count = size - more
        guard count >= 0, counts[name, default: count] == count else {
          throw .data(
            tensor.file.path,
            "damaged: \(count) \(name), where other files have \(counts[name] ?? 0)")
        }
        counts[name] = count
      }
    }
    try deleted?.check(folder)
  }
}

/// A tensor of a mapped file.
package struct IndexTensor: Sendable {
  package let file: SafeTensorsFile
  package let entry: SafeTensorsHeader.Entry

  package init(file: SafeTensorsFile, entry: SafeTensorsHeader.Entry) {
    self.file = file
    self.entry = entry
  }

  /// The bytes; they live as long as `file`, and may be unaligned.
  package var bytes: UnsafeRawBufferPointer { file.bytes(entry) }
}

/// Numbers in a mapped file, read where they lie: nothing is copied, so that opening takes the same
/// time whatever their count.
///
/// Unchecked: the pointer leads into a file that `owner` keeps mapped, and nobody writes there.
package struct MappedColumn<Element: BitwiseCopyable>: @unchecked Sendable {
  package let count: Int
  private let base: UnsafeRawPointer?
  private let owner: SafeTensorsFile

  package init(_ tensor: IndexTensor) {
    let bytes = tensor.bytes
    count = bytes.count / MemoryLayout<Element>.stride
    base = bytes.baseAddress
    owner = tensor.file
  }

  /// The number at a place, wherever the header in front of it ends.
  package subscript(index: Int) -> Element {
    precondition(index >= 0 && index < count, "number \(index) of \(count)")
    return base.unsafelyUnwrapped.loadUnaligned(
      fromByteOffset: index * MemoryLayout<Element>.stride, as: Element.self)
  }

  /// The bytes of some numbers.
  package func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "numbers \(range) of \(count)")
    let size = MemoryLayout<Element>.stride
    return UnsafeRawBufferPointer(
      start: base.map { $0 + range.lowerBound * size }, count: range.count * size)
  }
}
