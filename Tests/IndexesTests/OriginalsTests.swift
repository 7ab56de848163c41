import Failures
import Glibc
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import TestSupport
import Testing
import Vectors
import Workers

/// Vectors that lie in a file outside of the folder of their index, for every type that has codes.
@Suite struct OriginalsTests {
  private static let types: [(any IndexType.Type, codes: [IndexArguments.Given])] =
    IndexSample.types.filter { type in
      type.parameters(.build).contains { parameter in
        if case .wordOrFile = parameter.form { parameter.name == "originals" } else { false }
      }
    }.map { type in
      let hasCodes = type.parameters(.build).contains { $0.name == "codes" }
      return (type, hasCodes ? [("codes", "int8")] : [])
    }

  private static func build(
    _ sample: IndexSample, _ name: String, _ originals: String, of streams: [String] = ["whole"],
    like codebook: String? = nil
  ) throws {
    let codes = types.first { $0.0.name == sample.type.name }?.codes ?? []
    let learned = try codebook.map { try IndexFolder(sample.folder($0)) }
    let other = learned?.manifest.codebook == nil ? nil : learned
    let build = IndexBuild(
      sample.folder(name), type: sample.type, of: IndexSample.types,
      given: (other == nil ? codes : []) + [("originals", originals)], codebook: other,
      IndexWork(Kernels(), WorkerPool(threads: 1)))
    _ = try build.run(.streams(streams.map { sample.folder($0) }))
  }

  private static func search(
    _ sample: IndexSample, _ name: String, _ given: [IndexArguments.Given] = []
  ) throws -> [[TopDocuments.Entry]] {
    let folder = try IndexFolder(
      sample.folder(name), needsOriginals: !IndexTypes.ranksByCodes(given))
    let (index, _) = try IndexTypes.open(
      folder, given, IndexWork(Kernels(), WorkerPool(threads: 1)))
    return try index.search(sample.request(k: 20))
  }

  @Test func waysBetweenPaths() {
    #expect(OriginalsFile.way(from: "/a/b/i", to: "/a/b/v") == "../v")
    #expect(OriginalsFile.way(from: "/a/b/i", to: "/c/v") == "../../../c/v")
    #expect(OriginalsFile.way(from: "/i", to: "/a/v") == "../a/v")
  }

