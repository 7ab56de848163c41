import Failures
import Glibc
import Records
import TestSupport
import Testing
import Workers

private func refusal(
  _ text: String, format: RunFormat = .auto
) -> Failure? {
  do {
    _ = try RunReader.read(TemporaryFolder.file(text), format: format)
    return nil
  } catch { return error as? Failure }
}

@Suite struct RunTests {
  @Test func ordersAsTrecEval() throws {
    let run = try RunReader.read(
      TemporaryFolder.file(
        """
        # a comment
          # another

        q2 Q0 a 1 1 first
        q1\t0\tb  9 1.5 tag
        q2 Q0 c 1 1.0 tag
        q1 Q0 z 1 -1e1 tag\r
        q2 Q0 B 1 1e0 tag
        q1 Q0 y 1 +2 tag
        """))
    #expect(run.tag == "tag")
    #expect(run.count == 6)
    #expect((0..<2).map { run.queries[$0] } == ["q2", "q1"])
    #expect(run.documents(of: 0).map(\.id) == ["c", "a", "B"])
    #expect(run.documents(of: 1).map(\.id) == ["y", "b", "z"])
    #expect(run.documents(of: 1).map(\.score) == [2, 1.5, -10])
  }

  @Test func readsJSONLWithTexts() throws {
    let path = try TemporaryFolder.file(
      """
      {"query_id":"q","doc_id":"a","rank":2,"score":1,"query":"what","text":"A","relevance":0}
      {"query_id":"q","doc_id":7,"rank":1,"score":2.5,"query":"what","text":"B","relevance":1}
      {"query_id":"r","doc_id":"a","score":1,"query":"who","text":"A"}
      """)
    let run = try RunReader.read(path, keeping: [.texts])
    #expect(run.documents(of: 0).map(\.id) == ["7", "a"])
    #expect(run.entries(of: 0).map { run.docText($0) } == ["B", "A"])
    #expect(run.queryText(1) == "who")
    let relevance = try #require(run.relevance)
    #expect(relevance.count == 2)
    #expect(relevance.grade(query: "q", doc: "7") == 1)
    #expect(try RunReader.read(path).docText(0) == nil)
  }

