import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

/// Graphs of neighbours beside exact search: one that codes lead through, and one in layers.
@Suite struct GraphTests {
  enum Kind: CaseIterable {
    case coded, layered

    var type: any IndexType.Type {
      switch self {
      case .coded: Graph.self
      case .layered: HNSW.self
      }
    }

    var given: [IndexArguments.Given] {
      [("ef_construction", "40"), ("num_neighbors", self == .coded ? "32" : "6")]
    }
  }

  /// Documents around some points, so that a graph has far to go.
  private static func clusters(_ count: Int, _ dimension: Int, seed: UInt64) -> [Float] {
    let random = CounterRandom(seed: seed)
    let centres = (0..<12 * dimension).map { 2 * CounterRandom(seed: 99).normal(at: UInt64($0)) }
    var values: [Float] = []
    for row in 0..<count {
      for i in 0..<dimension {
        values.append(
          centres[row % 12 * dimension + i] + random.normal(at: UInt64(row * dimension + i)))
      }
    }
    return values
  }

  private static func build(
    _ name: String, in folder: TemporaryFolder, _ documents: [Float], _ dimension: Int,
    _ kind: Kind, _ similarity: String = "dot", element type: ElementType = .f32, threads: Int = 1,
    memory: Int = IndexWork.usualMemory
  ) throws {
    let codec = RowCodec(type, Kernels())
    try writeStream(
      folder("\(name).lirt"), .dense(type, dimension: dimension), dimension: dimension,
      similarity: similarity,
      (0..<documents.count / dimension).map { row in
        let stored = codec.encode(Array(documents[row * dimension..<(row + 1) * dimension]))
        return (
          descendingID(row), 1, [stored.values] + (stored.scale.map { [bytes([$0])] } ?? [])
        )
      })
    try buildIndex(
      folder(name), streams: [folder("\(name).lirt")], type: kind.type, given: kind.given,
      threads: threads, maxMemory: memory)
  }

  private static func request(_ queries: [Float], _ dimension: Int, k: Int) -> SearchRequest {
    SearchRequest(
      ids: (0..<queries.count / dimension).map { Array("q\($0)".utf8) },
      queries: .dense(queries, dimension: dimension), k: k)
  }

  private static func open(
    _ folder: String, _ width: String, threads: Int = 1
  ) throws -> any RescoringIndex {
    try openIndex(folder, given: [("ef_search", width)], threads: threads)
  }

  /// The shares of the best documents that are found, query by query.
  private static func recalls(
    _ found: [[TopDocuments.Entry]], _ expected: [[TopDocuments.Entry]]
  ) -> [Double] {
    zip(found, expected).map { found, expected in
      let shared = Set(found.map(\.ordinal)).intersection(expected.map(\.ordinal)).count
      return Double(shared) / Double(max(expected.count, 1))
    }
  }

  /// Whatever the vectors are, k documents are found with the scores that exact search gives them; a walk in
  /// sight of all gives what it gives.
  @Test(arguments: CodedFlatTests.Hard.allCases, ["dot", "cosine", "l2"])
  func scoresAreExact(hard: CodedFlatTests.Hard, similarity: String) throws {
    for (dimension, count, kind) in [
      (1, 150, Kind.coded), (1, 150, .layered), (33, 260, .coded), (33, 260, .layered),
    ] {
      let folder = try TemporaryFolder()
      try Self.build(
        "i", in: folder, hard.vectors(count, dimension, seed: 1), dimension, kind, similarity)
      try kind.type.verify(IndexFolder(folder("i")))
      let request = Self.request(hard.vectors(5, dimension, seed: 2), dimension, k: 5)
      let exact = try openIndex(folder("i"), given: [("exact", "true")])
      let narrow = try Self.open(folder("i"), "12")
      guard let expected = try? exact.search(request) else {
        #expect(status { _ = try narrow.search(request) } == .data)
        continue
      }
      #expect(try Self.open(folder("i"), "all").search(request) == expected)
      #expect(try Self.open(folder("i"), "\(count)").search(request) == expected)
      for (query, found) in try narrow.search(request).enumerated() {
        #expect(found.count == 5)
        #expect(found == found.sorted(by: >))
        let scores = try exact.scores(request.queries, query, of: found.map { Int($0.ordinal) })
        #expect(found.map(\.score) == scores)
      }
    }
  }

