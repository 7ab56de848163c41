import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import TestSupport
import Testing
import Vectors
import Workers

@Suite struct PlaidTests {
  static let width = 24
  static let shape = VectorShape(width: width, hasTokens: true)

  /// Texts whose vectors are near to those of others with the same token, of length 1.
  static func sets(_ count: Int, seed: UInt64, vectors: Int = 9) -> [VectorSet] {
    var random = CounterRandom(seed: seed)
    func number() -> Float { Float(Int(random.next() >> 40) - 1 << 23) * 0x1p-23 }
    let means = (0..<12).map { token in
      var own = CounterRandom(seed: UInt64(7000 + token))
      return (0..<width).map { _ in Float(Int(own.next() >> 40) - 1 << 23) * 0x1p-23 }
    }
    return (0..<count).map { text in
      var set = VectorSet()
      for _ in 0..<(text % 40 == 7 ? 0 : 1 + Int(random.next() % UInt64(vectors))) {
        let token = Int(random.next() % 12)
        set.ids.append(Int32(token * 100))
        var row = means[token].map { $0 + 0.4 * number() }
        DenseComparison.bringToUnitLength(&row, dimension: width, Kernels())
        set.values += row
      }
      return set
    }
  }

  private static func index(
    _ folder: TemporaryFolder, _ docs: [VectorSet], _ given: [IndexArguments.Given] = [],
    similarity: String = "dot", aggregation: String? = nil, name: String = "i", threads: Int = 1
  ) throws {
    try writeVectors(
      folder("s"), docs, shape, similarity: similarity, aggregation: aggregation)
    try buildIndex(
      folder(name), streams: [folder("s")], type: Plaid.self, given: given, threads: threads)
  }

  /// Scores of all documents by their decoded vectors.
  private static func scores(
    _ query: VectorSet, _ decoded: DecodedPlaid, _ similarity: Similarity,
    _ aggregation: Aggregation
  ) -> [Float] {
    let count = query.values.count / width
    return decoded.documents.map { vectors in
      if vectors.isEmpty { return -.infinity }
      let maxima = (0..<count).map { place -> Float in
        var own = Array(query.values[place * width..<(place + 1) * width])
        if similarity == .cosine {
          DenseComparison.bringToUnitLength(&own, dimension: width, Kernels())
        }
        return vectors.map { vector -> Float in
          guard similarity == .l2 else { return DecodedPlaid.product(own[...], vector.values) }
          let square = zip(own, vector.values).reduce(Float(0)) {
            $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
          }
          return -square.squareRoot()
        }.max() ?? 0
      }
      switch aggregation {
      case .sum: return maxima.reduce(0, +)
      case .mean: return maxima.reduce(0, +) / Float(count)
      case .max: return maxima.max() ?? 0
      }
    }
  }

  /// Scores by look-ups are those of decoded vectors, but for what a query of bytes is off by: 1/254 of
  /// its largest number, for each number of a vector of length 1.
  @Test(
    arguments: ["1", "2", "4"],
    [
      (Similarity.dot, Aggregation.sum), (.cosine, .mean), (.l2, .sum), (.dot, .max),
    ])
  func scoresOfDecodedVectors(bits: String, how: (Similarity, Aggregation)) throws {
    let (similarity, aggregation) = how
    let docs = Self.sets(150, seed: 1)
    let queries = Self.sets(6, seed: 2).filter { !$0.values.isEmpty }
    let folder = try TemporaryFolder()
    try Self.index(
      folder, docs, [("n-bits", bits), ("num-centroids", "40")], similarity: similarity.rawValue,
      aggregation: Aggregations(query: aggregation, doc: .max).recorded)
    let decoded = try DecodedPlaid(folder("i"))
    let index = try openIndex(folder("i"), given: [("approximate", "true")])
    for (place, query) in queries.enumerated() {
      let expected = Self.scores(query, decoded, similarity, aggregation)
      let found = try index.scores(
        .vectors(queries, Self.shape), place, of: Array(docs.indices))
      let vectors = aggregation == .sum ? query.values.count / Self.width : 1
      for (a, b) in zip(found, expected) where a != b {
        #expect((a - b).magnitude <= Float(vectors) * (similarity == .l2 ? 0.03 : 0.012))
      }
    }
  }

  /// With every centroid and all candidates the order is that of all documents' scores; more bits are
  /// nearer to the vectors themselves.
  @Test func widestSearch() throws {
    let docs = Self.sets(400, seed: 3)
    let queries = Self.sets(8, seed: 4).filter { !$0.values.isEmpty }
    let folder = try TemporaryFolder()
    var overlaps: [Int] = []
    for bits in ["1", "4"] {
      try Self.index(folder, docs, [("n-bits", bits), ("num-centroids", "30")], name: bits)
      let exact = try searchVectors(
        openIndex(folder(bits), given: [("exact", "true")]), queries, Self.shape, k: 10)
      let index = try openIndex(
        folder(bits), given: [("n-cells", "all"), ("candidate-k", "4000"), ("approximate", "true")])
      let found = try searchVectors(index, queries, Self.shape, k: 10)
      for (query, hits) in found.enumerated() {
        let scores = try index.scores(
          .vectors(queries, Self.shape), query, of: Array(docs.indices))
        let order = docs.indices.filter { scores[$0] > -.infinity }.sorted {
          scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
        }
        #expect(hits.map(\.ordinal) == Array(order.prefix(10)))
      }
      overlaps.append(
        zip(found, exact).reduce(0) {
          $0 + Set($1.0.map(\.ordinal)).intersection($1.1.map(\.ordinal)).count
        })
    }
    #expect(overlaps[1] > overlaps[0])
    #expect(overlaps[1] >= queries.count * 9)
  }

