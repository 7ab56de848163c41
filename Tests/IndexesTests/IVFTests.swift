import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

/// Inverted lists against flat indexes of the same vectors.
@Suite struct IVFTests {
  private static let similarities = ["dot", "cosine", "l2"]
  private static let lists = 9
  /// Codes that prove nothing.
  private static let estimate: [String?] = ["b1", "pq4", "pq8"]

  /// Some vectors as a stream, a flat index of them, and indexes of inverted lists.
  private struct Collection {
    let folder: TemporaryFolder
    let documents: [Float]
    let queries: [Float]
    let dimension: Int
    let similarity: String
    var count: Int { documents.count / dimension }

    init(
      _ similarity: String, count: Int = 260, dimension: Int = 20,
      _ kind: CodedFlatTests.Hard = .gaussian, around mean: Float = 0
    ) throws {
      folder = try TemporaryFolder()
      self.dimension = dimension
      self.similarity = similarity
      documents = kind.vectors(count, dimension, seed: 1).map { $0 + mean }
      queries = kind.vectors(8, dimension, seed: 2).map { $0 + mean }
      try write("s", 0..<count)
      try buildIndex(folder("flat"), streams: [folder("s")])
    }

    func write(_ name: String, _ rows: Range<Int>, shard: String? = nil) throws {
      try writeStream(
        folder(name), .dense(.f32, dimension: dimension), dimension: dimension,
        similarity: similarity, shard: shard,
        rows.map { row in
          (
            descendingID(row), 1,
            [bytes(Array(documents[row * dimension..<(row + 1) * dimension]))]
          )
        })
    }

    func build(
      _ name: String, _ given: [IndexArguments.Given] = [], of streams: [String] = ["s"],
      codebook: String? = nil, threads: Int = 1, memory: Int = IndexWork.usualMemory
    ) throws {
      let lists: [IndexArguments.Given] =
        codebook == nil ? [("num-centroids", "\(IVFTests.lists)")] : []
      let build = IndexBuild(
        folder(name), type: IVF.self, of: IndexTypes.all, given: lists + given,
        codebook: try codebook.map { try IndexFolder(folder($0)) },
        IndexWork(Kernels(), WorkerPool(threads: threads), memory: memory))
      _ = try build.run(.streams(streams.map { folder($0) }))
    }

    func request(k: Int) -> SearchRequest {
      SearchRequest(
        ids: (0..<queries.count / dimension).map { Array("q\($0)".utf8) },
        queries: .dense(queries, dimension: dimension), k: k)
    }

    /// Ids of documents and the bits of their scores.
    func search(
      _ name: String, _ given: [IndexArguments.Given] = [], k: Int, threads: Int = 1,
      _ change: (inout SearchRequest, any RescoringIndex) throws -> Void = { _, _ in }
    ) throws -> [[String]] {
      let index = try openIndex(folder(name), given: given, threads: threads)
      var request = request(k: k)
      try change(&request, index)
      return try index.search(request).map { entries in
        entries.map {
          String(decoding: index.documents.id(Int($0.ordinal)), as: UTF8.self)
            + " \($0.score.bitPattern)"
        }
      }
    }

    /// What a plain reader finds in an index: the list of each document by its id, and the centroids.
    func stored(_ name: String) throws -> (
      lists: [String: Int], ids: [[String]], centroids: [[Float]]
    ) {
      let segment = try IndexFolder(folder(name)).segments[0]
      let table = try DocumentTable(segment)
      let starts = try segment.column(file("lists"), as: Int64.self)
      let values = try segment.column(file("lists.centroids"), as: Float.self)
      var (lists, ids): ([String: Int], [[String]]) = ([:], [])
      for list in 0..<starts.count - 1 {
        let own = (Int(starts[list])..<Int(starts[list + 1])).map {
          String(decoding: table.id($0), as: UTF8.self)
        }
        for id in own { lists[id] = list }
        ids.append(own)
      }
      let centroids = (0..<starts.count - 1).map { list in
        (0..<dimension).map { values[list * dimension + $0] }
      }
      return (lists, ids, centroids)
    }

    private func file(_ name: String) -> IndexFile {
      guard let file = IVF.files.first(where: { $0.name == name }) else {
        preconditionFailure("no file \(name)")
      }
      return file
    }