  /// A wider walk visits what a narrower one visits: no query loses anything by it.
  @Test(arguments: Kind.allCases, ["dot", "cosine", "l2"])
  func widerIsNeverWorse(kind: Kind, similarity: String) throws {
    let (dimension, count, k) = (24, 900, 5)
    let folder = try TemporaryFolder()
    try Self.build(
      "i", in: folder, Self.clusters(count, dimension, seed: 1), dimension, kind, similarity)
    let request = Self.request(Self.clusters(30, dimension, seed: 2), dimension, k: k)
    let expected = try openIndex(folder("i"), given: [("exact", "true")]).search(request)
    var last = [Double](repeating: 0, count: 30)
    for width in [5, 7, 10, 15, 20, 30, 50, 80, 120, 200] {
      let found = try Self.open(folder("i"), "\(width)").search(request)
      #expect(found.allSatisfy { $0.count == k })
      let shares = Self.recalls(found, expected)
      #expect(zip(last, shares).allSatisfy { $0 <= $1 }, "\(width)")
      last = shares
    }
    #expect(last.reduce(0, +) / 30 > 0.97)
    let narrow = Self.recalls(try Self.open(folder("i"), "15").search(request), expected)
    #expect(narrow.reduce(0, +) / 30 > 0.5)
    let narrowest = Self.recalls(try Self.open(folder("i"), "5").search(request), expected)
    #expect(narrowest.contains { $0 < 1 }, "the graph was not walked")
  }

  /// The bytes do not depend on threads, on shards, or on what is in memory.
  @Test(arguments: Kind.allCases) func sameBytes(kind: Kind) throws {
    let (dimension, count) = (20, 500)
    let documents = Self.clusters(count, dimension, seed: 5)
    let folder = try TemporaryFolder()
    try Self.build("i", in: folder, documents, dimension, kind)
    let whole = try contents(folder("i"))
    try Self.build("threads", in: folder, documents, dimension, kind, threads: 3)
    #expect(try contents(folder("threads")) == whole)
    try Self.build("file", in: folder, documents, dimension, kind, memory: 1 << 16)
    #expect(try contents(folder("file")) == whole)
    for (name, rows) in [("a", 0..<170), ("b", 170..<count)] {
      try writeStream(
        folder("\(name).lirt"), .dense(.f32, dimension: dimension), dimension: dimension,
        rows.map { row in
          let values = Array(documents[row * dimension..<(row + 1) * dimension])
          return (descendingID(row), 1, [bytes(values)])
        })
      try buildIndex(
        folder(name), streams: [folder("\(name).lirt")], type: kind.type, given: kind.given)
    }
    let parts = try ["a", "b"].map { try IndexFolder(folder($0)) }
    let merge = try IndexMerge(parts, kind.type)
    let work = IndexWork(Kernels(), WorkerPool(threads: 2))
    _ = try merge.run(to: folder("merged"), work, by: nil)
    #expect(try contents(folder("merged")) == whole)
  }

