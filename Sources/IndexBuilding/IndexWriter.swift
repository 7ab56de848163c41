import Failures
import Glibc
import IndexFormat
import Streams
import Tensors

/// A folder that becomes an index by one rename, once its manifest is in it.
final class IndexWriter {
  let target: String
  /// Where the files are until then.
  let folder: String
  private let ids: StreamedTensorFile
  private let idOffsets: StreamedTensorFile
  private var idBytes: [UInt8] = []
  private var ends: [Int] = []
  private var names: [String]
  private var isFinished = false
  private var slots: [Int?] = []

  /// Scratch space of builders that need some.
  static let spoolFile = "postings.spool"

  /// - Throws: 73 where the folder cannot be made, or something else than an index is in its place.
  init(_ target: String) throws(Failure) {
    var target = target
    while target.count > 1, target.hasSuffix("/") { target.removeLast() }
    // Behind a link is the folder that is replaced, and its neighbours are on its file system.
    if let resolved = realpath(target, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    self.target = target
    if WholeFile.exists(target), !WholeFile.exists("\(target)/\(IndexManifest.fileName)") {
      throw Failure(
        .cannotCreate, at: target, "there is something here that is not an index",
        hint: "remove it, or choose another name")
    }
    if WholeFile.exists(target) { _ = try IndexReplacement.ownFiles(of: target) }
    let folder = TemporaryName.beside(target)
    self.folder = folder
    guard mkdir(folder, 0o777) == 0 else { throw SystemError.cannotCreate(target) }
    // Every file that may come: what is not there is no harm.
    let files = [
      "", DocumentTable.idsFile, DocumentTable.offsetsFile, DocumentTable.ranksFile,
      FlatFiles.vectors, FlatFiles.scales, SparseFiles.offsets, SparseFiles.documents,
      SparseFiles.weights, Self.spoolFile, IndexManifest.fileName,
    ]
    slots = files.map { SignalCleanup.register($0.isEmpty ? folder : "\(folder)/\($0)") }
    ids = try StreamedTensorFile(
      "\(folder)/\(DocumentTable.idsFile)", name: "ids", type: .u8, columns: nil)
    idOffsets = try StreamedTensorFile(
      "\(folder)/\(DocumentTable.offsetsFile)", name: "id_offsets", type: .i64, columns: nil)
    names = [DocumentTable.idsFile, DocumentTable.offsetsFile, DocumentTable.ranksFile]
    try append(offset: 0)
  }

  deinit {
    if !isFinished { Self.remove(folder) }
    forgetFiles()
  }

  /// From here on a signal removes nothing.
  private func forgetFiles() {
    for slot in slots { SignalCleanup.forget(slot) }
    slots = []
  }

  /// Documents so far.
  var documents: Int { ends.count }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Adds a document's id.
  func append(id: UnsafeRawBufferPointer) throws(Failure) {
    guard ends.count < Int(Int32.max) else {
      throw .data(target, "an index holds at most \(Int32.max) documents; build shards")
    }
    idBytes.append(contentsOf: id)
    ends.append(idBytes.count)
    try ids.append(id)
    try append(offset: idBytes.count)
  }

  /// Adds the ids of an index's documents.
  func append(idsOf index: IndexFolder) throws(Failure) {
    let table = try DocumentTable(index)
    for ordinal in 0..<table.count {
      let id = table.id(ordinal)
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try append(id: UnsafeRawBufferPointer(id))
      }
    }
  }

  private func append(offset: Int) throws(Failure) {
    var failure: Failure?
    withUnsafeBytes(of: Int64(offset).littleEndian) { bytes in
      do throws(Failure) { try idOffsets.append(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Writes the order of the ids and the manifest, and puts the index in its place.
  func finish(_ manifest: IndexManifest, files: [String]) throws(Failure) {
    try ids.finish()
    try idOffsets.finish()
    try writeRanks()
    names += files
    var manifest = manifest
    manifest.files = []
    for name in names.sorted() {
      let path = path(name)
      manifest.files.append(
        IndexManifest.File(
          name: name, size: try OwnedDescriptor.open(reading: path).size(path),
          checksum: try FileDigest.short(path)))
    }
    let output = try ByteWriter(path(IndexManifest.fileName), compression: Compression.none)
    try output.write(manifest.json.indented() + "\n")
    try output.finish()
    // A signal while folders change places must not remove the only index.
    forgetFiles()
    try IndexReplacement.replace(target, by: folder)
    isFinished = true
  }

  /// Places of the ids in bytewise order; two equal ones are an error.
  private func writeRanks() throws(Failure) {
    let order = sortedOrdinals()
    for (a, b) in zip(order, order.dropFirst()) where bytes(a).elementsEqual(bytes(b)) {
      let id = String(decoding: bytes(a), as: UTF8.self)
      throw .data(
        target, "document \(id) occurs twice: as records \(min(a, b)) and \(max(a, b))")
    }
    var ranks = [Int32](repeating: 0, count: order.count)
    for (rank, ordinal) in order.enumerated() { ranks[ordinal] = Int32(rank) }
    let file = try StreamedTensorFile(
      path(DocumentTable.ranksFile), name: "ranks", type: .i32, columns: nil)
    var failure: Failure?
    ranks.withUnsafeBytes { bytes in
      do throws(Failure) { try file.append(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    try file.finish()
  }

  private func bytes(_ ordinal: Int) -> ArraySlice<UInt8> {
    idBytes[(ordinal == 0 ? 0 : ends[ordinal - 1])..<ends[ordinal]]
  }

  private func sortedOrdinals() -> [Int] {
    idBytes.withUnsafeBytes { buffer in
      func id(_ ordinal: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
          rebasing: buffer[(ordinal == 0 ? 0 : ends[ordinal - 1])..<ends[ordinal]])
      }
      return ends.indices.sorted { a, b in
        let (x, y) = (id(a), id(b))
        let count = min(x.count, y.count)
        let order =
          count == 0
          ? 0 : memcmp(x.baseAddress.unsafelyUnwrapped, y.baseAddress.unsafelyUnwrapped, count)
        return order != 0 ? order < 0 : x.count != y.count ? x.count < y.count : a < b
      }
    }
  }

  /// Removes this writer's own folder, which holds plain files alone.
  private static func remove(_ folder: String) {
    for name in IndexReplacement.entries(of: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
}

/// Builds an index from documents that come one by one.
package protocol IndexBuilder {
  /// Adds a record of a stream whose schema the builder was made for.
  mutating func append(_ segment: TensorSegment, _ index: Int) throws(Failure)
  /// Adds all documents of an index of the same form.
  mutating func append(contentsOf index: IndexFolder) throws(Failure)
  /// Finishes the index and puts it in its place; the number of documents.
  mutating func finish() throws(Failure) -> Int
}