    /// How near a vector is to a centroid.
    func nearness(_ vector: [Float], _ centroid: [Float]) -> Double {
      if similarity == "l2" {
        return -zip(vector, centroid).reduce(0) {
          $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
      }
      return zip(vector, centroid).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    func vector(_ values: [Float], _ row: Int) -> [Float] {
      Array(values[row * dimension..<(row + 1) * dimension])
    }
  }

  /// Every document is in the list of its nearest centroid, in the order in which documents came.
  @Test(arguments: similarities) func nearestLists(similarity: String) throws {
    let collection = try Collection(similarity)
    try collection.build("i")
    let (lists, ids, centroids) = try collection.stored("i")
    #expect(centroids.count == Self.lists && lists.count == collection.count)
    for row in 0..<collection.count {
      let vector = collection.vector(collection.documents, row)
      let near = centroids.map { collection.nearness(vector, $0) }
      let list = try #require(lists[String(decoding: descendingID(row), as: UTF8.self)])
      #expect(near[list] >= (near.max() ?? 0) - 1e-4 * abs(near[list]))
    }
    // Ids descend with the numbers of documents.
    for own in ids { #expect(own == own.sorted(by: >)) }
    if similarity == "l2" { return }
    for centroid in centroids {
      let length = centroid.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(length - 1) < 1e-5)
    }
  }

  /// All lists are all documents: scores, order and bits are those of a flat index, whatever the codes.
  @Test(arguments: CodedFlatTests.Hard.allCases, similarities)
  func allListsAreFlat(hard: CodedFlatTests.Hard, similarity: String) throws {
    let collection = try Collection(similarity, count: 150, hard)
    guard let expected = try? collection.search("flat", k: 12) else { return }
    // What learns products is slow, and hard cases are the same for all similarities.
    let products: [String?] = similarity == "l2" ? ["bf16", "pq4"] : []
    for codes in [nil, "int8", "b1"] + products {
      try collection.build("i", codes.map { [("codes", $0)] } ?? [])
      try IVF.verify(IndexFolder(collection.folder("i")))
      for threads in [1, 3] {
        // --exact alone, and whatever the number of lists.
        for said in [[], [("nprobe", "2")], [("nprobe", "all")]] {
          let exact = said + [("exact", "true")]
          #expect(try collection.search("i", exact, k: 12, threads: threads) == expected)
        }
        if Self.estimate.contains(codes) {
          let all = [("nprobe", "all"), ("oversample", "100")]
          #expect(try collection.search("i", all, k: 12, threads: threads) == expected)
        } else {
          let all = [("nprobe", "all")]
          #expect(try collection.search("i", all, k: 12, threads: threads) == expected)
          // So many lists one by one, not as a flat index.
          let most = [("nprobe", "\(Self.lists - 1)")]
          #expect(
            try collection.search("i", most, k: 150, threads: threads).map(\.count)
              == expected.map { _ in 150 })
        }
      }
    }
  }

  /// A search of some lists finds what a flat index finds among the documents of these lists.
  @Test(arguments: similarities) func nearestListsAlone(similarity: String) throws {
    let collection = try Collection(similarity)
    let whole = try collection.search("flat", k: collection.count)
    for codes in [nil, "f16", "int8", "b1"] + (similarity == "dot" ? ["pq4"] : []) {
      try collection.build("i", codes.map { [("codes", $0)] } ?? [])
      let (lists, _, centroids) = try collection.stored("i")
      for probes in [1, 3, 8] {
        var given: [IndexArguments.Given] = [("n-probe", "\(probes)")]
        if Self.estimate.contains(codes) { given.append(("oversample", "90")) }
        let found = try collection.search("i", given, k: 3, threads: 2)
        for query in found.indices {
          let vector = collection.vector(collection.queries, query)
          let near = centroids.map { collection.nearness(vector, $0) }
          let order = near.indices.sorted { near[$0] > near[$1] }
          let best = Set(order.prefix(probes))
          let expected = whole[query].filter { line in
            lists[String(line.split(separator: " ")[0])].map { best.contains($0) } ?? false
          }
          if expected.count < 3 { continue }
          #expect(found[query] == Array(expected.prefix(3)), "\(codes ?? "none"), query \(query)")
        }
      }
    }
  }