  @Test func readsMSMARCO() throws {
    let run = try RunReader.read(TemporaryFolder.file("q\td1\t2\nq\td2\t1\n"), format: .msmarco)
    #expect(
      run.documents(of: 0) == [
        ScoredDocument(id: "d2", score: -1), ScoredDocument(id: "d1", score: -2),
      ])
  }

  @Test(arguments: [
    ("q Q0 a 1 1\n", 1, "found 5"), ("q Q0 a 1 1 t x\n", 1, "found 7"),
    ("q a 1\n", 1, "found 3"),
    ("q Q0 a 1 nan t\n", 1, "\"nan\""), ("q Q0 a 1 inf t\n", 1, "\"inf\""),
    ("q Q0 a 1 1e39 t\n", 1, "\"1e39\""), ("q Q0 a 1 1e999999999999999999999 t\n", 1, "score"),
    ("q Q0 a 1 0x1p3 t\n", 1, "\"0x1p3\""), ("q Q0 a 1 1,5 t\n", 1, "\"1,5\""),
    ("q Q0 a 1 - t\n", 1, "\"-\""), ("q Q0 a 1 . t\n", 1, "\".\""), ("q Q0 a 1 1e t\n", 1, "1e"),
    ("q Q0 a\0 1 1 t\n", 1, "a NUL"),
    ("q Q0 a 1 1 t\nq Q0 b 2 0 t\nr Q0 a 1 1 t\nq Q0 a 3 5 t\n", 4, "after line 1"),
    ("q Q0 a 1 1 t\n# c\nq Q0 a 3 5 t\n", 3, "after line 1"),
    ("{\"query_id\":\"q\",\"doc_id\":\"d\"}\n", 1, "null"),
    ("{\"query_id\":\"q\",\"doc_id\":\"d\",\"score\":\"1\"}\n", 1, "a string"),
    ("{\"query_id\":\"q\",\"score\":1}\n", 1, "doc_id"),
    ("{\"query_id\":\"q\",\"doc_id\":\"d\",\"score\":1,\"relevance\":0.5}\n", 1, "relevance"),
  ])
  func refusesMalformedRuns(text: String, line: Int, message: String) throws {
    let failure = try #require(refusal(text))
    #expect(failure.status == .data)
    #expect(failure.place?.hasSuffix(":\(line)") == true, "\(failure)")
    #expect(failure.message.contains(message), "\(failure)")
  }

  @Test func refusesMalformedMSMARCORuns() {
    for text in ["q d 0\n", "q d x\n", "q d 1.5\n", "q d\n", "q Q0 d 1 1 t\n", "q d 1\nq d 2\n"] {
      #expect(refusal(text, format: .msmarco)?.status == .data, "\(text)")
    }
  }

  @Test func missingRunIs66() {
    let failure = #expect(throws: Failure.self) { try RunReader.read("/nowhere/run") }
    #expect(failure?.status == .noInput)
  }

  @Test func writesWhatItReads() throws {
    var builder = RunBuilder(name: "x")
    var generator = SystemRandomNumberGenerator()
    for query in 0..<20 {
      for doc in 0..<50 {
        let bits = UInt32.random(in: 0...UInt32.max, using: &generator)
        let score = Float(bitPattern: bits)
        builder.add(
          query: RecordID("q\(query % 7)"), doc: RecordID("d\(query)-\(doc)"),
          score: doc % 5 == 0 || !score.isFinite ? 1 : score)
      }
    }
    let run = try builder.finish()
    let writer = try RunWriter(tag: "t")
    var text: [UInt8] = []
    for query in 0..<run.queries.count {
      writer.append(
        query: run.queries[query], documents: run.documents(of: query).shuffled(), to: &text)
    }
    let again = try RunReader.read(TemporaryFolder.file(text))
    #expect(again.queries.count == 7)
    for query in 0..<7 {
      #expect(again.documents(of: query) == run.documents(of: query))
      // What was written is in order already.
      #expect(again.entries(of: query).map { again.ordinal($0) } == Array(again.entries(of: query)))
    }
  }

  @Test func writesLines() throws {
    var text: [UInt8] = []
    try RunWriter(tag: "me").append(
      query: "q",
      documents: [
        ScoredDocument(id: "a", score: 0.1), ScoredDocument(id: "b", score: 0.1),
        ScoredDocument(id: "c", score: 1e-7), ScoredDocument(id: "d", score: 3),
      ], to: &text)
    #expect(
      String(decoding: text, as: UTF8.self)
        == "q Q0 d 1 3.0 me\nq Q0 b 2 0.1 me\nq Q0 a 3 0.1 me\nq Q0 c 4 1e-07 me\n")
    for tag in ["", "a b", "a\n"] {
      #expect(throws: Failure.self) { try RunWriter(tag: tag) }
    }
  }

  @Test func scoresAreReadAsTrecEvalReadsThem() throws {
    var texts = [
      "0", "-0", "1.", ".5", "+.5e+1", "16777217", "1.00000005960464477540", "0.1", "1e-45",
      "123456789012345678901234567890", "0.000000000000000000000000000001234567890123456789",
      "15.780599594116211", "140998.0", "3.4028235e38", "1e-400", "00000000000000000000000001.5",
    ]
    for _ in 0..<200_000 {
      let double = Double.random(in: -100...100)
      texts.append("\(double)")
      texts.append("\(Float.random(in: -30...30))")
      texts.append("\(Double(Float.random(in: 0...1)))")
    }
    var lines = ""
    for (i, text) in texts.enumerated() { lines += "q Q0 d\(i) 1 \(text) t\n" }
    let run = try RunReader.read(TemporaryFolder.file(lines))
    for entry in run.entries(of: 0) {
      let text = texts[run.ordinal(entry)]
      #expect(run.score(entry) == Float(strtod(text, nil)), "\(text)")
    }
  }

  /// A run of several blocks: lines of all kinds, queries that come and go.
  private static func mixed(
    _ count: Int
  ) -> (lines: [String], documents: [(String, String, Double)]) {
    var lines: [String] = []
    var documents: [(String, String, Double)] = []
    for i in 0..<count {
      let query = "q\(i / 300 % 17)"
      let doc = i % 97 == 0 ? "a-rather-long-identifier-of-a-document-\(i)" : "d\(i)"
      let score = Double((i &* 2_654_435_761) % 1000) / 8
      documents.append((query, doc, score))
      let space = i % 101 == 0 ? " \t " : " "
      if i % 1009 == 0 { lines += ["# comment\n", "\n"] }
      lines.append(
        "\(query)\(space)Q0 \(doc) \(i) \(score)\(space)tag\(i)"
          + (i % 103 == 0 ? " \r\n" : "\n"))
    }
    return (lines, documents)
  }

  @Test func anyNumberOfThreadsReadsTheSame() throws {
    let (lines, documents) = Self.mixed(40_000)
    let path = try TemporaryFolder.file(lines.joined().dropLast().description)
    var wanted: [String: [(String, Double)]] = [:]
    for (query, doc, score) in documents { wanted[query, default: []].append((doc, score)) }
    for threads in [1, 2, 5] {
      let run = try RunReader.read(
        path, keeping: [.exactScores, .ranks], pool: WorkerPool(threads: threads))
      #expect(run.count == documents.count && run.tag == "tag39999")
      #expect((0..<17).map { run.queries[$0].description } == (0..<17).map { "q\($0)" })
      for query in 0..<17 {
        let sorted = (wanted["q\(query)"] ?? []).sorted {
          $0.1 != $1.1 ? $0.1 > $1.1 : RecordID($0.0) > RecordID($1.0)
        }
        #expect(run.documents(of: query).map(\.id.description) == sorted.map(\.0))
        #expect(run.entries(of: query).map { run.exactScore($0) } == sorted.map(\.1))
        for entry in run.entries(of: query) {
          #expect(run.writtenRank(entry) == run.ordinal(entry))
        }
      }
    }
  }

  @Test(arguments: [1, 2, 5]) func theFirstMistakeIsTold(threads: Int) throws {
    var lines = Self.mixed(40_000).lines
    lines[30_000] = "q1 Q0 d 1 x t\n"
    lines[35_000] = "q1 Q0 d\n"
    let pool = WorkerPool(threads: threads)
    let failure = #expect(throws: Failure.self) {
      try RunReader.read(TemporaryFolder.file(lines.joined()), pool: pool)
    }
    #expect(failure?.place?.hasSuffix(":30001") == true)
    lines = Self.mixed(40_000).lines + ["q0 Q0 d5 1 1 t"]
    let twice = #expect(throws: Failure.self) {
      try RunReader.read(TemporaryFolder.file(lines.joined()), pool: pool)
    }
    #expect(twice?.place?.hasSuffix(":\(lines.count)") == true)
    #expect(twice?.message.contains("\"d5\" again for query \"q0\", after line 8") == true)
  }

  @Test func ranksMustBeNumbersWhereTheyCount() throws {
    for rank in ["x", "-1", "1.5", "99999999999"] {
      let path = try TemporaryFolder.file("q Q0 d \(rank) 1 t\nq Q0 e 1 1 t\n")
      #expect(try RunReader.read(path).count == 2)
      let failure = #expect(throws: Failure.self) { try RunReader.read(path, keeping: [.ranks]) }
      #expect(failure?.status == .data && failure?.place?.hasSuffix(":1") == true)
    }
  }
}
