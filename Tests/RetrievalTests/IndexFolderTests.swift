import Failures
import Glibc
import IndexBuilding
import IndexFormat
import JSON
import Kernels
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Workers

@Suite struct IndexFolderTests {
  private static func flat(_ folder: TemporaryFolder, _ name: String, count: Int = 7) throws {
    try writeStream(
      folder.file(name + ".s"), .dense(.f32, dimension: 2), dimension: 2,
      denseRecords((0..<2 * count).map { Float($0) }, 2))
    try buildIndex(folder.file(name), streams: [folder.file(name + ".s")], kind: .flat)
  }

  @Test func everyChangedByteIsFound() throws {
    let folder = TemporaryFolder()
    try Self.flat(folder, "i")
    try IndexFolder(folder.file("i")).verify()
    for file in try IndexManifest(folder: folder.file("i")).files {
      let path = folder.file("i/\(file.name)")
      let whole = try WholeFile.read(path)
      for place in stride(from: 0, to: whole.count, by: 37) {
        var damaged = whole
        damaged[place] ^= 0x10
        try overwrite(path, damaged)
        #expect(status { try IndexFolder(folder.file("i")).verify() } == .data)
      }
      try overwrite(path, Array(whole.dropLast()))
      #expect(status { _ = try IndexFolder(folder.file("i")) } == .data)
      try overwrite(path, whole)
    }
    try IndexFolder(folder.file("i")).verify()
  }

  @Test func aFolderWithoutManifestIsNoIndex() throws {
    let folder = TemporaryFolder()
    try Self.flat(folder, "i")
    unlink(folder.file("i/manifest.json"))
    #expect(status { _ = try IndexFolder(folder.file("i")) } == .config)
    #expect(status { _ = try IndexFolder(folder.file("none")) } == .noInput)
    // What is no index is not replaced either.
    #expect(status { try Self.flat(folder, "i") } == .cannotCreate)
  }

  @Test func aBuildReplacesAnIndexWholeAndLeavesNothingElse() throws {
    let folder = TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try Self.flat(folder, "i", count: 5)
    #expect(try IndexManifest(folder: folder.file("i")).documents == 5)
    #expect(try names(folder.path) == ["i", "i.s"])
  }

