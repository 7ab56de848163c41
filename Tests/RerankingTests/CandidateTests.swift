import Failures
import Records
import Reranking
import TestSupport
import Testing

/// The run has three queries with 3, 1 and 2 documents.
struct CandidateTests {
  private let folder: TemporaryFolder
  private let run: Run

  private static let lines = """
    q1 Q0 a 1 3 t
    q1 Q0 b 2 2 t
    q1 Q0 c 3 1 t
    q2 Q0 a 1 9 t
    q3 Q0 d 1 5 t
    q3 Q0 e 2 4 t

    """

  init() throws {
    folder = try TemporaryFolder()
    run = try RerankingTests.run(Self.lines, folder)
  }

  private func names(_ table: IDTable) -> [String] {
    (0..<table.count).map { table[$0].description }
  }

  @Test func candidatesOfAShard() {
    let all = CandidateIDs(run, queries: 0..<3, depth: .max)
    #expect(names(all.queries) == ["q1", "q2", "q3"])
    #expect(names(all.docs) == ["a", "b", "c", "d", "e"])
    let some = CandidateIDs(run, queries: 0..<2, depth: 2)
    #expect(names(some.queries) == ["q1", "q2"])
    #expect(names(some.docs) == ["a", "b"])
  }

  private func windows(
    _ queries: Range<Int>, depth: Int = .max, pairs: Int
  ) -> [Range<Int>] {
    var windows = CandidateWindows(run, queries, depth: depth, pairs: pairs)
    var found: [Range<Int>] = []
    while let window = windows.next() { found.append(window) }
    #expect(windows.pairs == 0)
    return found
  }

  /// A window is full with the query that brings it to the size, and a query is never divided.
  @Test func windowsOfWholeQueries() {
    #expect(windows(0..<3, pairs: 1) == [0..<1, 1..<2, 2..<3])
    #expect(windows(0..<3, pairs: 3) == [0..<1, 1..<3])
    #expect(windows(0..<3, pairs: 4) == [0..<2, 2..<3])
    #expect(windows(0..<3, pairs: 100) == [0..<3])
    #expect(windows(0..<3, depth: 1, pairs: 2) == [0..<2, 2..<3])
    #expect(windows(1..<3, pairs: 100) == [1..<3])
    #expect(windows(2..<2, pairs: 100) == [])
    #expect(CandidateWindows(run, 0..<3, depth: 2, pairs: 1).pairs == 5)
  }

  private func texts(
    _ run: Run? = nil, queries: String? = nil, docs: [String] = [],
    _ needs: NeededTexts = NeededTexts(queries: true, docs: true), range: Range<Int> = 0..<3
  ) throws -> CandidateTexts {
    let run = run ?? self.run
    return try CandidateTexts(
      run, CandidateIDs(run, queries: range, depth: 2), queryFile: queries, docFiles: docs, needs,
      options: RecordOptions(format: .tsv, onError: .skip))
  }

  @Test func textsOfFiles() throws {
    let queries = try folder.write("q.tsv", "q3\tthree\nq1\tone\nx\tother\n")
    let docs = try folder.write("d.tsv", "a\tA\nnot a record\nb\tB\nc\tC\nd\tD\n")
    let texts = try texts(queries: queries, docs: [docs])
    #expect(try texts.query(0) == Array("one".utf8))
    #expect(try texts.doc(run.entries(of: 0).lowerBound + 1) == Array("B".utf8))
    #expect(texts.skipped == 1)
    #expect(texts.firstSkipped?.place == "\(docs):2")
    // q2 and e have no text, and c is beyond the depth.
    for body: () throws -> [UInt8] in [
      { try texts.query(1) }, { try texts.doc(run.entries(of: 2).upperBound - 1) },
      { try texts.doc(run.entries(of: 0).upperBound - 1) },
    ] {
      #expect(failure { _ = try body() }?.status == .data)
    }
  }

  @Test func filesThatAreMissing() throws {
    #expect(failure { _ = try texts(docs: [folder("absent")]) }?.status == .usage)
    let queries = try folder.write("q.tsv", "q1\tone\n")
    #expect(failure { _ = try texts(queries: queries) }?.status == .usage)
    // What is not needed is not opened.
    _ = try texts(
      queries: folder("absent"), docs: [folder("absent")],
      NeededTexts(queries: false, docs: false))
  }

  /// Texts of files win over those of the run.
  @Test func textsOfTheRun() throws {
    let lines = """
      {"query_id":"q1","query":"from the run","doc_id":"a","text":"A","score":2}
      {"query_id":"q1","query":"from the run","doc_id":"b","text":"B","score":1}

      """
    let run = try RerankingTests.run(lines, folder, .texts)
    let own = try texts(run, range: 0..<1)
    #expect(try own.query(0) == Array("from the run".utf8))
    #expect(try own.doc(1) == Array("B".utf8))
    let queries = try folder.write("q.tsv", "q1\tfrom the file\n")
    let mixed = try texts(run, queries: queries, range: 0..<1)
    #expect(try mixed.query(0) == Array("from the file".utf8))
    #expect(try mixed.doc(0) == Array("A".utf8))
  }

