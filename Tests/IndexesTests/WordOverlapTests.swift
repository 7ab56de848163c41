import Failures
import IndexFormat
import Indexes
import JSON
import Kernels
import Records
import Retrieval
import Streams
import TestSupport
import Testing
import Workers

/// The seams that only a type with texts, a sample and parameters of its own uses.
@Suite struct WordOverlapTests {
  private func build(
    _ folder: TemporaryFolder, _ given: [IndexArguments.Given] = []
  ) throws -> IndexManifest {
    try write(
      folder("docs"),
      "a\tthe cat sat\nb\tthe dog sat on the mat\nc\tthe bird\nd\tthe cat and the dog\n")
    let build = IndexBuild(
      folder("i"), type: WordOverlap.self, of: [WordOverlap.self], given: given,
      IndexWork(Kernels(), WorkerPool(threads: 1)),
      provenance: { _, parameters in
        "[{\"options\":\(parameters.count)}]"
      })
    _ = try build.run(.texts([folder("docs")], RecordOptions()))
    return try IndexManifest(folder: folder("i"))
  }

  private func search(
    _ folder: TemporaryFolder, _ text: String, _ given: [IndexArguments.Given] = []
  ) throws -> [String: Float] {
    let index = try IndexTypes.open(
      IndexFolder(folder("i")), given, IndexWork(Kernels(), WorkerPool(threads: 1)),
      among: [WordOverlap.self]
    ).index
    let found = try index.search(
      SearchRequest(ids: [[1]], queries: .texts([Array(text.utf8)]), k: 10))
    return Dictionary(
      uniqueKeysWithValues: found[0].map {
        (String(decoding: index.documents.id(Int($0.ordinal)), as: UTF8.self), $0.score)
      })
  }

  /// The sample is the whole collection here, and its most frequent word is "the".
  @Test func frequentWordsAreLearnt() throws {
    let folder = try TemporaryFolder()
    let manifest = try build(folder)
    #expect(try search(folder, "the cat sat") == ["a": 2, "b": 1, "c": 0, "d": 1])
    #expect(manifest.parameters.map(\.key) == ["frequent"])
    #expect(manifest.statistics.first?.value.integer == 10)
    #expect(manifest.codebook != nil)
    #expect(manifest.source.dimension == nil)
    #expect(manifest.source.description.model == nil)
    #expect(manifest.source.description.by == #"[{"options":1}]"#)
    guard case .texts(let analyzer) = manifest.source.contents else {
      Issue.record("an index of texts")
      return
    }
    #expect(analyzer["words"]?.string == "separated by spaces")
  }

  @Test func parametersOfBuildingAndSearching() throws {
    let folder = try TemporaryFolder()
    let manifest = try build(folder, [("num-frequent", "0")])
    #expect(manifest.parameters.first?.value.integer == 0)
    #expect(
      try search(folder, "the cat", [("gain", "2.5")]) == ["a": 5, "b": 2.5, "c": 2.5, "d": 5])
  }

  @Test(arguments: [("frequent", "-1"), ("frequent", "x"), ("gain", "1"), ("nprobe", "3")])
  func parametersThatMakeNoSense(name: String, value: String) throws {
    let folder = try TemporaryFolder()
    let failure = #expect(throws: Failure.self) { try build(folder, [(name, value)]) }
    #expect(failure?.status == .usage)
    #expect(try names(folder.path) == ["docs"])
  }

  @Test func aSearchHasNoParametersOfBuilding() throws {
    let folder = try TemporaryFolder()
    _ = try build(folder)
    #expect(status { _ = try search(folder, "cat", [("frequent", "1")]) } == .usage)
  }

  /// Writes the manifest of an index again with some members changed, under a checksum that fits.
  private func change(_ folder: TemporaryFolder, _ key: String, _ value: JSON) throws {
    let path = folder("i/manifest.json")
    var members =
      try JSONParser.parse(String(decoding: WholeFile.read(path), as: UTF8.self)).members ?? []
    members.removeAll { $0.key == key || $0.key == "xxh3" }
    members.append(JSON.Member(key, value))
    let text = JSON.object(members).serialized(sortingKeys: true)
    members.append(JSON.Member("xxh3", .string(Checksum.hex(Checksum.xxh3(Array(text.utf8))))))
    try write(path, JSON.object(members).indented())
  }

  /// Parameters that a manifest records are as good as given ones, or the manifest is damaged.
  @Test(arguments: [
    ("frequent", JSON.integer(-5)), ("frequent", .string("abc")), ("gain", .integer(3)),
    ("unheard-of", .integer(1)),
  ])
  func recordedParameters(name: String, value: JSON) throws {
    let folder = try TemporaryFolder()
    _ = try build(folder)
    try change(folder, "parameters", .object([JSON.Member(name, value)]))
    #expect(status { _ = try search(folder, "cat") } == .data)
  }

  /// A type opens what it takes, and no other source.
  @Test func anotherSource() throws {
    let folder = try TemporaryFolder()
    _ = try build(folder)
    try change(folder, "type", .string("flat"))
    let index = try IndexFolder(folder("i"))
    #expect(status { _ = try IndexTypes.of(index.manifest, index.path) } == .data)
  }

  @Test func aNumberIsFinite() throws {
    for text in ["inf", "nan", "-1"] {
      #expect(
        status { _ = try IndexArguments([("gain", text)], WordOverlap.self, .search) } == .usage)
    }
  }

  /// The usual type of an input is the first that takes it.
  @Test func usualTypes() throws {
    let folder = try TemporaryFolder()
    try write(folder("docs"), "a\tx\n")
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    let none = IndexBuild(folder("i"), type: nil, of: [Flat.self, Sparse.self], work)
    #expect(status { _ = try none.run(.texts([folder("docs")], RecordOptions())) } == .config)
    let wrong = IndexBuild(folder("i"), type: Flat.self, of: IndexTypes.all, work)
    #expect(status { _ = try wrong.run(.texts([folder("docs")], RecordOptions())) } == .config)
    let usual = IndexBuild(
      folder("i"), type: nil, of: [Flat.self, WordOverlap.self, BM25.self], work)
    #expect(try usual.run(.texts([folder("docs")], RecordOptions())) == 1)
  }

  /// Selection sampling: as many as were asked for, ascending, each as likely as another.
  @Test func samples() {
    #expect(IndexBuild.chosen(3, of: 2, seed: 1) == [0, 1])
    #expect(IndexBuild.chosen(0, of: 5, seed: 1) == [])
    var hits = [Int](repeating: 0, count: 10)
    for seed in 0..<2000 {
      let chosen = IndexBuild.chosen(3, of: 10, seed: UInt64(seed))
      #expect(chosen.count == 3 && chosen == chosen.sorted() && Set(chosen).count == 3)
      for index in chosen { hits[index] += 1 }
    }
    // 600 each are expected; the standard deviation is 20.5.
    #expect(hits.allSatisfy { abs($0 - 600) < 100 })
  }
}
