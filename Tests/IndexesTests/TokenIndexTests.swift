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

/// Retrieval of single vectors where documents have several, against a plain account of it.
@Suite struct TokenIndexTests {
  private static let shape = VectorShape(width: 12, hasTokens: false)
  private static let count = 150

  private struct Collection {
    let folder: TemporaryFolder
    let docs: [VectorSet]
    let queries: [VectorSet]
    let similarity: Similarity
    let aggregation: String?

    init(_ similarity: Similarity, aggregation: String? = nil) throws {
      folder = try TemporaryFolder()
      self.similarity = similarity
      self.aggregation = aggregation
      func sets(_ count: Int, seed: UInt64) -> [VectorSet] {
        VectorSample.gaussian.sets(count, TokenIndexTests.shape.width, seed: seed).map {
          var set = $0
          set.ids = []
          return set
        }
      }
      docs = sets(TokenIndexTests.count, seed: 3)
      queries = sets(14, seed: 4)
      try write("s", 0..<docs.count)
      try buildIndex(folder("exact"), streams: [folder("s")])
    }

    func write(_ name: String, _ rows: Range<Int>, shard: String? = nil) throws {
      try writeVectors(
        folder(name), Array(docs[rows]), TokenIndexTests.shape, similarity: similarity.rawValue,
        aggregation: aggregation, shard: shard, from: rows.lowerBound)
    }

    func build(
      _ name: String, _ type: any IndexType.Type, _ given: [IndexArguments.Given] = [],
      of streams: [String] = ["s"], codebook: String? = nil, threads: Int = 1
    ) throws {
      let build = IndexBuild(
        folder(name), type: type, of: IndexTypes.all, given: given,
        codebook: try codebook.map { try IndexFolder(folder($0)) },
        IndexWork(Kernels(), WorkerPool(threads: threads)))
      _ = try build.run(.streams(streams.map { folder($0) }))
    }

    /// Ids of documents, and their scores.
    func search(
      _ name: String, _ given: [IndexArguments.Given] = [], k: Int, threads: Int = 1,
      _ change: (inout SearchRequest, any RescoringIndex) throws -> Void = { _, _ in }
    ) throws -> [[Answer]] {
      let index = try openIndex(folder(name), given: given, threads: threads)
      var request = SearchRequest(
        ids: queries.indices.map { Array("q\($0)".utf8) },
        queries: .vectors(queries, TokenIndexTests.shape), k: k)
      try change(&request, index)
      return try index.search(request).map { entries in
        try entries.map {
          Answer(
            id: String(decoding: try index.documents.id(Int($0.ordinal)), as: UTF8.self),
            score: $0.score)
        }
      }
    }

    /// What Lightning IR's searcher finds (`_aggregate_doc_scores`), where all vectors are compared:
    /// documents with one of the k' nearest vectors of some vector of the query, and their scores.
    func plain(
      candidates: Int, _ imputation: String, among admitted: (Int) -> Bool = { _ in true }
    ) -> [[Answer]] {
      let width = TokenIndexTests.shape.width
      func score(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        var (dot, x, y, distance) = (0.0, 0.0, 0.0, 0.0)
        for (p, q) in zip(a, b) {
          dot += Double(p) * Double(q)
          x += Double(p) * Double(p)
          y += Double(q) * Double(q)
          distance += (Double(p) - Double(q)) * (Double(p) - Double(q))
        }
        switch similarity {
        case .dot: return dot
        case .cosine: return dot / (x * y).squareRoot()
        case .l2: return -distance.squareRoot()
        }
      }
      func rows(_ set: VectorSet) -> [ArraySlice<Float>] {
        stride(from: 0, to: set.values.count, by: width).map { set.values[$0..<$0 + width] }
      }
      return queries.map { query in
        var maxima: [Int: [Double?]] = [:]
        var least: [Double] = []
        let vectors = rows(query)
        for (place, vector) in vectors.enumerated() {
          var all: [(score: Double, document: Int)] = []
          for (document, set) in docs.enumerated() where admitted(document) {
            for row in rows(set) { all.append((score(vector, row), document)) }
          }
          all.sort { $0.score > $1.score }
          for (score, document) in all.prefix(candidates) {
            var own = maxima[document] ?? vectors.map { _ in nil }
            own[place] = max(own[place] ?? -.infinity, score)
            maxima[document] = own
          }
          least.append(all.prefix(candidates).last?.score ?? 0)
        }
        let answers = maxima.map { document, own in
          let scores = own.enumerated().map { place, found -> Double in
            if imputation == "gather" {
              return rows(docs[document]).map { score(vectors[place], $0) }.max() ?? 0
            }
            return found ?? (imputation == "min" ? least[place] : 0)
          }
          let sum = scores.reduce(0, +)
          return Answer(
            id: String(decoding: descendingID(document), as: UTF8.self),
            score: Float(
              aggregation == "mean,max"
                ? sum / Double(scores.count)
                : aggregation == "max,max" ? scores.max() ?? 0 : sum))
        }
        return answers.sorted { ($0.score, $0.id) > ($1.score, $1.id) }
      }
    }
  }

