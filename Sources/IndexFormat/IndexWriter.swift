import Failures
import Glibc
import JSON
import Records
import Streams
import Tensors

/// The files of a segment that is being built.
package final class IndexWriter {
  private let workspace: IndexWorkspace
  private let files: SegmentFiles
  private let documentIDs: DocumentIDWriter

  /// A segment of an index that is changed.
  ///
  /// - Throws: 73 where a file cannot be made.
  package init(in workspace: IndexWorkspace) throws(Failure) {
    self.workspace = workspace
    files = SegmentFiles(workspace)
    documentIDs = DocumentIDWriter()
    try documentIDs.open(self)
  }

  /// The only segment of an index.
  ///
  /// - Parameters:
  ///   - target: The folder of the index.
  ///   - originals: The file for its vectors; nil to keep them in the folder.
  /// - Throws: 73 where the folder cannot be made, or something else than an index is in its place.
  package convenience init(_ target: String, originals: String? = nil) throws(Failure) {
    try self.init(in: IndexWorkspace(target, originals: originals))
  }

  /// The folder of the index.
  package var target: String { workspace.target }

  /// Documents so far.
  package var documents: Int { documentIDs.count }

  /// Begins a file of the index: of one of the element types that it may have, which need not be
  /// said where there is one, and in rows of `columns`, if it has rows.
  ///
  /// - Throws: 73 where it cannot be made.
  package func create(
    _ declared: IndexFile, type: ElementType? = nil, columns: Int? = nil
  ) throws(Failure) -> StreamedTensorFile {
    try files.create(declared, type: type, columns: columns)
  }

  /// Keeps the numbers of terms that nothing else says.
  ///
  /// - Throws: 73 and 74 where the file cannot be written.
  package func keep(_ vocabulary: TermVocabulary?) throws(Failure) {
    guard let vocabulary else { return }
    try create(DocumentTable.vocabulary).append(numbers: vocabulary.stored)
  }

  /// Scratch space that is gone with the process.
  ///
  /// - Throws: 73 where it cannot be made.
  package func spool() throws(Failure) -> SpoolFile { try workspace.spool() }

  /// Scratch memory that is gone with the process, in memory or in a file.
  ///
  /// - Throws: 73 and 74 where it cannot be made.
  package func scratch(_ bytes: Int, inMemory: Bool) throws(Failure) -> ScratchMemory {
    try workspace.scratch(bytes, inMemory: inMemory)
  }

  /// Gives the memory of mapped segments back while files are written, so that no more of them stays than
  /// what was read lately.
  package func release(_ segments: [IndexSegment]) { files.origins = segments }

  /// Adds a document's id.
  ///
  /// - Throws: 65 where the index is full.
  package func append(id: UnsafeRawBufferPointer) throws(Failure) {
    guard documents < Int(Int32.max) else {
      throw .data(target, "an index holds at most \(Int32.max) documents; build shards")
    }
    try documentIDs.append(id)
  }

  /// Adds the ids of a segment's documents, but for deleted ones.
  package func append(idsOf segment: IndexSegment) throws(Failure) {
    let table = try DocumentTable(segment)
    for ordinal in 0..<table.count where segment.isLive(ordinal) {
      let id = table.id(ordinal)
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try append(id: UnsafeRawBufferPointer(id))
      }
    }
  }

  /// Finishes all files, writes the manifest of an index of this segment alone, and puts the index in
  /// its place.
  ///
  /// - Throws: 65 where an id occurs twice; 73 and 74 where a file cannot be written or placed.
  package func finish(_ manifest: IndexManifest) throws(Failure) {
    var manifest = manifest
    manifest.segments = [try finishSegment()]
    manifest.documents = documents
    try workspace.put(manifest)
  }

  /// Finishes all files.
  ///
  /// - Throws: 65 where an id occurs twice; 74 where a file cannot be written.
  package func finishSegment() throws(Failure) -> IndexManifest.Segment {
    try documentIDs.finish(self)
    return IndexManifest.Segment(documents: documents, files: try files.finish())
  }
}

/// The ids of an index's documents, as they come and in bytewise order.
private final class DocumentIDWriter {
  private var ids: StreamedTensorFile?
  private var offsets: StreamedTensorFile?
  /// All ids, and where each ends.
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  var count: Int { ends.count }

  func open(_ writer: IndexWriter) throws(Failure) {
    ids = try writer.create(DocumentTable.ids)
    offsets = try writer.create(DocumentTable.offsets)
    try append(offset: 0)
  }

  func append(_ id: UnsafeRawBufferPointer) throws(Failure) {
    bytes.append(contentsOf: id)
    ends.append(bytes.count)
    try ids?.append(id)
    try append(offset: bytes.count)
  }

  private func append(offset: Int) throws(Failure) {
    try offsets?.append(numbers: [Int64(offset).littleEndian])
  }

  /// Writes the order of the ids; two equal ones are an error.
  func finish(_ writer: IndexWriter) throws(Failure) {
    let order = sortedOrdinals()
    for (a, b) in zip(order, order.dropFirst()) where id(a).elementsEqual(id(b)) {
      throw .data(
        writer.target,
        "document \(String(decoding: id(a), as: UTF8.self)) occurs twice: as records "
          + "\(min(a, b)) and \(max(a, b))")
    }
    var ranks = [Int32](repeating: 0, count: order.count)
    for (rank, ordinal) in order.enumerated() { ranks[ordinal] = Int32(rank) }
    try writer.create(DocumentTable.ranks).append(numbers: ranks)
    try writer.create(DocumentTable.order).append(numbers: order.map { Int32($0) })
  }

  private func id(_ ordinal: Int) -> ArraySlice<UInt8> {
    bytes[(ordinal == 0 ? 0 : ends[ordinal - 1])..<ends[ordinal]]
  }

  private func sortedOrdinals() -> [Int] {
    bytes.withUnsafeBytes { buffer in
      func id(_ ordinal: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
          rebasing: buffer[(ordinal == 0 ? 0 : ends[ordinal - 1])..<ends[ordinal]])
      }
      return ends.indices.sorted { a, b in
        let order = ByteOrder.compare(id(a), id(b))
        return order != 0 ? order < 0 : a < b
      }
    }
  }
}