  /// A search answers as with the vectors in the folder, whose other files are the same.
  @Test(arguments: 0..<types.count)
  func sameAnswers(index: Int) throws {
    let sample = try IndexSample(Self.types[index].0)
    try Self.build(sample, "kept", "keep")
    try Self.build(sample, "i", sample.folder("v"))
    let (kept, own) = (
      try IndexFolder(sample.folder("kept")), try IndexFolder(sample.folder("i"))
    )
    try sample.type.verify(own)
    #expect(own.manifest.parameter("originals") == "file")
    let apart = own.manifest.files.filter { $0.elsewhere != nil }
    #expect(apart.count == 1 && apart[0].size == WholeFile.size(sample.folder("v")))
    let names = Set(try names(sample.folder("i")))
    #expect(!names.contains(apart[0].name))
    #expect(
      names.subtracting(["manifest.json"])
        == Set(
          kept.manifest.files.map(\.name).filter {
            !$0.hasPrefix("vectors.") || $0.hasPrefix("vectors.offsets")
          }))
    for given in [[], [("exact", "true")]] {
      #expect(try Self.search(sample, "i", given) == Self.search(sample, "kept", given))
    }
  }

  /// What is missing, cut, changed or another's is said; codes alone are ranked by without it.
  @Test(arguments: 0..<types.count)
  func faults(index: Int) throws {
    let sample = try IndexSample(Self.types[index].0)
    let vectors = sample.folder("v")
    try Self.build(sample, "i", vectors)
    let byCodes = try Self.search(sample, "i", [("approximate", "true")])
    let whole = try WholeFile.read(vectors)
    var changed = whole
    changed[changed.count - 1] ^= 1
    try overwrite(vectors, changed)
    #expect(status { try sample.type.verify(IndexFolder(sample.folder("i"))) } == .data)
    try overwrite(vectors, Array(whole.dropLast()))
    #expect(status { _ = try Self.search(sample, "i") } == .data)
    #expect(status { _ = try Self.search(sample, "i", [("approximate", "true")]) } == .data)
    // The vectors of another index, as many and as long.
    try sample.writeDocuments("other", (0..<sample.documents).map { ($0, $0 + 500) })
    try Self.build(sample, "o", sample.folder("w"), of: ["other"])
    let others = try WholeFile.read(sample.folder("w"))
    if others.count == whole.count { try overwrite(vectors, others) }
    #expect(status { _ = try Self.search(sample, "i") } == .data)
    unlink(vectors)
    for given in [[], [("exact", "true")]] {
      #expect(status { _ = try Self.search(sample, "i", given) } == .config)
    }
    #expect(status { try sample.type.verify(IndexFolder(sample.folder("i"))) } == .config)
    #expect(try Self.search(sample, "i", [("approximate", "true")]) == byCodes)
    // Nothing else is overwritten, and nothing goes into the folder itself.
    try write(vectors, "notes\n")
    #expect(status { try Self.build(sample, "n", vectors) } == .cannotCreate)
    #expect(try WholeFile.read(vectors) == Array("notes\n".utf8))
    #expect(status { try Self.build(sample, "n", sample.folder("n/v")) } == .usage)
    #expect(!WholeFile.exists(sample.folder("n")))
  }

  /// Documents that are added have their vectors beside those of others; what is made of all is one file
  /// again, and nothing is left over.
  @Test(arguments: 0..<types.count)
  func changes(index: Int) throws {
    let sample = try IndexSample(Self.types[index].0)
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    try sample.writeDocuments("first", 0..<40)
    try sample.writeDocuments("second", 40..<sample.documents)
    try Self.build(sample, "i", sample.folder("v"), of: ["first"])
    try Self.build(sample, "fresh", sample.folder("w"), like: "i")
    let place = sample.folder("i")
    do {
      let edit = try IndexEdit(place)
      var change = try IndexChange(edit, sample.type, work)
      _ = try change.append(.streams([sample.folder("second")]), .refused)
      _ = try change.commit(by: nil)
    }
    let segment = try #require(
      try IndexManifest(folder: place).files.filter { $0.elsewhere != nil }.first {
        WholeFile.exists(sample.folder("v") + "." + $0.checksum)
      })
    try sample.type.verify(IndexFolder(place))
    #expect(
      try Self.search(sample, "i", [("exact", "true")]).map { $0.map(\.score) }
        == Self.search(sample, "fresh", [("exact", "true")]).map { $0.map(\.score) })
    do {
      let edit = try IndexEdit(place)
      _ = try IndexMerge(compacting: edit.index, sample.type).run(in: edit, work, by: nil)
    }
    #expect(!WholeFile.exists(sample.folder("v") + "." + segment.checksum))
    #expect(try WholeFile.read(sample.folder("v")) == WholeFile.read(sample.folder("w")))
    for name in try IndexFolder(place).manifest.files where name.elsewhere == nil {
      #expect(
        try WholeFile.read("\(place)/\(name.name)")
          == WholeFile.read(sample.folder("fresh") + "/" + name.name))
    }
    // Merging says where, and gives the same.
    let merge = try IndexMerge([IndexFolder(place)], sample.type)
    #expect(status { _ = try merge.run(to: sample.folder("m"), work, by: nil) } == .usage)
    _ = try merge.run(to: sample.folder("m"), originals: sample.folder("u"), work, by: nil)
    #expect(try WholeFile.read(sample.folder("u")) == WholeFile.read(sample.folder("w")))
    _ = try merge.run(to: sample.folder("k"), originals: "keep", work, by: nil)
    #expect(try IndexManifest(folder: sample.folder("k")).originals == nil)
    // An index in the place of another takes its vectors away.
    try Self.build(sample, "m", "keep")
    #expect(!WholeFile.exists(sample.folder("u")))
    // The same file by another path stays.
    try Self.build(sample, "i", sample.folder("i/../v"), like: "fresh")
    #expect(try WholeFile.read(sample.folder("v")) == WholeFile.read(sample.folder("w")))
  }
}
