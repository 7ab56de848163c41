import Failures
import IndexFormat
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import TestSupport
import Testing
import Workers

/// BM25 against the real Anserini 0.22.1 (scripts/reference/anserini).
@Suite struct BM25Tests {
  /// Lines `id<TAB>text`.
  private static func lines(_ path: String) throws -> [(id: String, text: String)] {
    String(decoding: try WholeFile.read(path), as: UTF8.self).split(separator: "\n").map { line in
      let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }
  }

  private static func build(
    _ target: String, texts: [String], given: [IndexArguments.Given] = [], threads: Int = 1,
    memory: Int = IndexWork.usualMemory
  ) throws {
    let build = IndexBuild(
      target, type: BM25.self, of: IndexTypes.all, given: given,
      IndexWork(Kernels(), WorkerPool(threads: threads), memory: memory))
    _ = try build.run(.texts(texts, RecordOptions()))
  }

  private static func search(
    _ folder: String, _ queries: [(id: String, text: String)], k: Int,
    given: [IndexArguments.Given] = [], threads: Int = 1
  ) throws -> [[(id: String, score: Float)]] {
    let index = try openIndex(folder, given: given, threads: threads)
    let found = try index.search(
      SearchRequest(
        ids: queries.map { Array($0.id.utf8) },
        queries: .texts(queries.map { Array($0.text.utf8) }),
        k: k))
    return found.map { entries in
      entries.map {
        (String(decoding: index.documents.id(Int($0.ordinal)), as: UTF8.self), $0.score)
      }
    }
  }