  @Test func windowsOfARun() throws {
    let queries = try folder.write("q.tsv", "q1\tone\nq2\ttwo\nq3\tthree\n")
    let docs = try folder.write("d.tsv", "a\tA\nb\tB\nc\tC\nd\tD\ne\tE\n")
    let needs = NeededTexts(queries: true, docs: true)
    let texts = try texts(queries: queries, docs: [docs])
    let window = try PairWindow(run, 0..<2, depth: 2, texts, needs)
    #expect(window.queryIDs.map(\.description) == ["q1", "q2"])
    #expect(window.queries == ["one", "two"].map { Array($0.utf8) })
    #expect(window.docIDs.map { $0.map(\.description) } == [["a", "b"], ["a"]])
    #expect(window.docs == [[[0x41], [0x42]], [[0x41]]])
    #expect(window.pairs == 3)
    let bare = try PairWindow(
      run, 0..<2, depth: 2, texts, NeededTexts(queries: false, docs: false))
    #expect(bare.queries == [] && bare.docs == [[], []] && bare.pairs == 3)
  }

  /// Pairs of one query that stand together are one query's; a query that comes back is another one.
  @Test func windowsOfPairs() throws {
    try folder.write("pairs.tsv", "q\ta\tone\tA\nq\tb\tone\tB\nr\ta\ttwo\tA\nq\tc\tone\tC\n")
    let reader = try TextRecordReader(
      [folder("pairs.tsv")], options: RecordOptions(format: .tsv, content: .pairs))
    let window = PairWindow(try #require(try reader.next()))
    #expect(window.queryIDs.map(\.description) == ["q", "r", "q"])
    #expect(window.queries == ["one", "two", "one"].map { Array($0.utf8) })
    #expect(window.docIDs.map { $0.map(\.description) } == [["a", "b"], ["a"], ["c"]])
    #expect(window.docs == [[[0x41], [0x42]], [[0x41]], [[0x43]]])
  }

  /// With a share of a quarter, 0.75·2 + 0.25·10 = 4.
  @Test func finalScores() throws {
    let docs = ["a", "b"].map { RecordID($0) }
    let query = RecordID("q")
    var model = FinalScores()
    let plain = try model.documents(query, docs, [2, -1])
    #expect(plain == [ScoredDocument(id: docs[0], score: 2), .init(id: docs[1], score: -1)])
    var quarter = FinalScores(firstShare: 0.25)
    let mixed = try quarter.documents(query, docs, [2, -1]) { [10, 3][$0] }
    #expect(mixed.map(\.score) == [4, 0])
    var first = FinalScores(firstShare: 1)
    #expect(
      try first.documents(query, docs, [2, -1]) { [10, 3][$0] }.map(\.score) == [10, 3])
    for wrong in [Float.nan, .infinity, -.infinity] {
      let found = failure { _ = try model.documents(query, docs, [2, wrong]) }
      #expect(found?.status == .data)
      #expect(found?.place == "query q, document b")
    }
  }

  /// 1 − 2⁻²⁴ and 1 − 2⁻²³ are the numbers below 1 in single precision, by its definition; equal logits
  /// keep one score, and a score that is lower anyway stays.
  @Test func saturatedScores() throws {
    let docs = ["a", "b", "c", "d", "e"].map { RecordID($0) }
    let below: [Float] = [1 - 0x1p-24, 1 - 0x1p-23]
    var model = FinalScores()
    let documents = try model.documents(
      RecordID("q"), docs, [1, 1, 1, 1, 0.5], logits: [20, 22, 21, 21, 0])
    #expect(documents.map(\.score) == [below[1], 1, below[0], below[0], 0.5])
    #expect(model.steps.lowered == 3)
    // Of equal scores the higher id comes first, as everywhere.
    #expect(
      documents.sorted { $0.precedes($1) }.map(\.id.description) == ["b", "d", "c", "a", "e"])
    #expect(model.steps.warning?.contains("3 scores") == true)
    #expect(model.steps.warning?.contains("--score logit") == true)
  }

  /// A score that would be passed by a lowered one goes down with it, and zero has numbers below it.
  @Test func saturatedScoresPushOthers() throws {
    let docs = ["a", "b", "c"].map { RecordID($0) }
    var model = FinalScores()
    let top = try model.documents(
      RecordID("q"), docs, [1, 1, 1 - 0x1p-24], logits: [30, 20, 16.5])
    #expect(top.map(\.score) == [1, 1 - 0x1p-24, 1 - 0x1p-23])
    let zero = try model.documents(RecordID("r"), docs, [0, 0, 0], logits: [-200, -300, -250])
    #expect(zero.map(\.score) == [0, -0x1p-148, -0x1p-149])
    #expect(zero.map(\.score).map { Float("\($0)") } == zero.map(\.score))
    // Nothing that could be told apart is touched.
    var others = FinalScores()
    _ = try others.documents(RecordID("q"), docs, [0.5, 0.25, 0.5], logits: [0, -1.1, 0])
    #expect(others.steps.lowered == 0)
    #expect(others.steps.warning == nil)
  }

  /// Mixed scores go by the mixture first: the first stage's share decides where the logits' is too
  /// small to be seen, and not at all where the model has no share.
  @Test func saturatedMixtures() throws {
    let docs = ["a", "b", "c"].map { RecordID($0) }
    func mixed(_ share: Float, _ first: [Float]) throws -> [Float] {
      var final = FinalScores(firstShare: share)
      return try final.documents(
        RecordID("q"), docs, [1, 1, 1], logits: [20, 22, 21], first: { first[$0] }
      ).map(\.score)
    }
    let half = try mixed(0.5, [3, 3, 3])
    #expect(half == [2 - 0x1p-22, 2, 2 - 0x1p-23])
    #expect(try mixed(0.5, [5, 4, 3]) == [3, 2.5, 2])
    #expect(try mixed(1, [3, 3, 3]) == [3, 3, 3])
  }
}
