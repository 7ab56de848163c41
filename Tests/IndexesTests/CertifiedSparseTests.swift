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

/// A sparse index against the comparison of every query with every document: the same documents in the
/// same order with scores of the same bits.
@Suite struct CertifiedSparseTests {
  /// Documents and queries that are hard for a bound, each in its own way.
  enum Hard: String, CaseIterable {
    case usual, negative, equal, nearlyEqual, zeros, denormals, huge, mixed, grid

    func vectors(_ count: Int, seed: UInt64) -> [SparseVector] {
      var random = CounterRandom(seed: seed)
      func number() -> Float { Float(Int(random.next() >> 40) + 1) * 0x1p-24 }
      return (0..<count).map { row in
        var vector = SparseVector()
        for term in 0..<CertifiedSparseTests.terms {
          // Term 0 is in almost every document, the last ones in few.
          guard random.next() % UInt64(term + 5) < 4, row % 50 != 49 else { continue }
          vector.indices.append(Int32(term))
          let value: Float =
            switch self {
            case .usual: number()
            case .negative: number() - 0.5
            case .equal: 0.7
            // Scores that differ in their last bits, if at all.
            case .nearlyEqual: term == row % 7 ? Float(0.3).nextUp : 0.3
            case .zeros: row % 3 == 0 ? number() : row % 3 == 1 ? 0 : -0.0
            case .denormals: number() * 0x1p-140
            case .huge: number() * 0x1p62
            case .mixed: number() * Float(sign: .plus, exponent: row % 41 - 20, significand: 1)
            case .grid: Float(random.next() % 3 + 1)
            }
          vector.values.append(value)
        }
        return vector
      }
    }
  }

  static let terms = 60

  static func folder(
    _ documents: [SparseVector], _ similarity: String = "dot"
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try write(documents, 0..<documents.count, to: folder("s"), similarity)
    return folder
  }

  static func write(
    _ documents: [SparseVector], _ rows: Range<Int>, to path: String, _ similarity: String = "dot"
  ) throws {
    try writeStream(
      path, .sparse, dimension: terms, similarity: similarity,
      rows.map { row in
        let vector = documents[row]
        return (
          descendingID(row), vector.indices.count, [bytes(vector.indices), bytes(vector.values)]
        )
      })
  }

  /// The best documents by comparison; nil where a score of one is no number.
  static func expected(
    _ documents: [SparseVector], _ query: SparseVector, k: Int, _ similarity: Similarity,
    without own: Int? = nil
  ) -> [(ordinal: Int, score: Float)]? {
    func length(_ vector: SparseVector) -> Float { max(SparseComparison.norm(vector), 1e-8) }
    let terms = Set(query.indices)
    var found: [(ordinal: Int, score: Float)] = []
    for (ordinal, document) in documents.enumerated() {
      if ordinal == own || !document.indices.contains(where: terms.contains) { continue }
      var score: Float = 0
      for (term, weight) in zip(query.indices, query.values) {
        if let place = document.indices.firstIndex(of: term) {
          score.addProduct(weight, document.values[place])
        }
      }
      if similarity == .cosine { score /= length(query) * length(document) }
      if !score.isFinite { return nil }
      found.append((ordinal, score))
    }
    // Ids descend.
    found.sort { $0.score != $1.score ? $0.score > $1.score : $0.ordinal < $1.ordinal }
    return Array(found.prefix(k))
  }

  static func search(
    _ index: any SearchableIndex, _ queries: [SparseVector], k: Int, dropsSelf: Bool = false
  ) throws -> [[TopDocuments.Entry]] {
    try index.search(
      SearchRequest(
        ids: queries.indices.map { dropsSelf ? descendingID($0) : Array("q\($0)".utf8) },
        queries: .sparse(queries), k: k, dropsSelf: dropsSelf))
  }

