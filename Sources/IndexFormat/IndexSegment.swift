import Failures
import Tensors

/// Documents of an index that were added together, with their files.
package struct IndexSegment: Sendable {
  /// The index's folder.
  package let folder: String
  /// The manifest of the whole index.
  package let manifest: IndexManifest
  /// Number of the segment's documents.
  package let documents: Int
  /// The file of deleted documents is not read by this release.
  package let hasDeleted: Bool
  private let names: [String: String]
  private let files: [String: MappedFile]

  init(
    folder: String, manifest: IndexManifest, _ segment: IndexManifest.Segment,
    _ files: [String: MappedFile]
  ) {
    self.folder = folder
    self.manifest = manifest
    documents = segment.documents
    hasDeleted = segment.deleted != nil
    names = segment.files
    self.files = files
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
    let sizes = file.shape.map {
      $0.size(documents: documents, dimension: manifest.source.dimension)
    }
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
    for file in declared where file.presence.holds(manifest) || has(file) {
      let tensor = try tensor(file)
      for (extent, size) in zip(file.shape, tensor.entry.shape) {
        guard case .count(let name, let more) = extent else { continue }
        let count = size - more
        guard count >= 0, counts[name, default: count] == count else {
          throw .data(
            tensor.file.path,
            "damaged: \(count) \(name), where other files have \(counts[name] ?? 0)")
        }
        counts[name] = count
      }
    }
  }
}

/// A tensor of a mapped file.
package struct IndexTensor: Sendable {
  package let file: SafeTensorsFile
  package let entry: SafeTensorsHeader.Entry

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

  init(_ tensor: IndexTensor) {
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
