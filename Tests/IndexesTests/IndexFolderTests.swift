import Failures
import Glibc
import IndexFormat
import Indexes
import JSON
import Kernels
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

@Suite struct IndexFolderTests {
  private static func flat(_ folder: TemporaryFolder, _ name: String, count: Int = 7) throws {
    try writeStream(
      folder(name + ".s"), .dense(.f32, dimension: 2), dimension: 2,
      denseRecords((0..<2 * count).map { Float($0) }, 2))
    try buildIndex(folder(name), streams: [folder(name + ".s")])
  }

  @Test func everyChangedByteIsFound() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i")
    try IndexFolder(folder("i")).verify()
    for file in try IndexManifest(folder: folder("i")).files {
      let path = folder("i/\(file.name)")
      let whole = try WholeFile.read(path)
      for place in stride(from: 0, to: whole.count, by: 37) {
        var damaged = whole
        damaged[place] ^= 0x10
        try overwrite(path, damaged)
        #expect(status { try IndexFolder(folder("i")).verify() } == .data)
      }
      try overwrite(path, Array(whole.dropLast()))
      #expect(status { _ = try IndexFolder(folder("i")) } == .data)
      try overwrite(path, whole)
    }
    try IndexFolder(folder("i")).verify()
  }

  @Test func aFolderWithoutManifestIsNoIndex() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i")
    unlink(folder("i/manifest.json"))
    #expect(status { _ = try IndexFolder(folder("i")) } == .config)
    #expect(status { _ = try IndexFolder(folder("none")) } == .noInput)
    // What is no index is not replaced either.
    #expect(status { try Self.flat(folder, "i") } == .cannotCreate)
  }

  @Test func aBuildReplacesAnIndexWholeAndLeavesNothingElse() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try Self.flat(folder, "i", count: 5)
    #expect(try IndexManifest(folder: folder("i")).documents == 5)
    #expect(try names(folder.path) == ["i", "i.s"])
  }

  @Test func aLinkIsFollowedAndOtherFilesStay() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try write(folder("i/notes.txt"), "mine\n")
    mkdir(folder("i/more"), 0o777)
    try write(folder("i/more/x"), "mine too\n")
    symlink("i", folder("link"))
    let old = try contents(folder("i"))
    try writeStream(
      folder("s"), .dense(.f32, dimension: 2), dimension: 2, denseRecords([1, 2, 3, 4], 2))
    try buildIndex(folder("link"), streams: [folder("s")])
    #expect(try names(folder.path) == ["i", "i.s", "link", "s"])
    var info = stat()
    #expect(lstat(folder("link"), &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
    #expect(try IndexManifest(folder: folder("i")).documents == 2)
    #expect(try contents(folder("i")) != old)
    try IndexFolder(folder("i")).verify()
    #expect(
      try names(folder("i")).filter { !$0.hasSuffix(".safetensors") }
        == ["manifest.json", "more", "notes.txt"])
    #expect(try WholeFile.read(folder("i/notes.txt")) == Array("mine\n".utf8))
    #expect(try WholeFile.read(folder("i/more/x")) == Array("mine too\n".utf8))
  }

  /// A folder of links to another index becomes one of its own; the other one stays as it was.
  @Test func linksAreReplacedThemselves() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    mkdir(folder("links"), 0o777)
    for name in try names(folder("i")) { symlink(folder("i/\(name)"), folder("links/\(name)")) }
    let before = try contents(folder("i"))
    try Self.flat(folder, "links", count: 5)
    #expect(try contents(folder("i")) == before)
    try IndexFolder(folder("i")).verify()
    #expect(try IndexManifest(folder: folder("links")).documents == 5)
    #expect(try names(folder("links")).count == 6)
  }

  /// A file of another's stays, whatever it is called; a folder whose manifest does not say what is
  /// the index's is not replaced.
  @Test func filesOfOthersStay() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try write(folder("i/vectors.safetensors"), "mine\n")
    try write(folder("i/vectors.0123456789abcdef.safetensors"), "mine too\n")
    try Self.flat(folder, "i", count: 2)
    try IndexFolder(folder("i")).verify()
    #expect(try WholeFile.read(folder("i/vectors.safetensors")) == Array("mine\n".utf8))
    #expect(
      try WholeFile.read(folder("i/vectors.0123456789abcdef.safetensors"))
        == Array("mine too\n".utf8))
    try write(folder("i/manifest.json"), "{}")
    #expect(status { try Self.flat(folder, "i", count: 2) } == .cannotCreate)
  }

  /// The name that a new file would get, with another content: whoever put it there keeps it.
  @Test func aFileInTheWayIsNotReplaced() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try Self.flat(folder, "other", count: 2)
    let name = try #require(
      try IndexManifest(folder: folder("other")).segments[0].files["vectors"])
    try write(folder("i/\(name)"), "mine\n")
    #expect(status { try Self.flat(folder, "i", count: 2) } == .cannotCreate)
    #expect(try WholeFile.read(folder("i/\(name)")) == Array("mine\n".utf8))
    try IndexFolder(folder("i")).verify()
    #expect(try IndexManifest(folder: folder("i")).documents == 3)
  }

  /// Files of a replacement that was killed before it wrote its manifest are removed by the next one.
  @Test func whatAKillLeftIsSweptByTheNextReplacement() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    try Self.flat(folder, "killed", count: 5)
    for file in try IndexManifest(folder: folder("killed")).files {
      #expect(rename(folder("killed/\(file.name)"), folder("i/\(file.name)")) == 0)
    }
    try IndexFolder(folder("i")).verify()
    try Self.flat(folder, "i", count: 4)
    try Self.flat(folder, "fresh", count: 4)
    #expect(try names(folder("i")) == names(folder("fresh")))
    #expect(try contents(folder("i")) == contents(folder("fresh")))
  }

  /// A reader that has opened an index goes on with it after it was replaced.
  @Test func aReaderKeepsTheIndexThatItOpened() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    let old = try openIndex(folder("i"))
    try Self.flat(folder, "i", count: 5)
    #expect(old.documents.count == 3)
    let found = try old.search(
      SearchRequest(ids: [[1]], queries: .dense([1, 1], dimension: 2), k: 10))
    #expect(found[0].map(\.ordinal) == [2, 1, 0])
    #expect(try openIndex(folder("i")).documents.count == 5)
  }

  /// Whoever opens an index while it is replaced finds the old or the new one, and both are whole.
  @Test func openingWhileItIsReplaced() throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 3)
    for count in [3, 5] {
      try writeStream(
        folder("\(count).s"), .dense(.f32, dimension: 2), dimension: 2,
        denseRecords((0..<2 * count).map { Float($0) }, 2))
    }
    let pool = WorkerPool(threads: 3)
    let found = Results<Set<Int>>(3)
    let (target, streams) = (folder("i"), [folder("3.s"), folder("5.s")])
    try pool.forEach(3) { index, _ throws(Failure) in
      var counts: Set<Int> = []
      for round in 0..<40 {
        if index == 0 {
          let build = IndexBuild(
            target, type: nil, of: IndexTypes.all,
            IndexWork(Kernels(), WorkerPool(threads: 1)))
          _ = try build.run(.streams([streams[round % 2]]))
        } else {
          let index = try IndexFolder(target)
          try index.verify()
          counts.insert(try DocumentTable(index.segments[0]).count)
        }
      }
      found.set(index, counts)
    }
    #expect(found.take(1).union(found.take(2)).isSubset(of: [3, 5]))
    #expect(try names(folder("i")).count == 6)
  }

  private static func manifest(
    documents: Int = 1, dimension: Int = 1, seed: UInt64 = 1, file: String = "f"
  ) -> IndexManifest {
    var description = StreamDescription(role: .doc)
    description.dim = dimension
    return IndexManifest(
      type: "sparse", documents: documents, source: IndexSource(.vectors(.sparse), description),
      seed: seed,
      segments: [IndexManifest.Segment(documents: documents, files: ["documents": file])],
      files: [IndexManifest.File(name: file, size: 1, checksum: "0")])
  }

  @Test(arguments: [0, 42, UInt64(Int.max), UInt64(Int.max) + 1, .max] as [UInt64])
  func everySeedReturns(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    try write(folder("manifest.json"), Self.manifest(seed: seed).json.indented())
    #expect(try IndexManifest(folder: folder.path).seed == seed)
  }

  /// Writes a manifest with some members changed, under a checksum that fits; the status that
  /// reading it ends with.
  private static func statusChanging(
    _ folder: TemporaryFolder, _ manifest: JSON, changing changes: [String: JSON?] = [:]
  ) throws -> Failures.ExitStatus? {
    var members = (manifest.members ?? []).filter { $0.key != "xxh3" && changes[$0.key] == nil }
    for (key, value) in changes {
      if let value { members.append(JSON.Member(key, value)) }
    }
    let text = JSON.object(members).serialized(sortingKeys: true)
    members.append(JSON.Member("xxh3", .string(Checksum.hex(Checksum.xxh3(Array(text.utf8))))))
    try write(folder("manifest.json"), JSON.object(members).indented())
    return IndexesTests.status { _ = try IndexManifest(folder: folder.path) }
  }

  @Test func membersOutOfRange() throws {
    let folder = try TemporaryFolder()
    #expect(try Self.statusChanging(folder, Self.manifest().json) == nil)
    for documents in [-1, Int(Int32.max) + 1, .max] {
      #expect(try Self.statusChanging(folder, Self.manifest(documents: documents).json) == .data)
    }
    for dimension in [-1, 0, (1 << 24) + 1, .max] {
      #expect(try Self.statusChanging(folder, Self.manifest(dimension: dimension).json) == .data)
    }
    for name in ["", ".", "..", "../x"] {
      #expect(try Self.statusChanging(folder, Self.manifest(file: name).json) == .data)
    }
    let changes: [(String, JSON?)] = [
      ("seed", .integer(-1)), ("seed", .string("-1")), ("seed", .double(1e30)), ("seed", .null),
      (
        "source",
        .object([
          JSON.Member("kind", .string("dense")),
          JSON.Member(
            "columns",
            .array([
              .object([
                JSON.Member("name", .string("embeddings")), JSON.Member("type", .string("F32")),
                JSON.Member("width", .integer(7)), JSON.Member("ragged", .bool(false)),
              ])
            ])),
        ])
      ),
      (
        "source",
        .object([JSON.Member("kind", .string("sparse")), JSON.Member("columns", .array([]))])
      ), ("type", nil), ("source", nil), ("source", .object([])), ("dim", nil),
      ("parameters", nil), ("parameters", .array([])), ("statistics", nil), ("segments", nil),
      ("segments", .array([])), ("files", .array([])), ("documents", .integer(2)),
      (
        "segments",
        .array([
          .object([
            JSON.Member("documents", .integer(1)),
            JSON.Member("files", .object([JSON.Member("documents", .string("g"))])),
          ])
        ])
      ),
    ]
    for (key, value) in changes {
      #expect(
        try Self.statusChanging(folder, Self.manifest().json, changing: [key: value]) == .data,
        "\(key) \(value?.serialized() ?? "missing")")
    }
    #expect(
      try Self.statusChanging(folder, Self.manifest().json, changing: ["format": .integer(3)])
        == .config)
  }

  /// Every member of a manifest is read back as it was written, even if this release lacks the type.
  @Test func everyMemberReturns() throws {
    let folder = try TemporaryFolder()
    var description = StreamDescription(role: .doc)
    description.by = #"[{"tool":"x"}]"#
    description.shard = "2/3"
    let analyzer = JSON.object([JSON.Member("language", .string("english"))])
    var manifest = IndexManifest(
      type: "unheard-of", documents: 3,
      source: IndexSource(.texts(analyzer: analyzer), description),
      seed: 7,
      segments: [
        IndexManifest.Segment(documents: 1, files: ["a": "a.1"]),
        IndexManifest.Segment(
          documents: 3, files: ["a": "a.2", "deleted": "d.1"],
          statistics: [JSON.Member("terms", .integer(5))],
          deleted: IndexManifest.Deleted(
            documents: 1, statistics: [JSON.Member("terms", .integer(2))])),
      ], files: ["a.1", "a.2", "d.1"].map { IndexManifest.File(name: $0, size: 1, checksum: "0") })
    manifest.parameters = [JSON.Member("k1", .double(0.9))]
    manifest.statistics = [JSON.Member("average-length", .double(12.5))]
    manifest.codebook = "abc"
    try write(folder("manifest.json"), manifest.json.indented())
    let read = try IndexManifest(folder: folder.path)
    #expect(read.json.serialized() == manifest.json.serialized())
    #expect(read.segments.map(\.liveDocuments) == [1, 2])
    #expect(read.segments[1].files == manifest.segments[1].files)
    #expect(read.codebook == "abc")
    #expect(read.source.dimension == nil)
    #expect(read.source.description.shard == "2/3")
    #expect(
      IndexesTests.status { _ = try IndexTypes.of(read, folder.path) } == .config)
  }

  /// A signal ends a process that builds two indexes, one of them in the place of another: nothing
  /// is left of both, and the old one is as it was.
  @Test func aSignalLeavesNoFolder() async throws {
    let folder = try TemporaryFolder()
    try Self.flat(folder, "i", count: 2)
    let before = try names(folder("i"))
    await #expect(processExitsWith: .signal(SIGTERM)) { [path = folder.path as String] in
      Signals.install()
      var description = StreamDescription(role: .doc)
      description.dim = 2
      let work = IndexWork(Kernels(), WorkerPool(threads: 1))
      var kept: [any IndexBuilder] = []
      for (name, type, schema) in [
        ("i", Flat.self as any IndexType.Type, StreamSchema.dense(.i8, dimension: 2)),
        ("s", Sparse.self, .sparse),
      ] {
        let source = IndexSource(.vectors(schema), description)
        let arguments = try IndexArguments([], type, .build)
        kept.append(
          try type.builder(IndexWriter(path + "/" + name), source, arguments, work))
      }
      let made = try names(path) + names(path + "/i")
      guard made.count(where: { $0.contains(".tmp.") }) == 2 else { exit(1) }
      // To the process: the thread that runs this may block signals.
      withExtendedLifetime(kept) {
        kill(getpid(), SIGTERM)
        sleep(10)
      }
    }
    #expect(try names(folder.path) == ["i", "i.s"])
    #expect(try names(folder("i")) == before)
    #expect(try IndexManifest(folder: folder("i")).documents == 2)
  }

  @Test func repeatedIdsAreAnError() throws {
    let folder = try TemporaryFolder()
    let record = (id: Array("a".utf8), items: 1, columns: [bytes([Float(1), 2])])
    try writeStream(
      folder("s"), .dense(.f32, dimension: 2), dimension: 2, [record, record])
    #expect(
      status { try buildIndex(folder("i"), streams: [folder("s")]) } == .data
    )
    #expect(try names(folder.path) == ["s"])
  }
}