  /// Queries that look at lists together find what each finds by itself, to the bit.
  @Test(arguments: CodedFlatTests.Hard.allCases, similarities)
  func togetherAsAlone(hard: CodedFlatTests.Hard, similarity: String) throws {
    let collection = try Collection(similarity, hard)
    guard (try? collection.search("flat", k: 7)) != nil else { return }
    try collection.build("i")
    for (probes, k) in [(3, 7), (8, 7), (4, 200)] {
      let given = [("nprobe", "\(probes)")]
      let together = try collection.search("i", given, k: k)
      for query in together.indices {
        let alone = try collection.search("i", given, k: k) { request, _ in
          request.ids = [request.ids[query]]
          request.queries = request.queries[query..<query + 1]
        }
        #expect(alone == [together[query]])
      }
    }
  }

  /// Where estimates are equal, documents are rescored whose ids are in front.
  @Test(arguments: ["b1", "pq4"]) func equalEstimates(codes: String) throws {
    let collection = try Collection("dot", count: 1500, .equal)
    try collection.build("i", [("codes", codes)])
    let given = [("nprobe", "all"), ("oversample", "1")]
    let expected = try collection.search("flat", k: 5)
    #expect(try collection.search("i", given, k: 5) == expected)
  }

  /// More lists never find less of what there is, and as many documents are found as are asked for.
  @Test(arguments: [nil, "int8", "f16"]) func widerNeverFindsLess(codes: String?) throws {
    let collection = try Collection("cosine")
    try collection.build("i", codes.map { [("codes", $0)] } ?? [])
    let expected = try collection.search("flat", k: 20)
    var before = [Int](repeating: 0, count: expected.count)
    for probes in ["1", "2", "3", "5", "9", "all"] {
      let found = try collection.search("i", [("nprobe", probes)], k: 20)
      #expect(found.allSatisfy { $0.count == 20 })
      let shared = zip(found, expected).map { Set($0).intersection($1).count }
      #expect(zip(shared, before).allSatisfy { $0 >= $1 })
      before = shared
    }
    #expect(before.allSatisfy { $0 == 20 })
  }

  /// Where a filter admits few documents, all of them are compared; where it admits many, as many are
  /// found as are asked for.
  @Test(arguments: [nil, "int8", "b1"]) func filters(codes: String?) throws {
    let collection = try Collection("dot")
    try collection.build("i", codes.map { [("codes", $0)] } ?? [])
    let whole = try collection.search("flat", k: collection.count)
    for step in [2, 17, 100] {
      let admitted = stride(from: 1, to: collection.count, by: step).map {
        String(decoding: descendingID($0), as: UTF8.self)
      }
      try write(collection.folder("allowed"), admitted.map { $0 + "\n" }.joined())
      let found = try collection.search("i", [("nprobe", "1")], k: 4) { request, index in
        request.filter = try DocumentFilter(collection.folder("allowed"), index.documents)
      }
      for (own, all) in zip(found, whole) {
        let expected = all.filter { admitted.contains(String($0.split(separator: " ")[0])) }
        #expect(own.count == min(4, admitted.count))
        #expect(Set(own).isSubset(of: expected))
        if step > 2 { #expect(own == Array(expected.prefix(4))) }
      }
    }
  }

  /// Shards that share a codebook are joined to the bytes of one build, with codes and without
  /// vectors, and so are an index that was appended to and one of which documents were deleted.
  @Test(
    arguments: [("dot", nil), ("l2", "int8"), ("cosine", "b1"), ("l2", "pq4")]
      as [(String, String?)])
  func sharedCodebook(similarity: String, codes: String?) throws {
    let collection = try Collection(similarity, count: 140)
    let given: [IndexArguments.Given] =
      codes.map { [("codes", $0), ("originals", "none")] } ?? []
    let training = IndexBuild(
      collection.folder("c"), type: IVF.self, of: IndexTypes.all,
      given: given + [("num-centroids", "5"), ("num-train-embeddings", "90")],
      IndexWork(Kernels(), WorkerPool(threads: 2)))
    try training.train(.streams([collection.folder("s")]))
    #expect(try IndexFolder(collection.folder("c")).manifest.documents == 0)
    try collection.build("one", codebook: "c", threads: 3)
    // One build learns the same from the same sample.
    try collection.build(
      "alone", given + [("num-centroids", "5"), ("num-train-embeddings", "90")])
    #expect(try contents(collection.folder("alone")) == contents(collection.folder("one")))
    let cuts = [0, 40, 41, 100, 140]
    for part in 0..<4 {
      try collection.write("p\(part)", cuts[part]..<cuts[part + 1], shard: "\(part + 1)/4")
      try collection.build("i\(part)", of: ["p\(part)"], codebook: "c")
    }
    let parts = try (0..<4).map { try IndexFolder(collection.folder("i\($0)")) }
    let work = IndexWork(Kernels(), WorkerPool(threads: 2))
    _ = try IndexMerge(parts, IVF.self).run(to: collection.folder("merged"), work, by: nil)
    #expect(try contents(collection.folder("merged")) == contents(collection.folder("one")))
    try collection.build("other", given + [("num-train-embeddings", "20")])
    #expect(
      status {
        _ = try IndexMerge([parts[0], IndexFolder(collection.folder("other"))], IVF.self)
      } == .config)
    // Append what was left out, delete some, and make one of it.
    try collection.write("front", 0..<100)
    try collection.write("back", 100..<140)
    try collection.build("i", of: ["front"], codebook: "c")
    // The lock of a change lives as long as its object: a second one would wait for the first.
    do {
      let edit = try IndexEdit(collection.folder("i"))
      var change = try IndexChange(edit, IVF.self, work)
      _ = try change.append(.streams([collection.folder("back")]), .refused)
      for row in stride(from: 3, to: 100, by: 7) { change.delete(descendingID(row)) }
      _ = try change.commit(by: nil)
    }
    let whole = try collection.search("i", [("nprobe", "all")], k: 200)
    let again = try IndexEdit(collection.folder("i"))
    _ = try IndexMerge(compacting: again.index, IVF.self).run(in: again, work, by: nil)
    #expect(try collection.search("i", [("nprobe", "all")], k: 200) == whole)
    #expect(whole.allSatisfy { $0.count == 140 - 14 })
    try IVF.verify(IndexFolder(collection.folder("i")))
  }