  /// As many documents as are asked for come back wherever so many are allowed, and near ones.
  @Test(arguments: Kind.allCases, [2, 9, 50, 300]) func filters(kind: Kind, every: Int) throws {
    let (dimension, count, k) = (16, 900, 3)
    let folder = try TemporaryFolder()
    try Self.build(
      "i", in: folder, Self.clusters(count, dimension, seed: 7), dimension, kind, "l2")
    let exact = try openIndex(folder("i"), given: [("exact", "true")])
    let index = try Self.open(folder("i"), "16", threads: 2)
    let allowed = stride(from: 0, to: count, by: every).map { descendingID($0) + [0x0A] }
    try overwrite(folder("allowed"), allowed.flatMap { $0 })
    var request = Self.request(Self.clusters(20, dimension, seed: 8), dimension, k: k)
    request.filter = try DocumentFilter(folder("allowed"), index.documents)
    let (found, expected) = (try index.search(request), try exact.search(request))
    #expect(found.allSatisfy { $0.count == k && $0.allSatisfy { Int($0.ordinal) % every == 0 } })
    let shares = Self.recalls(found, expected)
    #expect(shares.reduce(0, +) / 20 > (every < 9 ? 0.6 : 0.8))
    // The rest of them, in the other way.
    request.filterOut = request.filter
    request.filter = nil
    let rest = try index.search(request)
    #expect(rest.allSatisfy { $0.count == k && $0.allSatisfy { Int($0.ordinal) % every != 0 } })
  }

  /// A filter of all documents takes the walk that forgets nothing, which visits the same.
  @Test(arguments: Kind.allCases) func bothWalksAreOne(kind: Kind) throws {
    let (dimension, count) = (16, 700)
    let folder = try TemporaryFolder()
    try Self.build(
      "i", in: folder, Self.clusters(count, dimension, seed: 9), dimension, kind, "cosine")
    let all = (0..<count).map { descendingID($0) + [0x0A] }
    try overwrite(folder("all"), all.flatMap { $0 })
    for (width, k) in [(10, 10), (30, 4), (100, 25)] {
      let index = try Self.open(folder("i"), "\(width)")
      var request = Self.request(Self.clusters(25, dimension, seed: 10), dimension, k: k)
      let plain = try index.search(request)
      request.filter = try DocumentFilter(folder("all"), index.documents)
      #expect(try index.search(request) == plain)
    }
  }