  private struct Answer: Equatable {
    let id: String
    let score: Float
  }

  private static func expectSame(
    _ found: [[Answer]], _ expected: [[Answer]], k: Int, of queries: [VectorSet]
  ) {
    for (query, (found, expected)) in zip(found, expected).enumerated()
    where !queries[query].values.isEmpty && expected.count >= k {
      #expect(found.map(\.id) == expected.prefix(k).map(\.id), "query \(query)")
      for (a, b) in zip(found, expected) {
        #expect(abs(a.score - b.score) <= 1e-4 * max(1, abs(b.score)))
      }
    }
  }

  /// All vectors compared, by whatever type, give what the reference's searcher gives.
  @Test(arguments: [Similarity.dot, .cosine, .l2], ["gather", "min", "zero"])
  func asThePlainAccount(similarity: Similarity, imputation: String) throws {
    let collection = try Collection(
      similarity, aggregation: imputation == "min" ? "mean,max" : nil)
    try collection.build("flat", Flat.self)
    try collection.build("ivf", IVF.self, [("num-centroids", "7")])
    for candidates in [5, 40] {
      let given = [("candidates", "\(candidates)"), ("imputation", imputation)]
      let expected = collection.plain(candidates: candidates, imputation)
      for threads in [1, 2] {
        let flat = try collection.search("flat", given, k: 4, threads: threads)
        Self.expectSame(flat, expected, k: 4, of: collection.queries)
        // Lists hold the same vectors: the same bits.
        #expect(
          try collection.search("ivf", given + [("nprobe", "all")], k: 4, threads: threads)
            == flat)
      }
    }
    // What is said of nothing is the reference's: 100 candidates, and documents' own scores.
    #expect(
      try collection.search("flat", k: 4)
        == collection.search("flat", [("candidates", "100"), ("imputation", "gather")], k: 4))
  }

  /// `--exact` compares all vectors; so does a search that finds all of them.
  @Test(arguments: ["pq", "ivfpq", "ivf-b1", "ivf", "flat"]) func exact(name: String) throws {
    let collection = try Collection(.cosine)
    let rows: [String: (any IndexType.Type, [IndexArguments.Given])] = [
      "pq": (PQ.self, [("n-bits", "4"), ("rotation", "none")]),
      "ivfpq": (IVFPQ.self, [("n-bits", "4"), ("rotation", "none"), ("num-centroids", "5")]),
      "ivf-b1": (IVF.self, [("codes", "b1"), ("num-centroids", "5")]), "ivf": (IVF.self, []),
      "flat": (Flat.self, []),
    ]
    let (type, given) = try #require(rows[name])
    try collection.build("i", type, given)
    try type.verify(IndexFolder(collection.folder("i")))
    let expected = try collection.search("exact", k: 20)
    #expect(try collection.search("i", [("exact", "true")], k: 20) == expected)
    var all: [IndexArguments.Given] = [("candidates", "100000")]
    if type.parameters.contains(where: { $0.name == "nprobe" }) { all.append(("nprobe", "all")) }
    #expect(try collection.search("i", all, k: 20) == expected)
    // As many documents come back as are asked for, and most of the best ones by default.
    let found = try collection.search("i", k: 9)
    #expect(found.map(\.count) == expected.map { min(9, $0.count) })
    // Given documents have the scores that a search gives.
    let index = try openIndex(collection.folder("i"), given: [])
    let queries = Embeddings.vectors(collection.queries, Self.shape)
    let ordinals = try found[0].map { try #require(index.documents.ordinal(Array($0.id.utf8))) }
    #expect(try index.scores(queries, 0, of: ordinals) == found[0].map(\.score))
  }

  /// Filters work inside of the retrieval, and deleted documents have no vectors there.
  @Test(arguments: ["gather", "min"]) func filtersAndDeletions(imputation: String) throws {
    let collection = try Collection(.dot)
    try collection.build("i", IVF.self, [("num-centroids", "6")])
    let given = [("candidates", "30"), ("imputation", imputation), ("nprobe", "all")]
    let admitted = { (document: Int) in document % 3 == 1 }
    let expected = collection.plain(candidates: 30, imputation, among: admitted)
    try write(
      collection.folder("f"),
      (0..<Self.count).filter(admitted).map {
        String(decoding: descendingID($0), as: UTF8.self) + "\n"
      }.joined())
    let filtered = try collection.search("i", given, k: 3) { request, index in
      request.filter = try DocumentFilter(collection.folder("f"), index.documents)
    }
    Self.expectSame(filtered, expected, k: 3, of: collection.queries)
    do {
      let edit = try IndexEdit(collection.folder("i"))
      var change = try IndexChange(edit, IVF.self, IndexWork(Kernels(), WorkerPool(threads: 1)))
      for row in 0..<Self.count where !admitted(row) { change.delete(descendingID(row)) }
      _ = try change.commit(by: nil)
    }
    #expect(try collection.search("i", given, k: 3) == filtered)
  }

  /// Shards of one codebook are joined to one build, and so is what was appended; a search of segments is
  /// one of a single index.
  @Test(arguments: [nil, "b1", "pq4"]) func segments(codes: String?) throws {
    let collection = try Collection(.dot)
    var given: [IndexArguments.Given] = [("num-centroids", "5")]
    if let codes { given += [("codes", codes), ("rotation", "none")] }
    if codes == "b1" { given.removeLast() }
    let work = IndexWork(Kernels(), WorkerPool(threads: 2))
    try IndexBuild(
      collection.folder("c"), type: IVF.self, of: IndexTypes.all, given: given, work
    ).train(.streams([collection.folder("s")]))
    try collection.build("one", IVF.self, codebook: "c", threads: 2)
    try collection.build("alone", IVF.self, given)
    #expect(try contents(collection.folder("alone")) == contents(collection.folder("one")))
    let cuts = [0, 30, 31, 150]
    for part in 0..<3 {
      try collection.write("p\(part)", cuts[part]..<cuts[part + 1], shard: "\(part + 1)/3")
      try collection.build("i\(part)", IVF.self, of: ["p\(part)"], codebook: "c")
    }
    let parts = try (0..<3).map { try IndexFolder(collection.folder("i\($0)")) }
    _ = try IndexMerge(parts, IVF.self).run(to: collection.folder("merged"), work, by: nil)
    #expect(try contents(collection.folder("merged")) == contents(collection.folder("one")))
    try collection.write("front", 0..<90)
    try collection.write("back", 90..<150)
    try collection.build("i", IVF.self, of: ["front"], codebook: "c")
    do {
      let edit = try IndexEdit(collection.folder("i"))
      var change = try IndexChange(edit, IVF.self, work)
      _ = try change.append(.streams([collection.folder("back")]), .refused)
      _ = try change.commit(by: nil)
    }
    for imputation in ["gather", "min", "zero"] {
      let asked = [("nprobe", "2"), ("candidates", "20"), ("imputation", imputation)]
      #expect(
        try collection.search("i", asked, k: 6) == collection.search("one", asked, k: 6),
        "\(imputation)")
    }
    let again = try IndexEdit(collection.folder("i"))
    _ = try IndexMerge(compacting: again.index, IVF.self).run(in: again, work, by: nil)
    let (compacted, one) = (
      try contents(collection.folder("i")), try contents(collection.folder("one"))
    )
    for (name, content) in one where name != IndexManifest.fileName {
      #expect(compacted[name] == content, "\(name)")
    }
  }

  /// The usual type of such documents stays the exact one; what does not go with them is refused.
  @Test func refusals() throws {
    let collection = try Collection(.dot)
    #expect(try IndexManifest(folder: collection.folder("exact")).type == MultiVector.name)
    func build(_ type: any IndexType.Type, _ given: [IndexArguments.Given]) -> Bool {
      status { try collection.build("i", type, given) } == .usage
    }
    #expect(build(IVF.self, [("codes", "int8")]))
    #expect(build(IVF.self, [("codes", "b1"), ("originals", "none")]))
    #expect(build(Flat.self, [("codes", "b1")]))
    #expect(build(Flat.self, [("dims", "4")]))
    #expect(build(IVF.self, [("num-centroids", "100000")]))
    try collection.build("i", IVF.self)
    #expect(
      status { _ = try openIndex(collection.folder("i"), given: [("oversample", "3")]) } == .usage)
    let sums = try Collection(.dot, aggregation: "sum,sum")
    #expect(status { try sums.build("i", Flat.self) } == .usage)
    try writeStream(
      collection.folder("d"), .dense(.f32, dimension: 2), dimension: 2, denseRecords([1, 2], 2))
    try buildIndex(collection.folder("dense"), streams: [collection.folder("d")])
    #expect(
      status { _ = try openIndex(collection.folder("dense"), given: [("candidates", "3")]) }
        == .usage)
  }
}