  /// Estimates of given documents are those of a search, near the scores, and without a bias; what all
  /// vectors and queries have in common adds nothing to their errors where lists are of near ones.
  @Test(
    arguments: [
      ("dot", "b1", 0), ("l2", "b1", 0), ("cosine", "b1", 0), ("dot", "pq4", 0), ("l2", "pq8", 0),
      ("l2", "b1", 4), ("cosine", "b1", 4), ("l2", "pq8", 4),
    ] as [(String, String, Float)])
  func estimates(similarity: String, codes: String, mean: Float) throws {
    let collection = try Collection(similarity, count: 300, dimension: 40, around: mean)
    try collection.build("i", [("codes", codes), ("originals", "none")])
    let exact = try openIndex(collection.folder("flat"))
    let index = try openIndex(collection.folder("i"), given: [("nprobe", "all")])
    let queries = Embeddings.dense(collection.queries, dimension: 40)
    let found = try index.search(collection.request(k: 300))
    var (bias, spread, error) = (0.0, 0.0, 0.0)
    for (query, entries) in found.enumerated() {
      let scores = try index.scores(queries, query, of: entries.map { Int($0.ordinal) })
      #expect(scores == entries.map(\.score))
      #expect(entries == entries.sorted(by: >) && entries.count == 300)
      let ordinals = try entries.map { entry in
        try #require(exact.documents.ordinal(index.documents.id(Int(entry.ordinal))))
      }
      let truth = try exact.scores(queries, query, of: ordinals)
      let mean = truth.reduce(0.0) { $0 + Double($1) } / 300
      for (estimate, score) in zip(scores, truth) {
        bias += Double(estimate) - Double(score)
        error += (Double(estimate) - Double(score)) * (Double(estimate) - Double(score))
        spread += (Double(score) - mean) * (Double(score) - mean)
      }
    }
    let total = Double(8 * 300)
    // Queries that have nothing to do with a list are further from its centroid than from nothing.
    #expect(error < (codes == "b1" ? 0.8 : 0.4) * spread, "\(error / spread)")
    #expect(abs(bias) < 0.1 * (error * total).squareRoot(), "\(bias)")
  }

  /// What cannot be learned, or goes against a codebook, is said before anything is written.
  @Test func refusals() throws {
    let collection = try Collection("dot", count: 60)
    func status(_ given: [IndexArguments.Given], codebook: String? = nil, memory: Int = 1 << 30)
      -> Failures.ExitStatus?
    {
      IndexesTests.status {
        try collection.build("i", given, codebook: codebook, memory: memory)
      }
    }
    let before = try names(collection.folder.path)
    #expect(status([("num-centroids", "61")]) == .usage)
    #expect(status([("num-train-embeddings", "5")]) == .usage)
    #expect(status([], memory: 5000) == .usage)
    #expect(status([("originals", "none")]) == .usage)
    #expect(try names(collection.folder.path) == before)
    try collection.build("c", [("codes", "int8")])
    #expect(status([("codes", "b1")], codebook: "c") == .usage)
    #expect(status([("codes", "int8")], codebook: "c") == nil)
    #expect(status([], codebook: "flat") == .config)
    for (given, expected) in [
      (("exact", "true"), nil), (("oversample", "3"), .usage), (("nprobe", "0"), .usage),
    ] as [(IndexArguments.Given, Failures.ExitStatus?)] {
      #expect(
        IndexesTests.status { _ = try openIndex(collection.folder("c"), given: [given]) }
          == expected)
    }
  }