  /// Anserini's run by query: documents with scores in units of the fourth decimal, as it rounds.
  private static func run(_ path: String) throws -> [String: [(id: String, score: Int)]] {
    var run: [String: [(String, Int)]] = [:]
    for line in String(decoding: try WholeFile.read(path), as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: " ")
      let score = Int(((Double(fields[4]) ?? .nan) * 10000).rounded())
      run[String(fields[0]), default: []].append((String(fields[2]), score))
    }
    return run
  }

  /// Every line of a run: the same score to four decimals, and no better document left out.
  private static func compare(
    _ found: [[(id: String, score: Float)]], _ queries: [(id: String, text: String)],
    _ expected: [String: [(id: String, score: Int)]]
  ) -> (lines: Int, differing: Int) {
    var (lines, differing) = (0, 0)
    for (query, entries) in zip(queries, found) {
      let mine = Dictionary(
        uniqueKeysWithValues: entries.map { ($0.id, Int((Double($0.score) * 10000).rounded())) })
      for (id, score) in expected[query.id] ?? [] {
        lines += 1
        if mine[id] != score { differing += 1 }
      }
      let cut = expected[query.id]?.last?.score ?? 0
      for (id, score) in mine
      where score > cut && expected[query.id]?.contains(where: { $0.id == id }) != true {
        differing += 1
      }
    }
    return (lines, differing)
  }

  @Test func scoresOfAnserini() throws {
    let folder = try TemporaryFolder()
    try Self.build(folder("i"), texts: [fixture("bm25/docs.tsv")])
    let queries = try Self.lines(fixture("bm25/queries.tsv"))
    // Documents with equal scores may stand in another order, also at the end of the run.
    let found = try Self.search(folder("i"), queries, k: 600)
    let (lines, differing) = Self.compare(
      found, queries, try Self.run(fixture("bm25/anserini.run")))
    #expect(lines > 1500)
    #expect(differing == 0)
  }

  /// A real collection's real run, where it is there.
  @Test(.enabled(if: testData("cacm/runs") != nil, "LIR_TEST_DATA has no cacm"))
  func scoresOfAnseriniOnCACM() throws {
    guard let data = testData("cacm") else { return }
    let folder = try TemporaryFolder()
    try Self.build(folder("i"), texts: ["\(data)/docs.tsv"], threads: 2)
    let queries = try Self.lines("\(data)/queries.tsv")
    let expected = try Self.run("\(data)/runs/anserini-bm25.run")
    let found = try Self.search(folder("i"), queries, k: 3300, threads: 2)
    let (lines, differing) = Self.compare(found, queries, expected)
    #expect(lines > 1500)
    #expect(Double(differing) <= 0.001 * Double(lines), "\(differing) of \(lines)")
  }

  /// Feedback's second searches, on lines of the real Anserini.
  @Test(arguments: [
    ("rm3", [("rm3", "true")]),
    (
      "rm3-other",
      [
        ("rm3", "true"), ("rm3-fb-docs", "4"), ("rm3-fb-terms", "6"),
        ("rm3-original-query-weight", "0.3"), ("rm3-no-term-filter", "true"),
      ]
    ),
    ("rocchio", [("rocchio", "true")]),
    (
      "rocchio-negative",
      [
        ("rocchio", "true"), ("rocchio-use-negative", "true"), ("rocchio-gamma", "0.4"),
        ("rocchio-top-fb-docs", "3"), ("rocchio-bottom-fb-terms", "5"),
      ]
    ),
  ])
  func feedbackOfAnserini(run: String, given: [IndexArguments.Given]) throws {
    let folder = try TemporaryFolder()
    try Self.build(folder("i"), texts: [fixture("bm25/docs.tsv")])
    let queries = try Self.lines(fixture("bm25/queries.tsv"))
    let found = try Self.search(folder("i"), queries, k: 600, given: given)
    let (lines, differing) = Self.compare(
      found, queries, try Self.run(fixture("bm25/\(run).run")))
    #expect(lines > 1500)
    #expect(differing == 0)
  }

  /// Documents without a text are none to Anserini, which takes terms of a tenth of the others.
  @Test func feedbackWithoutEmptyDocuments() throws {
    let folder = try TemporaryFolder()
    // `few` is in 2 of 20 texts: just a tenth, but more than that of 19.
    let texts = (0..<18).map { "d\($0)\tfiller\($0)" } + ["e\tred few", "f\tblue few"]
    for (name, rest) in [("tenth", "g\t ."), ("more", "g\t ")] {
      let others = texts.enumerated().filter { name == "tenth" || $0.offset > 0 }.map(\.element)
      try write(folder("d.tsv"), (others + [rest]).joined(separator: "\n") + "\n")
      try Self.build(folder(name), texts: [folder("d.tsv")])
      let found = try Self.search(
        folder(name), [("q", "red")], k: 5, given: [("rm3", "true"), ("rm3-fb-docs", "1")])
      #expect(found[0].map(\.id) == (name == "tenth" ? ["e", "f"] : ["e"]))
    }
  }

  @Test func feedbackThatCannotBe() throws {
    let folder = try TemporaryFolder()
    try write(folder("d.tsv"), "a\tred\nb\tblue\n")
    try Self.build(folder("i"), texts: [folder("d.tsv")])
    try Self.build(folder("bare"), texts: [folder("d.tsv")], given: [("store-vectors", "no")])
    try BM25.verify(IndexFolder(folder("bare")))
    func open(_ name: String, _ given: [IndexArguments.Given]) throws {
      _ = try openIndex(folder(name), given: given)
    }
    #expect(status { try open("bare", [("rm3", "true")]) } == .config)
    #expect(status { try open("bare", [("rocchio", "true")]) } == .config)
    #expect(status { try open("bare", []) } == nil)
    #expect(status { try open("i", [("rm3", "true"), ("rocchio", "true")]) } == .usage)
    #expect(status { try open("i", [("rm3-fb-docs", "3")]) } == .usage)
    #expect(status { try open("i", [("rocchio", "true"), ("rocchio-gamma", "1")]) } == .usage)
  }

  /// Threads, memory and shards leave no trace in the bytes.
  @Test func sameBytes() throws {
    let folder = try TemporaryFolder()
    let docs = fixture("bm25/docs.tsv")
    try Self.build(folder("one"), texts: [docs])
    try Self.build(folder("small"), texts: [docs], threads: 2, memory: 40_000)
    #expect(try contents(folder("one")) == contents(folder("small")))
    let lines = try String(decoding: WholeFile.read(docs), as: UTF8.self).split(separator: "\n")
    try write(folder("a.tsv"), lines[..<250].joined(separator: "\n") + "\n")
    try write(folder("b.tsv"), lines[250...].joined(separator: "\n") + "\n")
    for part in ["a", "b"] { try Self.build(folder(part), texts: [folder("\(part).tsv")]) }
    let merge = try IndexMerge(["a", "b"].map { try IndexFolder(folder($0)) }, BM25.self)
    _ = try merge.run(to: folder("ab"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    #expect(try contents(folder("ab")) == contents(folder("one")))
    try BM25.verify(IndexFolder(folder("ab")))
  }

  @Test func scoresOfGivenDocuments() throws {
    let folder = try TemporaryFolder()
    try Self.build(folder("i"), texts: [fixture("bm25/docs.tsv")])
    let queries = try Self.lines(fixture("bm25/queries.tsv"))
    let index = try openIndex(folder("i"))
    let texts = queries.map { Array($0.text.utf8) }
    let found = try index.search(
      SearchRequest(ids: queries.map { Array($0.id.utf8) }, queries: .texts(texts), k: 600))
    for (query, entries) in found.enumerated() {
      let scores = try index.scores(.texts(texts), query, of: entries.map { Int($0.ordinal) })
      #expect(scores == entries.map(\.score))
    }
  }

  /// k1 = 0 leaves the idf: ln(1 + (N - n + 0.5) / (n + 0.5)) whatever the frequency.
  @Test func parametersOfSearching() throws {
    let folder = try TemporaryFolder()
    try write(folder("d.tsv"), "a\tred red\nb\tblue\nc\tgreen\nd\tthe\n")
    try Self.build(folder("i"), texts: [folder("d.tsv")])
    let found = try Self.search(folder("i"), [("q", "red")], k: 5, given: [("k1", "0")])
    #expect(found[0].map(\.id) == ["a"])
    // Three documents have terms: ln(1 + 2.5 / 1.5).
    #expect(abs(found[0][0].score - 0.9808292) < 1e-6)
    // A query of stop words, or of words that nobody has, finds nothing.
    #expect(
      try Self.search(folder("i"), [("q", "the"), ("r", "violet")], k: 5).allSatisfy(\.isEmpty))
  }

  @Test func damage() throws {
    let folder = try TemporaryFolder()
    try write(folder("d.tsv"), "a\tred red\nb\tblue\n")
    try Self.build(folder("i"), texts: [folder("d.tsv")])
    // The last posting is of one document and one time: a number of postings, and a distance.
    var content = try WholeFile.read(path(of: "postings", in: folder("i")))
    content[content.count - 1] ^= 2
    try replace("postings", of: folder("i"), by: content)
    #expect(status { try BM25.verify(IndexFolder(folder("i"))) } == .data)
    // A vector that says otherwise than the postings.
    try Self.build(folder("v"), texts: [folder("d.tsv")])
    content = try WholeFile.read(path(of: "vectors", in: folder("v")))
    content[content.count - 1] = 4
    try replace("vectors", of: folder("v"), by: content)
    #expect(status { try BM25.verify(IndexFolder(folder("v"))) } == .data)
  }
}