  /// Neighbours of a document lie in directions of their own.
  ///
  /// Seen from it, the angle between each and the one beside it among the nearer ones is wide. With the
  /// nearest ones in the places that pruning leaves, the mean of the cosines is 0.63.
  @Test(arguments: ["dot", "l2"]) func neighboursAreSpread(similarity: String) throws {
    let (dimension, count, degree) = (24, 900, 32)
    let documents = Self.clusters(count, dimension, seed: 11)
    let folder = try TemporaryFolder()
    try Self.build("i", in: folder, documents, dimension, .coded, similarity)
    let rows = try WholeFile.read(path(of: "graph", in: folder("i")))
    let size = 64 + 4 * degree + NeighbourCodes.size(width: 64)
    try #require(rows.count == 512 + count * size)
    func difference(_ vertex: Int, _ other: Int) -> [Float] {
      (0..<dimension).map {
        documents[other * dimension + $0] - documents[vertex * dimension + $0]
      }
    }
    func product(_ x: [Float], _ y: [Float]) -> Float { zip(x, y).map(*).reduce(0, +) }
    var cosines: [Float] = []
    for vertex in 0..<count {
      let neighbours = (0..<degree).map { place -> Int in
        let start = 512 + vertex * size + 64 + 4 * place
        return rows[start..<start + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
      }.filter { $0 != vertex }
      #expect(Set(neighbours).count == neighbours.count && neighbours.count > degree / 2)
      let around = neighbours.map { difference(vertex, $0) }
        .sorted { product($0, $0) < product($1, $1) }
      for (place, own) in around.enumerated().dropFirst() {
        let beside = around[..<place].map {
          product(own, $0) / (product(own, own) * product($0, $0)).squareRoot()
        }
        cosines.append(beside.max() ?? 0)
      }
    }
    #expect(cosines.reduce(0, +) / Float(cosines.count) < 0.615)
  }

  /// Many equal vectors and groups far from each other are reached all the same.
  @Test(arguments: Kind.allCases) func everythingIsReached(kind: Kind) throws {
    let dimension = 8
    var documents: [Float] = []
    for row in 0..<600 {
      let place: Float = row % 3 == 0 ? 1000 : row % 3 == 1 ? -1000 : 0
      // The first third is equal.
      documents += (0..<dimension).map { row < 200 ? 5 : place + Float((row * 7 + $0 * 13) % 11) }
    }
    let folder = try TemporaryFolder()
    for similarity in ["dot", "l2"] {
      try Self.build("i", in: folder, documents, dimension, kind, similarity)
      try kind.type.verify(IndexFolder(folder("i")))
    }
  }

  /// Vectors of other types are compared as they are stored, and deleted documents are not found.
  @Test(arguments: Kind.allCases, [ElementType.f16, .bf16, .i8])
  func storedTypes(kind: Kind, type: ElementType) throws {
    let (dimension, count, k) = (20, 600, 4)
    let folder = try TemporaryFolder()
    try Self.build(
      "i", in: folder, Self.clusters(count, dimension, seed: 3), dimension, kind, "cosine",
      element: type)
    let edit = try IndexEdit(folder("i"))
    var change = try IndexChange(
      edit, kind.type, IndexWork(Kernels(), WorkerPool(threads: 1)))
    for row in 0..<count where row % 2 == 0 { change.delete(descendingID(row)) }
    _ = try change.commit(by: nil)
    let request = Self.request(Self.clusters(15, dimension, seed: 4), dimension, k: k)
    let expected = try openIndex(folder("i"), given: [("exact", "true")]).search(request)
    let found = try Self.open(folder("i"), "60").search(request)
    #expect(found.allSatisfy { $0.count == k && $0.allSatisfy { Int($0.ordinal) % 2 == 1 } })
    let shares = Self.recalls(found, expected)
    #expect(shares.reduce(0, +) / 15 > 0.9)
  }

  /// An edge that leads nowhere is found, under a checksum that fits.
  @Test(arguments: Kind.allCases) func damage(kind: Kind) throws {
    let folder = try TemporaryFolder()
    try Self.build("i", in: folder, Self.clusters(100, 8, seed: 1), 8, kind)
    let name = kind == .coded ? "graph" : "links"
    let place = try path(of: name, in: folder("i"))
    let whole = try WholeFile.read(place)
    // The first row begins 512 bytes into the file; of codes, neighbours begin 64 bytes later.
    let first = kind == .coded ? 576 : 512
    for bytes in [[0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff]] as [[UInt8]] {
      var damaged = whole
      damaged.replaceSubrange(first..<first + 4, with: bytes)
      try replace(name, of: folder("i"), by: damaged)
      let index = try IndexFolder(folder("i"))
      #expect(status { try kind.type.verify(index) } == .data)
    }
  }

  /// Layers, and what stands in them, that do not go together.
  @Test func damagedLayers() throws {
    let folder = try TemporaryFolder()
    try Self.build("i", in: folder, Self.clusters(100, 8, seed: 1), 8, .layered)
    for name in ["layers", "upper.documents", "upper.links"] {
      let whole = try WholeFile.read(path(of: name, in: folder("i")))
      var damaged = whole
      damaged.replaceSubrange(512..<516, with: [0xff, 0xff, 0xff, 0x7f])
      try replace(name, of: folder("i"), by: damaged)
      let index = try IndexFolder(folder("i"))
      #expect(status { try HNSW.verify(index) } == .data, "\(name)")
      try replace(name, of: folder("i"), by: whole)
    }
    try HNSW.verify(IndexFolder(folder("i")))
  }

  @Test func parameters() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 2), dimension: 2, denseRecords([1, 2], 2))
    for value in ["40", "16", "x"] {
      #expect(
        status {
          try buildIndex(
            folder("i"), streams: [folder("s")], type: Graph.self,
            given: [("num-neighbors", value)])
        } == .usage)
    }
    try buildIndex(
      folder("i"), streams: [folder("s")], type: Graph.self, given: [("num_neighbors", "64")])
    #expect(status { _ = try Self.open(folder("i"), "0") } == .usage)
    #expect(status { _ = try Self.open(folder("i"), "some") } == .usage)
  }
}
