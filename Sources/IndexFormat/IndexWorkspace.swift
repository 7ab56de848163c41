import Failures
import Glibc
import JSON
import Streams
import Tensors

/// The new files of an index, in a folder of their own until all are whole.
///
/// The folder stands beside the place of a new index, and in the folder of an index that is to be
/// replaced or changed, which may be the root of a file system.
package final class IndexWorkspace {
  /// The folder of the index, behind links.
  package let target: String
  /// Where the files are until then.
  private let folder: String
  private let replaces: Bool
  /// The manifest that a change starts from, which nobody else may have changed meanwhile; nil for an
  /// index that is replaced whatever it is.
  private let base: [UInt8]?
  /// The lease of `target`, of a change of it.
  private let targetLease: Lease?
  /// Says that the folder is in use.
  private let lease: Lease
  private var cleanup: [Signals.Token] = []
  private let parents: MadeFolders
  private var isFinished = false
  /// Files that are whole.
  private var files: [IndexManifest.File] = []
  /// Where vectors go that are not to lie in the folder; nil for none.
  private(set) var originals: OriginalsWorkspace?

  /// - Parameters:
  ///   - target: Folder of the index.
  ///   - base: The manifest that a change starts from.
  ///   - lease: The lease of the index that is changed, since before `base` was read.
  ///   - originals: The file for the vectors of a new index, as the user named it; nil to keep them in
  ///     the folder. A changed index has them where they were.
  /// - Throws: 73 where the folder cannot be made, or something else than an index is in its place; 64
  ///   and 73 for a file that vectors cannot go to.
  package init(
    _ target: String, changing base: [UInt8]? = nil, under lease: Lease? = nil,
    originals: String? = nil
  ) throws(Failure) {
    // Behind a link is the folder that is replaced, and its neighbours are on its file system.
    self.target = try Self.resolved(target)
    self.base = base
    targetLease = lease
    replaces = try Self.replaces(self.target)
    folder = TemporaryName.beside(
      replaces ? "\(self.target)/\(IndexReplacement.temporary)" : self.target)
    IndexReplacement.sweep(beside: self.target)
    parents = try MadeFolders(above: self.target)
    let target = self.target
    self.originals = try originals.map { given throws(Failure) in
      try OriginalsWorkspace(given: given, for: target)
    }
    if let base, let recorded = try IndexManifest(base, target).originals {
      self.originals = OriginalsWorkspace(OriginalsFile(recorded, of: target))
    }
    cleanup = [Signals.register(folder)]
    guard mkdir(folder, 0o777) == 0 else { throw SystemError.cannotCreate(self.target) }
    do throws(Failure) {
      self.lease = try Lease(claiming: Lease.path(in: folder), for: self.target)
    } catch {
      rmdir(folder)
      throw error
    }
  }

  deinit {
    if !isFinished { remove() }
    forgetFiles()
  }

  /// Whether an index at this place would replace one.
  ///
  /// - Throws: 73 where something else is there.
  package static func replaces(_ target: String) throws(Failure) -> Bool {
    let target = try resolved(target)
    guard WholeFile.exists(target) else { return false }
    guard WholeFile.exists("\(target)/\(IndexManifest.fileName)") else {
      throw Failure(
        .cannotCreate, at: target, "there is something here that is not an index",
        hint: "remove it, or choose another name")
    }
    _ = try IndexReplacement.ownFiles(of: target)
    return true
  }

  /// The folder of an index, behind links and without a slash at its end.
  static func resolved(_ target: String) throws(Failure) -> String {
    var target = target
    while target.count > 1, target.hasSuffix("/") { target.removeLast() }
    return try PathName.behindLinks(target)
  }

  /// From here on a signal removes nothing.
  private func forgetFiles() {
    for token in cleanup { Signals.forget(token) }
    cleanup = []
  }

  /// Scratch space that is gone with the process.
  ///
  /// - Throws: 73 where it cannot be made.
  package func spool() throws(Failure) -> SpoolFile { try SpoolFile("\(folder)/spool") }

  /// Scratch memory that is gone with the process, where it is not in memory in a file of the folder.
  ///
  /// - Throws: 73 and 74 where it cannot be made.
  package func scratch(_ bytes: Int, inMemory: Bool) throws(Failure) -> ScratchMemory {
    inMemory ? try ScratchMemory(bytes) : try ScratchMemory(bytes, file: "\(folder)/scratch")
  }

  /// A path in the folder, which is removed with it; registered before there is anything.
  func place(_ name: String) -> String {
    let path = "\(folder)/\(name)"
    cleanup.append(Signals.register(path))
    return path
  }

  /// Takes a whole file into the index.
  ///
  /// - Parameters:
  ///   - name: What it is, such as `documents.ranks`.
  ///   - path: Where it is in the folder.
  ///   - content: The digest of vectors that do not go into the folder; nil of what does.
  /// - Returns: The name that it gets.
  /// - Throws: 74 where it cannot be read.
  func take(_ name: String, _ path: String, content: String? = nil) throws(Failure) -> String {
    let (checksum, blocks) = try FileDigest.blocks(path)
    let placed = IndexReplacement.placed(name, checksum: checksum)
    let size = try OwnedDescriptor.open(reading: path).size(path)
    if let content {
      var file = IndexManifest.File(name: placed, size: size, checksum: checksum, blocks: blocks)
      file.elsewhere = originals?.take(path, as: file, content)
      if !files.contains(file) { files.append(file) }
      return placed
    }
    cleanup.append(Signals.register("\(folder)/\(placed)"))
    guard Glibc.rename(path, "\(folder)/\(placed)") == 0 else {
      throw SystemError.cannotCreate(path)
    }
    // Two segments may have the same file.
    if !files.contains(where: { $0.name == placed }) {
      files.append(
        IndexManifest.File(name: placed, size: size, checksum: checksum, blocks: blocks))
    }
    return placed
  }

  /// Writes the manifest, and puts the index in its place.
  ///
  /// - Parameters:
  ///   - manifest: The new one; which files it has is found out here.
  ///   - earlier: Files that were there before.
  /// - Throws: 73 and 74 where a file cannot be written or placed; 75 where another process changed
  ///   the index meanwhile.
  package func put(
    _ manifest: IndexManifest, earlier: [IndexManifest.File] = []
  ) throws(Failure) {
    // Two that replace one index do so one after the other, with what lies outside of its folder.
    let waited = replaces && targetLease == nil ? try IndexReplacement.lease(of: target) : nil
    let placing = targetLease ?? waited
    defer { waited?.release() }
    try placing?.check()
    var manifest = manifest
    let named = Set(manifest.segments.flatMap(\.files.values))
    let new = files.filter { named.contains($0.name) }
    let names = Set(new.map(\.name))
    manifest.files = new + earlier.filter { named.contains($0.name) && !names.contains($0.name) }
    manifest.files.sort { $0.name < $1.name }
    let output = try ByteWriter(
      place(IndexManifest.fileName), compression: Compression.none)
    try output.write(manifest.json.indented() + "\n")
    try output.finish()
    let old = (try? IndexManifest(folder: target))?.files ?? []
    // A signal while files change places must not remove what is placed.
    forgetFiles()
    parents.keep()
    let left = OriginalsWorkspace.left(for: originals, of: target, old)
    do throws(Failure) {
      if replaces, !left.isEmpty {
        try IndexReplacement.write(left, to: "\(folder)/\(IndexReplacement.leaving)")
        OriginalsWorkspace.announce(leaving: left, of: target, old)
      }
      try originals?.place(new, before: old)
      let names = new.filter { $0.elsewhere == nil }.map(\.name).sorted()
      try rename(manifest, names, under: placing, before: old)
    } catch {
      originals?.takeBack()
      OriginalsWorkspace.finish(leaving: left, of: target)
      throw error
    }
  }

  /// Puts the files in their place.
  ///
  /// - Parameters:
  ///   - manifest: The new one.
  ///   - new: Names of those that go into the folder.
  ///   - placing: The lease of an index that is replaced or changed.
  ///   - old: The files that its manifest names.
  /// - Throws: As `put` does.
  private func rename(
    _ manifest: IndexManifest, _ new: [String], under placing: Lease?,
    before old: [IndexManifest.File]
  ) throws(Failure) {
    if !replaces {
      // The folder gets its name without it; nobody takes a young one for abandoned.
      if !lease.release() { try lease.check() }
      if try IndexReplacement.create(target, from: folder) {
        return settle(manifest, before: old)
      }
      if originals != nil {
        // The vectors of both would lie at one place.
        throw Failure(.cannotCreate, at: target, "another build made an index there meanwhile")
      }
    } else {
      try lease.check()
    }
    // Another build of a new index may have been faster: the last one counts, as of two that replace one.
    let held = if let placing { placing } else { try IndexReplacement.lease(of: target) }
    defer { if placing == nil { held.release() } }
    let there = placing == nil ? (try? IndexManifest(folder: target))?.files ?? [] : old
    try IndexReplacement.replace(
      target, from: folder, new,
      keeping: manifest.files.filter { $0.elsewhere == nil }.map(\.name), changing: base,
      under: held)
    settle(manifest, before: there)
    remove()
  }

  private func settle(_ manifest: IndexManifest, before old: [IndexManifest.File]) {
    isFinished = true
    OriginalsWorkspace.settle(originals, of: target, manifest.files, before: old)
  }

  /// Removes what changes of the index that were killed left in its folder.
  func sweep(keeping files: [IndexManifest.File]) {
    IndexReplacement.removeOld(target, [], keeping: Set(files.map(\.name)), folder)
    OriginalsWorkspace.settle(originals, of: target, files, before: [])
  }

  /// Removes the folder, which holds plain files alone.
  private func remove() {
    lease.release()
    for name in IndexReplacement.entries(of: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
}

/// Files of a segment that are being written.
package final class SegmentFiles {
  private let workspace: IndexWorkspace
  private var files: [(declared: IndexFile, file: StreamedTensorFile)] = []
  /// What the files are made of; its memory is given back whenever so many bytes were written.
  var origins: [IndexSegment] = []
  private static let period = 32 << 20
  private var unreleased = 0

  package init(_ workspace: IndexWorkspace) { self.workspace = workspace }

  private func noteWritten(_ bytes: Int) {
    unreleased += bytes
    if origins.isEmpty || unreleased < Self.period { return }
    unreleased = 0
    for segment in origins { segment.discard() }
  }

  /// Begins a file: of one of the element types that it may have, which need not be said where there
  /// is one, and in rows of `columns`, if it has rows.
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
    let originals = declared.mayLieElsewhere ? workspace.originals : nil
    let file = try StreamedTensorFile(
      originals?.temporary() ?? workspace.place(declared.name + IndexReplacement.suffix),
      name: declared.tensor, type: type, columns: columns, namesContent: originals != nil)
    file.noteWritten = { [weak self] in self?.noteWritten($0) }
    files.append((declared, file))
    return file
  }

  /// Finishes all files.
  ///
  /// - Returns: Names in the folder by what the files are.
  /// - Throws: 74 where a file cannot be written.
  package func finish() throws(Failure) -> [String: String] {
    var names: [String: String] = [:]
    for (declared, file) in files {
      try file.finish()
      names[declared.name] = try workspace.take(
        declared.name, file.path, content: file.content)
    }
    return names
  }
}
