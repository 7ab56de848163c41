import Failures
import Glibc
import JSON
import Records
import Streams
import Tensors

/// The files of an index that is being built, in a folder of their own until all are whole.
///
/// The folder stands beside the place of a new index, and in the folder of an index that is to be
/// replaced, which may be the root of a file system.
package final class IndexWriter {
  package let target: String
  /// Where the files are until then.
  private let folder: String
  private let replaces: Bool
  /// Says that the folder is in use.
  private let lock: FolderLock
  private let documentIDs: DocumentIDWriter
  private var files: [(declared: IndexFile, file: StreamedTensorFile)] = []
  private var cleanup: [Signals.Token] = []
  private let parents: MadeFolders
  private var isFinished = false

  /// - Throws: 73 where the folder cannot be made, or something else than an index is in its place.
  package init(_ target: String) throws(Failure) {
    var target = target
    while target.count > 1, target.hasSuffix("/") { target.removeLast() }
    // Behind a link is the folder that is replaced, and its neighbours are on its file system.
    target = try PathName.behindLinks(target)
    self.target = target
    replaces = WholeFile.exists(target)
    if replaces {
      guard WholeFile.exists("\(target)/\(IndexManifest.fileName)") else {
        throw Failure(
          .cannotCreate, at: target, "there is something here that is not an index",
          hint: "remove it, or choose another name")
      }
      _ = try IndexReplacement.ownFiles(of: target)
    }
    let folder = TemporaryName.beside(
      replaces ? "\(target)/\(IndexReplacement.temporary)" : target)
    self.folder = folder
    documentIDs = DocumentIDWriter()
    IndexReplacement.sweep(beside: target)
    parents = try MadeFolders(above: target)
    cleanup = [Signals.register(folder)]
    guard mkdir(folder, 0o777) == 0 else { throw SystemError.cannotCreate(target) }
    lock = try FolderLock(claiming: folder)
    try documentIDs.open(self)
  }

  deinit {
    if !isFinished { Self.remove(folder) }
    forgetFiles()
  }

  /// From here on a signal removes nothing.
  private func forgetFiles() {
    for token in cleanup { Signals.forget(token) }
    cleanup = []
  }

  /// Documents so far.
  package var documents: Int { documentIDs.count }

  /// Begins a file of the index: of one of the element types that it may have, which need not be
  /// said where there is one, and in rows of `columns`, if it has rows.
  ///
  /// - Throws: 73 where it cannot be made.
  package func create(
    _ declared: IndexFile, type: ElementType? = nil, columns: Int? = nil
  ) throws(Failure) -> StreamedTensorFile {
    guard let type = type ?? declared.types.first else {
      preconditionFailure("\(declared.name): of what type?")
    }
    precondition(
      declared.types.isEmpty || declared.types.contains(type),
      "\(declared.name) of \(type.rawValue)"
    )
    precondition(declared.shape.count == (columns == nil ? 1 : 2), "shape of \(declared.name)")
    let file = try StreamedTensorFile(
      place(declared.name + IndexReplacement.suffix), name: declared.tensor, type: type,
      columns: columns)
    files.append((declared, file))
    return file
  }

  /// Scratch space that is gone with the process.
  ///
  /// - Throws: 73 where it cannot be made.
  package func spool() throws(Failure) -> SpoolFile { try SpoolFile("\(folder)/spool") }

  /// A path in the folder, which is removed with it; registered before there is anything.
  private func place(_ name: String) -> String {
    let path = "\(folder)/\(name)"
    cleanup.append(Signals.register(path))
    return path
  }

  /// Adds a document's id.
  ///
  /// - Throws: 65 where the index is full.
  package func append(id: UnsafeRawBufferPointer) throws(Failure) {
    guard documents < Int(Int32.max) else {
      throw .data(target, "an index holds at most \(Int32.max) documents; build shards")
    }
    try documentIDs.append(id)
  }

  /// Adds the ids of a segment's documents.
  package func append(idsOf segment: IndexSegment) throws(Failure) {
    let table = try DocumentTable(segment)
    for ordinal in 0..<table.count {
      let id = table.id(ordinal)
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try append(id: UnsafeRawBufferPointer(id))
      }
    }
  }

  /// Finishes all files, writes the manifest, and puts the index in its place.
  ///
  /// - Throws: 65 where an id occurs twice; 73 and 74 where a file cannot be written or placed.
  package func finish(_ manifest: IndexManifest) throws(Failure) {
    try documentIDs.finish(self)
    var manifest = manifest
    manifest.documents = documents
    var names: [String: String] = [:]
    manifest.files = []
    for (declared, file) in files {
      try file.finish()
      let path = "\(folder)/\(declared.name)\(IndexReplacement.suffix)"
      let checksum = try FileDigest.short(path)
      let name = IndexReplacement.placed(declared.name, checksum: checksum)
      let size = try OwnedDescriptor.open(reading: path).size(path)
      cleanup.append(Signals.register("\(folder)/\(name)"))
      guard rename(path, "\(folder)/\(name)") == 0 else { throw SystemError.cannotCreate(path) }
      names[declared.name] = name
      manifest.files.append(IndexManifest.File(name: name, size: size, checksum: checksum))
    }
    manifest.files.sort { $0.name < $1.name }
    manifest.segments = [IndexManifest.Segment(documents: documents, files: names)]
    try put(manifest)
    isFinished = true
  }

  private func put(_ manifest: IndexManifest) throws(Failure) {
    let output = try ByteWriter(
      place(IndexManifest.fileName), compression: Compression.none)
    try output.write(manifest.json.indented() + "\n")
    try output.finish()
    // A signal while files change places must not remove what is placed.
    forgetFiles()
    parents.keep()
    guard replaces else { return try IndexReplacement.create(target, from: folder) }
    try IndexReplacement.replace(target, from: folder, manifest.files.map(\.name))
    Self.remove(folder)
  }

  /// Removes this writer's own folder, which holds plain files alone.
  private static func remove(_ folder: String) {
    for name in IndexReplacement.entries(of: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
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