  private static func check(
    _ found: [TopDocuments.Entry], _ expected: [(ordinal: Int, score: Float)], _ what: String
  ) {
    #expect(found.map { Int($0.ordinal) } == expected.map(\.ordinal), "\(what)")
    #expect(
      found.map(\.score.bitPattern) == expected.map(\.score.bitPattern), "\(what)")
  }

  @Test(arguments: Hard.allCases, ["dot", "cosine"])
  func bitsOfTheComparison(hard: Hard, similarity: String) throws {
    let documents = hard.vectors(300, seed: 1)
    let folder = try Self.folder(documents, similarity)
    let kind = try #require(Similarity(rawValue: similarity))
    // Some queries are documents, and one has nothing.
    let queries =
      hard.vectors(8, seed: 2) + documents.prefix(2) + Hard.negative.vectors(2, seed: 3)
      + [SparseVector(), SparseVector(indices: [59], values: [0])]
    let expected = queries.map { Self.expected(documents, $0, k: 1000, kind) }
    let forms: [[IndexArguments.Given]] = [
      [("window", "64")], [("window", "100"), ("reorder", "bp")], [],
    ]
    for (form, given) in forms.enumerated() {
      try buildIndex(folder("\(form)"), streams: [folder("s")], given: given)
      let index = try openIndex(folder("\(form)"), threads: 2)
      let other = try openIndex(
        folder("\(form)"), given: [("engine", form == 2 ? "blocks" : "scatter")])
      let exact = try openIndex(folder("\(form)"), given: [("exact", "true")])
      for (query, all) in zip(queries, expected) {
        for k in [1, 10, 1000] {
          // Scores may overflow, which is an error whatever finds it.
          guard let all else {
            #expect(status { _ = try Self.search(index, [query], k: k) } == .data)
            #expect(status { _ = try Self.search(exact, [query], k: k) } == .data)
            continue
          }
          let best = Array(all.prefix(k))
          Self.check(try Self.search(index, [query], k: k)[0], best, "form \(form), k \(k)")
          Self.check(try Self.search(other, [query], k: k)[0], best, "other engine, k \(k)")
          Self.check(try Self.search(exact, [query], k: k)[0], best, "exact, k \(k)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.supported) func everyInstructionSet(_ isa: InstructionSet) throws
  {
    let documents = Hard.usual.vectors(900, seed: 4)
    let folder = try Self.folder(documents)
    try buildIndex(folder("i"), streams: [folder("s")], given: [("window", "333")])
    let index = try openIndex(folder("i"), isa)
    for query in Hard.usual.vectors(20, seed: 5) {
      let expected = try #require(Self.expected(documents, query, k: 10, .dot))
      Self.check(try Self.search(index, [query], k: 10)[0], expected, "\(isa)")
    }
  }

  /// The proof leaves few documents: else it would be a scan of all.
  @Test func fewSurvive() throws {
    let documents = Hard.usual.vectors(2000, seed: 6)
    let folder = try Self.folder(documents)
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try openIndex(folder("i"))
    _ = try Self.search(index, Hard.usual.vectors(20, seed: 7), k: 10)
    let figures = index.figures
    #expect(figures.map(\.name) == ["survivors_p50", "survivors_max"])
    #expect(figures.allSatisfy { Int($0.value).map { $0 >= 10 && $0 < 100 } ?? false })
  }

  /// What a query may not find must not count among the k that push others out.
  @Test func whatMayNotBeFoundExcludesNothing() throws {
    let documents = Hard.usual.vectors(300, seed: 8)
    let folder = try Self.folder(documents)
    try buildIndex(folder("i"), streams: [folder("s")])
    let found = try Self.search(
      openIndex(folder("i")), Array(documents.prefix(20)), k: 1, dropsSelf: true)
    for (row, entries) in found.enumerated() {
      let expected = try #require(
        Self.expected(documents, documents[row], k: 1, .dot, without: row))
      Self.check(entries, expected, "document \(row)")
    }
  }

  /// Ranked by codes alone, scores are near those of the vectors.
  @Test func withoutTheProof() throws {
    for hard in [Hard.usual, .negative] {
      let documents = hard.vectors(400, seed: 9)
      let folder = try Self.folder(documents)
      try buildIndex(folder("i"), streams: [folder("s")], given: [("window", "128")])
      let index = try openIndex(folder("i"), given: [("approximate", "true")])
      for query in hard.vectors(10, seed: 10) {
        let expected = try #require(Self.expected(documents, query, k: 1000, .dot))
        let found = try Self.search(index, [query], k: 1000)[0]
        let scores = Dictionary(uniqueKeysWithValues: expected.map { ($0.ordinal, $0.score) })
        #expect(found.count == expected.count)
        for entry in found {
          let score = try #require(scores[Int(entry.ordinal)])
          #expect(abs(entry.score - score) < 0.03)
        }
      }
    }
  }

  /// A query is moved towards the vectors that the index keeps.
  @Test(arguments: ["dot", "cosine"]) func feedback(similarity: String) throws {
    let documents = Hard.usual.vectors(50, seed: 13)
    let folder = try Self.folder(documents, similarity)
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try openIndex(folder("i"))
    let query = SparseVector(indices: [1, 7], values: [2, 1])
    let request = SearchRequest(ids: [[0x71]], queries: .sparse([query]), k: 5)
    let vectors = try #require(index as? any VectorIndex)
    let first = try Self.search(index, [query], k: 2)[0].map { documents[Int($0.ordinal)] }
    let moved = try VectorFeedback(parsing: "2:0.5:3").expanding(request, vectors)
    guard case .sparse(let queries) = moved.queries else { return #expect(Bool(false)) }
    func weight(_ vector: SparseVector, _ term: Int32) -> Double {
      guard let place = vector.indices.firstIndex(of: term) else { return 0 }
      let squares = vector.values.reduce(0.0) { $0 + Double($1) * Double($1) }
      return Double(vector.values[place]) / (similarity == "cosine" ? squares.squareRoot() : 1)
    }
    for (term, value) in zip(queries[0].indices, queries[0].values) {
      let expected =
        0.5 * weight(query, term) + 3 * (weight(first[0], term) + weight(first[1], term)) / 2
      #expect(abs(Double(value) - expected) < 1e-6)
    }
    #expect(Set(queries[0].indices) == Set(([query] + first).flatMap(\.indices)))
  }

  /// Parts joined have the bytes of one build, also with two threads and little memory.
  @Test func sameBytes() throws {
    let documents = Hard.mixed.vectors(300, seed: 11)
    for similarity in ["dot", "cosine"] {
      let folder = try Self.folder(documents, similarity)
      let given: [IndexArguments.Given] = [("window", "100"), ("reorder", "bp")]
      try buildIndex(folder("one"), streams: [folder("s")], given: given)
      try buildIndex(folder("two"), streams: [folder("s")], given: given, threads: 2, maxMemory: 1)
      #expect(try contents(folder("one")) == contents(folder("two")))
      for (name, rows) in [("a", 0..<70), ("b", 70..<250), ("c", 250..<300)] {
        try Self.write(documents, rows, to: folder(name), similarity)
        try buildIndex(folder("\(name).index"), streams: [folder(name)], given: given)
      }
      let merge = try IndexMerge(
        ["a.index", "b.index", "c.index"].map { try IndexFolder(folder($0)) }, Sparse.self)
      _ = try merge.run(
        to: folder("merged"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
      #expect(try contents(folder("merged")) == contents(folder("one")))
      try Sparse.verify(IndexFolder(folder("merged")))
    }
  }

  /// Documents of several subjects that come in turns: reordered, those of a subject are together.
  @Test func documentsOfASubjectAreBroughtTogether() throws {
    let subjects = 4
    let documents = (0..<1024).map { row -> SparseVector in
      var random = CounterRandom(seed: UInt64(row))
      let first = Int32(row % subjects * 15)
      let terms = (0..<15).filter { _ in random.next() % 3 > 0 }.map { first + Int32($0) }
      return SparseVector(indices: terms, values: terms.map { _ in 1 })
    }
    let folder = try Self.folder(documents)
    try buildIndex(folder("i"), streams: [folder("s")], given: [("reorder", "bp")])
    let file = try #require(Sparse.files.first { $0.name == "order" })
    let segment = try IndexFolder(folder("i")).segments[0]
    let order = try segment.column(file, as: Int32.self)
    let positions = (0..<1024).map { Int(order[$0]) }
    #expect(positions.sorted() == Array(0..<1024))
    for quarter in 0..<4 {
      let found = Set(positions[quarter * 256..<(quarter + 1) * 256].map { $0 % subjects })
      #expect(found.count == 1, "quarter \(quarter) has subjects \(found)")
    }
  }

  @Test func optionsThatExcludeEachOther() throws {
    let folder = try Self.folder(Hard.usual.vectors(5, seed: 12))
    try buildIndex(folder("i"), streams: [folder("s")])
    #expect(
      status {
        _ = try openIndex(folder("i"), given: [("exact", "true"), ("approximate", "true")])
      } == .usage)
    #expect(
      status { try buildIndex(folder("j"), streams: [folder("s")], given: [("window", "9")]) }
        == .usage)
    try Self.write([], 0..<0, to: folder("l2"), "l2")
    #expect(status { try buildIndex(folder("j"), streams: [folder("l2")]) } == .config)
  }
}