  /// What candidates are: documents of a vector's nearest centroids; of them those that centroids leave.
  @Test func candidatesOfNearCentroids() throws {
    let docs = Self.sets(600, seed: 5)
    let queries = Self.sets(10, seed: 6).filter { !$0.values.isEmpty }
    let folder = try TemporaryFolder()
    try Self.index(folder, docs, [("num-centroids", "64")])
    let decoded = try DecodedPlaid(folder("i"))
    let index = try openIndex(
      folder("i"),
      given: [
        ("n-cells", "2"), ("candidate-k", "500"), ("centroid-score-threshold", "-9"),
        ("approximate", "true"),
      ])
    let found = try searchVectors(index, queries, Self.shape, k: 30)
    for (query, hits) in zip(queries, found) {
      var near: Set<Int> = []
      for place in 0..<query.values.count / Self.width {
        let own = query.values[place * Self.width..<(place + 1) * Self.width]
        let scores = decoded.centroids.map { DecodedPlaid.product(own, $0) }
        near.formUnion(scores.indices.sorted { scores[$0] > scores[$1] }.prefix(2))
      }
      let candidates = near.reduce(into: Set<Int>()) { $0.formUnion(decoded.members[$1]) }
      #expect(candidates.count < docs.count)
      // Bytes of a query may choose another of two centroids that score alike.
      let strangers = Set(hits.map(\.ordinal)).subtracting(candidates)
      #expect(strangers.count <= 1)
    }
  }