  /// Lists are as many as documents want: four times the root of their number, and never fewer than 39
  /// documents for one.
  @Test(arguments: [(0, 0), (1, 1), (38, 1), (400, 10)]) func usualNumber(count: Int, lists: Int)
    throws
  {
    let sample = try TemporaryFolder()
    try writeStream(
      sample("s"), .dense(.f32, dimension: 2), dimension: 2,
      denseRecords(CodedFlatTests.Hard.gaussian.vectors(count, 2, seed: 5), 2))
    try buildIndex(sample("i"), streams: [sample("s")], type: IVF.self)
    let segment = try IndexFolder(sample("i")).segments[0]
    let file = try #require(IVF.files.first { $0.name == "lists" })
    #expect(try segment.tensor(file).entry.shape == [lists + 1])
  }

  /// Rows that set codes have the index of inverted lists, and with all vectors rescored its answers.
  @Test(arguments: [("4", "l2"), ("8", "dot")]) func productRows(bits: String, similarity: String)
    throws
  {
    let collection = try Collection(similarity, count: 120, dimension: 24)
    let expected = try collection.search("flat", k: 6)
    for (type, given) in [
      (PQ.self, []), (IVFPQ.self, [("num-centroids", "4")]),
    ] as [(any IndexType.Type, [IndexArguments.Given])] {
      try buildIndex(
        collection.folder("i"), streams: [collection.folder("s")], type: type,
        given: given + [("n-bits", bits), ("num-subquantizers", "8")])
      let segment = try IndexFolder(collection.folder("i")).segments[0]
      try type.verify(IndexFolder(collection.folder("i")))
      let quantizer = try #require(type.files.first { $0.name == "quantizer" })
      #expect(
        try segment.tensor(quantizer).entry.shape == [8 * (bits == "4" ? 16 : 256), 3])
      let all: [IndexArguments.Given] = type == PQ.self ? [] : [("nprobe", "all")]
      #expect(try collection.search("i", all + [("oversample", "20")], k: 6) == expected)
      #expect(try collection.search("i", all + [("exact", "true")], k: 6) == expected)
    }
    #expect(
      status {
        try buildIndex(
          collection.folder("no"), streams: [collection.folder("s")], type: PQ.self,
          given: [("num-subquantizers", "5")])
      } == .usage)
  }

  /// A rotation that was learned brings estimates nearer to scores.
  @Test func rotationHelps() throws {
    // Most of what there is lies in few dimensions.
    let folder = try TemporaryFolder()
    let dimension = 32
    var values = CodedFlatTests.Hard.gaussian.vectors(600, dimension, seed: 8)
    for place in values.indices { values[place] /= Float(1 + place % dimension) }
    try writeStream(
      folder("s"), .dense(.f32, dimension: dimension), dimension: dimension,
      denseRecords(values, dimension))
    let queries = Embeddings.dense(Array(values.prefix(20 * dimension)), dimension: dimension)
    let ordinals = Array(0..<600)
    try buildIndex(folder("flat"), streams: [folder("s")])
    let truth = try (0..<20).map {
      try openIndex(folder("flat")).scores(queries, $0, of: ordinals)
    }
    func error(_ rotation: String) throws -> Double {
      try buildIndex(
        folder("i"), streams: [folder("s")], type: PQ.self,
        given: [
          ("n-bits", "4"), ("num-subquantizers", "8"), ("originals", "none"),
          ("rotation", rotation),
        ])
      let index = try openIndex(folder("i"))
      return try (0..<20).reduce(0.0) { sum, query in
        try zip(index.scores(queries, query, of: ordinals), truth[query]).reduce(sum) {
          $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
      }
    }
    let (rotated, plain) = (try error("opq"), try error("none"))
    #expect(rotated < 0.8 * plain, "\(rotated) and \(plain)")
  }
}