  @Test func aLinkIsFollowedAndOtherFilesStay() throws {
    let folder = TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try write(folder.file("i/notes.txt"), "mine\n")
    mkdir(folder.file("i/more"), 0o777)
    try write(folder.file("i/more/x"), "mine too\n")
    symlink("i", folder.file("link"))
    let old = try contents(folder.file("i"))
    try writeStream(
      folder.file("s"), .dense(.f32, dimension: 2), dimension: 2, denseRecords([1, 2, 3, 4], 2))
    try buildIndex(folder.file("link"), streams: [folder.file("s")], kind: .flat)
    #expect(try names(folder.path) == ["i", "i.s", "link", "s"])
    var info = stat()
    #expect(lstat(folder.file("link"), &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
    #expect(try IndexManifest(folder: folder.file("i")).documents == 2)
    #expect(try contents(folder.file("i")) != old)
    try IndexFolder(folder.file("i")).verify()
    #expect(
      try names(folder.file("i")).filter { !$0.hasSuffix(".safetensors") }
        == ["manifest.json", "more", "notes.txt"])
    #expect(try WholeFile.read(folder.file("i/notes.txt")) == Array("mine\n".utf8))
    #expect(try WholeFile.read(folder.file("i/more/x")) == Array("mine too\n".utf8))
  }

  /// A file of another's that has the name of one of the new index's stays, and so does the index.
  @Test func aFileInTheWayIsNotReplaced() throws {
    let folder = TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try write(folder.file("i/scales.safetensors"), "mine\n")
    try writeStream(
      folder.file("s"), .dense(.i8, dimension: 1), dimension: 1,
      [(Array("a".utf8), 1, [[1], bytes([Float(1)])])])
    #expect(
      status { try buildIndex(folder.file("i"), streams: [folder.file("s")], kind: .flat) }
        == .cannotCreate)
    #expect(try names(folder.path) == ["i", "i.s", "s"])
    try IndexFolder(folder.file("i")).verify()
    // Nor is a folder whose manifest does not say what is the index's.
    try write(folder.file("i/manifest.json"), "{}")
    #expect(status { try Self.flat(folder, "i", count: 2) } == .cannotCreate)
    #expect(try names(folder.file("i")).contains("scales.safetensors"))
  }

  private static func manifest(
    documents: Int = 1, dimension: Int = 1, seed: UInt64 = 1, file: String = "f"
  ) -> IndexManifest {
    IndexManifest(
      kind: .sparse, documents: documents, dimension: dimension, element: .f32,
      stream: StreamDescription(role: .doc), seed: seed,
      files: [IndexManifest.File(name: file, size: 1, checksum: "0")])
  }

  @Test(arguments: [0, 42, UInt64(Int.max), UInt64(Int.max) + 1, .max] as [UInt64])
  func everySeedReturns(seed: UInt64) throws {
    let folder = TemporaryFolder()
    try write(folder.file("manifest.json"), Self.manifest(seed: seed).json.indented())
    #expect(try IndexManifest(folder: folder.path).seed == seed)
  }

  @Test func numbersOutOfRange() throws {
    let folder = TemporaryFolder()
    func status(_ manifest: JSON) throws -> Failures.ExitStatus? {
      try write(folder.file("manifest.json"), manifest.indented())
      return RetrievalTests.status { _ = try IndexManifest(folder: folder.path) }
    }
    #expect(try status(Self.manifest().json) == nil)
    for documents in [-1, Int(Int32.max) + 1, .max] {
      #expect(try status(Self.manifest(documents: documents).json) == .data)
    }
    for dimension in [-1, 0, (1 << 24) + 1, .max] {
      #expect(try status(Self.manifest(dimension: dimension).json) == .data)
    }
    for name in ["", ".", "..", "../x"] {
      #expect(try status(Self.manifest(file: name).json) == .data)
    }
    for seed in [JSON.integer(-1), .string("-1"), .double(1e30), .null] {
      var members = Self.manifest().json.members ?? []
      members.removeAll { $0.key == "xxh3" }
      for i in members.indices where members[i].key == "seed" { members[i].value = seed }
      let text = JSON.object(members).serialized(sortingKeys: true)
      members.append(
        JSON.Member("xxh3", .string(Checksum.hex(Checksum.xxh3(Array(text.utf8))))))
      #expect(try status(.object(members)) == .data)
    }
  }

  /// A signal ends a process that builds two indexes: of both nothing is left.
  @Test func aSignalLeavesNoFolder() async throws {
    let folder = TemporaryFolder()
    try Self.flat(folder, "i", count: 2)
    await #expect(processExitsWith: .signal(SIGTERM)) { [path = folder.path as String] in
      SignalCleanup.install()
      var description = StreamDescription(role: .doc)
      description.dim = 2
      let flat = try FlatIndexBuilder(
        path + "/i", schema: .dense(.i8, dimension: 2), description: description, seed: 1)
      let sparse = try SparseIndexBuilder(
        path + "/s", dimension: 2, description: description, seed: 1)
      guard try names(path).count(where: { $0.contains(".tmp.") }) == 2 else { exit(1) }
      withExtendedLifetime((flat, sparse)) { _ = raise(SIGTERM) }
    }
    #expect(try names(folder.path) == ["i", "i.s"])
    #expect(try IndexManifest(folder: folder.file("i")).documents == 2)
  }

  @Test func repeatedIdsAreAnError() throws {
    let folder = TemporaryFolder()
    let record = (id: Array("a".utf8), items: 1, columns: [bytes([Float(1), 2])])
    try writeStream(
      folder.file("s"), .dense(.f32, dimension: 2), dimension: 2, [record, record])
    #expect(
      status { try buildIndex(folder.file("i"), streams: [folder.file("s")], kind: .flat) } == .data
    )
    #expect(try names(folder.path) == ["s"])
  }

  /// Shards that were indexed apart and merged are the index of the whole.
  @Test(arguments: [IndexManifest.Kind.flat, .sparse])
  func mergedShardsAreTheWhole(kind: IndexManifest.Kind) throws {
    let folder = TemporaryFolder()
    let records: [(id: [UInt8], items: Int, columns: [[UInt8]])] = (0..<23).map { row in
      kind == .flat
        ? (descendingID(row * 7 % 23), 1, [bytes([Float(row), 1])])
        : (
          descendingID(row * 7 % 23), 2,
          [bytes([Int32(row % 5), Int32(6 + row % 3)]), bytes([Float(row), 0.5])]
        )
    }
    let schema: StreamSchema = kind == .flat ? .dense(.f32, dimension: 2) : .sparse
    let dimension = kind == .flat ? 2 : 10
    try writeStream(folder.file("whole.s"), schema, dimension: dimension, records)
    try buildIndex(folder.file("whole"), streams: [folder.file("whole.s")], kind: kind)
    for (i, range) in [0..<5, 5..<5, 5..<23].enumerated() {
      try writeStream(
        folder.file("\(i).s"), schema, dimension: dimension, shard: "\(i + 1)/3",
        Array(records[range]))
      try buildIndex(folder.file("\(i)"), streams: [folder.file("\(i).s")], kind: kind)
    }
    let parts = try (0..<3).map { try IndexFolder(folder.file("\($0)")) }
    var description = parts[0].manifest.stream
    description.shard = nil
    var builder: any IndexBuilder =
      kind == .flat
      ? try FlatIndexBuilder(
        folder.file("merged"), schema: schema, description: description, seed: 42)
      : try SparseIndexBuilder(
        folder.file("merged"), dimension: dimension, description: description, seed: 42)
    for part in parts { try builder.append(contentsOf: part) }
    #expect(try builder.finish() == 23)
    #expect(try contents(folder.file("merged")) == contents(folder.file("whole")))
    try buildIndex(
      folder.file("again"), streams: (0..<3).map { folder.file("\($0).s") }, kind: kind)
    #expect(try contents(folder.file("again")) == contents(folder.file("whole")))
  }
}

@Suite struct TopDocumentsTests {
  /// Any order of insertion, and any split, gives the first of the sorted list.
  @Test func equalsSorting() {
    var random = CounterRandom(seed: 7)
    for size in [1, 2, 10, 100] {
      let entries = (0..<300).map { ordinal in
        TopDocuments.Entry(
          score: Float(Int(random.next() % 20)), rank: Int32(ordinal), ordinal: Int32(ordinal))
      }
      let sorted = entries.sorted { $0.score != $1.score ? $0.score > $1.score : $0.rank > $1.rank }
      var parts = [TopDocuments(size), TopDocuments(size), TopDocuments(size)]
      for entry in entries.shuffled(using: &random) { parts[Int(random.next() % 3)].insert(entry) }
      var merged = TopDocuments(size)
      for part in parts { merged.insert(part) }
      #expect(merged.sorted == Array(sorted.prefix(size)))
    }
  }
}