  /// `--exact` is the run of a multi-vector index, to the last bit.
  @Test(arguments: Similarity.allCases) func exactIsMultiVector(similarity: Similarity) throws {
    let docs = Self.sets(120, seed: 7)
    let queries = Self.sets(9, seed: 8)
    let folder = try TemporaryFolder()
    try Self.index(folder, docs, similarity: similarity.rawValue)
    try buildIndex(folder("m"), streams: [folder("s")], type: MultiVector.self)
    #expect(
      try searchVectors(
        openIndex(folder("i"), given: [("exact", "true")]), queries, Self.shape, k: 30)
        == searchVectors(openIndex(folder("m")), queries, Self.shape, k: 30))
    try Self.index(
      folder, docs, [("originals", "none")], similarity: similarity.rawValue, name: "n")
    #expect(status { _ = try openIndex(folder("n"), given: [("exact", "true")]) } == .config)
    try Plaid.verify(IndexFolder(folder("n")))
  }

  /// Segments are searched as one index of all their documents.
  @Test(arguments: ["plaid", "warp", "xtr"])
  func segmentsAreOneCollection(scoring: String) throws {
    let docs = Self.sets(500, seed: 9)
    let queries = Self.sets(12, seed: 10)
    let folder = try TemporaryFolder()
    try writeVectors(folder("a"), Array(docs[..<300]), Self.shape)
    try writeVectors(folder("b"), Array(docs[300...]), Self.shape, from: 300)
    try buildIndex(
      folder("i"), streams: [folder("a")], type: Plaid.self, given: [("num-centroids", "64")])
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    // The index is locked while it is changed.
    do {
      var change = try IndexChange(IndexEdit(folder("i")), Plaid.self, work)
      #expect(try change.append(.streams([folder("b")]), .refused) == .added(200))
      _ = try change.commit(by: nil)
    }
    var given: [IndexArguments.Given] = [("n-cells", "2"), ("scoring", scoring)]
    if scoring == "plaid" { given.append(("candidate-k", "80")) }
    if scoring == "xtr" { given.append(("k-prime", "50")) }
    let apart = try searchVectors(
      openIndex(folder("i"), given: given), queries, Self.shape, k: 15)
    let edit = try IndexEdit(folder("i"))
    _ = try IndexMerge(compacting: edit.index, Plaid.self).run(in: edit, work, by: nil)
    try Plaid.verify(IndexFolder(folder("i")))
    #expect(
      try searchVectors(openIndex(folder("i"), given: given), queries, Self.shape, k: 15) == apart)
  }

  /// The definitions of XTR (arXiv:2304.01982) and WARP (arXiv:2501.17788), on decoded vectors.
  @Test(arguments: [("xtr", "min"), ("xtr", "zero"), ("warp", "warp"), ("xtr", "gather")])
  func tokenRetrieval(scoring: String, imputation: String) throws {
    let docs = Self.sets(200, seed: 12)
    let queries = Self.sets(8, seed: 13).filter { !$0.values.isEmpty }
    let folder = try TemporaryFolder()
    try Self.index(folder, docs, [("num-centroids", "32"), ("n-bits", "4")])
    let decoded = try DecodedPlaid(folder("i"))
    let (taken, cells, missing) = (60, 4, 300)
    let index = try openIndex(
      folder("i"),
      given: [
        ("scoring", scoring), ("imputation", imputation), ("k-prime", String(taken)),
        ("t-prime", String(missing)), ("n-cells", scoring == "xtr" ? "all" : String(cells)),
      ])
    let found = try searchVectors(index, queries, Self.shape, k: 200)
    var (compared, different) = (0, 0)
    for (query, hits) in zip(queries, found) {
      var sums = [Float](repeating: 0, count: docs.count)
      let count = query.values.count / Self.width
      for place in 0..<count {
        let own = query.values[place * Self.width..<(place + 1) * Self.width]
        let near = zip(decoded.centroids, decoded.lengths).map { centroid, length in
          let product = DecodedPlaid.product(own, centroid)
          let square = DecodedPlaid.product(centroid[...], centroid)
          return scoring == "warp" && square > 0 ? product * length / square.squareRoot() : product
        }
        let order = near.indices.sorted { near[$0] > near[$1] }
        let scores = decoded.documents.map { $0.map { DecodedPlaid.product(own, $0.values) } }
        let least = scores.joined().sorted(by: >)[taken - 1]
        var reached = 0
        let last = order.first { centroid in
          reached += decoded.sizes[centroid]
          return reached >= missing
        }
        let probed = Set(order.prefix(cells))
        for document in docs.indices {
          let counted = zip(scores[document], decoded.documents[document]).filter { score, vector in
            scoring == "xtr" ? score >= least : probed.contains(vector.centroid)
          }.map(\.0)
          let other: Float =
            switch imputation {
            case "zero": 0
            case "warp": last.map { near[$0] } ?? 0
            case "gather": scores[document].max() ?? 0
            default: least
            }
          sums[document] += counted.max() ?? other
        }
      }
      for hit in hits {
        compared += 1
        if (hit.score - sums[hit.ordinal]).magnitude > 0.02 * Float(count) { different += 1 }
      }
    }
    // A query of bytes may take another of two vectors or centroids that score alike.
    #expect(compared > 200)
    #expect(different * 20 <= compared, "\(different) of \(compared)")
  }

  /// Centroids know how long their vectors are.
  @Test func lengths() throws {
    var docs = Self.sets(200, seed: 14)
    for place in docs.indices {
      docs[place].values = docs[place].values.map { $0 * Float(1 + place % 7) }
    }
    let folder = try TemporaryFolder()
    try Self.index(folder, docs, [("num-centroids", "32")])
    let decoded = try DecodedPlaid(folder("i"))
    var sums = [Float](repeating: 0, count: decoded.centroids.count)
    for (set, vectors) in zip(docs, decoded.documents) {
      for (place, vector) in vectors.enumerated() {
        let own = set.values[place * Self.width..<(place + 1) * Self.width]
        sums[vector.centroid] += DecodedPlaid.product(own, Array(own)).squareRoot()
      }
    }
    for (centroid, size) in decoded.sizes.enumerated() where size > 0 {
      let mean = sums[centroid] / Float(size)
      #expect((decoded.lengths[centroid] - mean).magnitude < 1e-4 * mean)
    }
  }

  /// Buckets end in the middle between what they and their neighbours are decoded as: Lloyd's condition of
  /// the least error.
  @Test(arguments: [1, 2, 4]) func buckets(bits: Int) throws {
    let folder = try TemporaryFolder()
    try Self.index(folder, Self.sets(120, seed: 5), [("n-bits", "\(bits)")])
    let decoded = try DecodedPlaid(folder("i"))
    #expect(decoded.means.count == 1 << bits && decoded.means == decoded.means.sorted())
    #expect(decoded.cutoffs == zip(decoded.means, decoded.means.dropFirst()).map { ($0 + $1) / 2 })
  }

  /// A preset looks at more centroids where scores come from what is looked at alone.
  @Test func presets() {
    func cells(_ given: [IndexArguments.Given]) -> String? {
      Plaid.settings(.accurate, given).last { $0.name == "n-cells" }?.value
    }
    #expect(cells([]) == "4" && cells([("scoring", "plaid")]) == "4")
    #expect(cells([("scoring", "warp")]) == "128" && cells([("scoring", "xtr")]) == "128")
    #expect(cells([("scoring", "warp"), ("n-cells", "3")]) == "3")
  }

  @Test func refusals() throws {
    let docs = Self.sets(20, seed: 11)
    let folder = try TemporaryFolder()
    #expect(status { try Self.index(folder, docs, aggregation: "sum,mean") } == .config)
    try Self.index(folder, docs)
    for given: [IndexArguments.Given] in [
      [("n-cells", "none")], [("scoring", "none")], [("imputation", "min")], [("t-prime", "5")],
    ] {
      #expect(status { _ = try openIndex(folder("i"), given: given) } == .usage, "\(given)")
    }
  }
}
