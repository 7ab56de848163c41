import Failures
import Records
import TestSupport
import Testing
import TrainingData
import Workers

@Suite struct TupleFileTests {
  private func read(
    _ folder: TemporaryFolder, _ text: String, _ options: TupleFile.Options = .init(),
    withTexts: Bool = true
  ) throws -> TupleFile {
    let file = try folder.write("tuples", text)
    var queries: TextStore?
    var docs: TextStore?
    if withTexts {
      let texts = try folder.write("texts.tsv", (1...9).map { "\($0)\ttext \($0)\n" }.joined())
      queries = try TextStore("query", [texts], scratchFolder: folder.path)
      docs = try TextStore("document", [texts], scratchFolder: folder.path)
    }
    return try TupleFile(
      file, options, queries: queries, docs: docs, scratchFolder: folder.path,
      WorkerPool(threads: 2))
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// Lines of every form with the query 1 and the documents 2, 3 with scores 5, 4.
  private static let forms: [(line: String, hasScores: Bool)] = [
    ("1\t2\t3\n", false), ("5\t4\t1\t2\t3\n", true), ("5.0 4.0 1 2 3\n", true),
    ("[1, [2, 5.0], [3, 4]]\n", true),
    (#"{"query_id":"1","docs":[{"doc_id":"2","score":5},{"doc_id":3,"score":4.0}]}"# + "\n", true),
    (
      #"{"qid":"1","pos":[{"pid":2,"ce-score":5}],"neg":{"bm25":[{"pid":"3","ce-score":4}]}}"#,
      true
    ),
  ]

  @Test func formsAreRecognized() throws {
    for (line, hasScores) in Self.forms {
      for targets in hasScores ? [TargetKind.order, .score] : [.order] {
        let folder = try TemporaryFolder()
        var options = TupleFile.Options()
        options.targets = targets
        let tuples = try read(folder, line, options)
        #expect(tuples.count == 1 && tuples.documents == 2)
        let tuple = try tuples.tuple(0, epoch: 0)
        #expect(tuple.queryID == "1" && text(tuple.query) == "text 1")
        #expect(tuple.documents.map { $0.id } == ["2", "3"])
        #expect(tuple.documents.map { text($0.text) } == ["text 2", "text 3"])
        #expect(tuple.documents.map(\.target) == (targets == .score ? [5, 4] : [1, 0]), "\(line)")
      }
    }
  }

  @Test func textsNeedNoFiles() throws {
    let folder = try TemporaryFolder()
    let tuple = try read(folder, "a b\tc\td é\r\n", withTexts: false).tuple(0, epoch: 0)
    #expect(text(tuple.query) == "a b")
    #expect(tuple.documents.map { text($0.text) } == ["c", "d é"])
  }

  @Test func negativesOfSomeSystems() throws {
    let line =
      #"{"qid":1,"pos":[{"pid":2}],"neg":{"a":[{"pid":3},{"pid":4}],"b":[{"pid":4},{"pid":5}]}}"#
    for (systems, ids) in [
      (nil, ["2", "3", "4", "5"]), (["b"], ["2", "4", "5"]), (["b", "a"], ["2", "4", "5", "3"]),
    ] as [([String]?, [RecordID])] {
      let folder = try TemporaryFolder()
      var options = TupleFile.Options()
      options.systems = systems
      let tuples = try read(folder, line, options)
      #expect(try tuples.tuple(0, epoch: 0).documents.map { $0.id } == ids)
    }
    let folder = try TemporaryFolder()
    var options = TupleFile.Options()
    options.systems = ["c"]
    #expect(throws: Failure.self) { try read(folder, line, options) }
  }

  /// Lines are found again in any order, wherever the blocks of 64 end.
  @Test func anyLineOfMany() throws {
    let folder = try TemporaryFolder()
    let lines = (0..<200).map { "q\($0)\t\(String(repeating: "x", count: $0 % 7))\tn\($0)" }
    var options = TupleFile.Options()
    // One word each: nothing else tells them from ids.
    options.format = .triples
    let tuples = try read(folder, lines.joined(separator: "\n"), options, withTexts: false)
    #expect(tuples.count == 200)
    for index in (0..<200).reversed() {
      let tuple = try tuples.tuple(index, epoch: 0)
      #expect(text(tuple.query) == "q\(index)")
      #expect(text(tuple.documents[1].text) == "n\(index)")
      #expect(tuple.place.hasSuffix(":\(index + 1)"))
    }
  }

  @Test func columnsThatLookLikeTheOtherAreRefused() throws {
    let folder = try TemporaryFolder()
    let ids = #expect(throws: Failure.self) {
      try read(folder, "1\t2\t3\n1\t4\t5\n", withTexts: false)
    }
    #expect(ids?.hint?.contains("data.queries") == true)
    let texts = #expect(throws: Failure.self) { try read(folder, "a key\t2\t3\n") }
    #expect(texts?.hint?.contains("data.format: triples") == true)
    // One text with a space is enough, and a mark in front is none.
    let marked = try read(folder, "\u{FEFF}key\ta map\tvalue\n", withTexts: false)
    #expect(text(try marked.tuple(0, epoch: 0).query) == "key")
  }

  /// Files of any formats are one stream in the order in which they are named.
  @Test func severalFilesAreOne() throws {
    let folder = try TemporaryFolder()
    let texts = try folder.write("texts.tsv", (1...9).map { "\($0)\ttext \($0)\n" }.joined())
    let stores = try ["query", "document"].map {
      try TextStore($0, [texts], scratchFolder: folder.path)
    }
    let a = try folder.write("a.jsonl", Self.forms[4].line)
    let b = try folder.write("b.tsv", "4\t5\t6\n7\t8\t9\n")
    let c = try folder.write("c.tsv", "a key\tb\tc\n")
    let d = try folder.write("d.json", "[9, 8, 7, 6]\n")
    func read(_ files: [String], _ formats: [TupleFormat?]) throws -> TupleFiles {
      try TupleFiles(
        files, .init(), formats: formats, queries: stores[0], docs: stores[1],
        scratchFolder: folder.path, WorkerPool(threads: 2))
    }
    let tuples = try read([b, a, c, b], [nil, nil, .triples, nil])
    #expect(tuples.count == 6 && tuples.documents == 2)
    let expected = [
      ("text 4", "\(b):1"), ("text 7", "\(b):2"), ("text 1", "\(a):1"), ("a key", "\(c):1"),
      ("text 4", "\(b):1"), ("text 7", "\(b):2"),
    ]
    for index in expected.indices.reversed() {
      let tuple = try tuples.tuple(index, epoch: 0)
      #expect(text(tuple.query) == expected[index].0 && tuple.place == expected[index].1)
    }
    let longer = #expect(throws: Failure.self) { try read([a, d], [nil, nil]) }
    #expect(longer?.status == .data && longer?.place == "\(d):1")
    #expect(longer?.message == "expected 2 documents as in \(a), found 3")
  }

  /// Systems are those of the hard negatives among the files.
  @Test func systemsNeedHardNegatives() throws {
    let folder = try TemporaryFolder()
    let texts = try folder.write("texts.tsv", (1...9).map { "\($0)\ttext \($0)\n" }.joined())
    let store = try TextStore("text", [texts], scratchFolder: folder.path)
    let hard = try folder.write(
      "hard.jsonl",
      #"{"qid":1,"pos":[{"pid":2}],"neg":{"a":[{"pid":3}],"b":[{"pid":4}]}}"# + "\n")
    let triples = try folder.write("triples.tsv", "4\t5\t6\n")
    var options = TupleFile.Options()
    options.systems = ["b"]
    func read(_ files: [String]) throws -> TupleFiles {
      try TupleFiles(
        files, options, formats: files.map { _ in nil }, queries: store, docs: store,
        scratchFolder: folder.path, WorkerPool(threads: 1))
    }
    let tuples = try read([triples, hard])
    #expect(try tuples.tuple(1, epoch: 0).documents.map { $0.id } == ["2", "4"])
    let none = #expect(throws: Failure.self) { try read([triples, triples]) }
    #expect(none?.status == .config && none?.place == triples)
  }

  @Test func documentsAreCut() throws {
    let folder = try TemporaryFolder()
    var options = TupleFile.Options()
    options.documents = 2
    let tuples = try read(folder, "[1, [2, 5], [3, 4], [4, 3]]\n[1, [2, 5], [5, 4]]\n", options)
    #expect(tuples.documents == 2)
    #expect(try tuples.tuple(0, epoch: 0).documents.map { $0.id } == ["2", "3"])
  }

  /// The first malformed line is told, for any number of lines behind it.
  @Test func firstMistakeIsTold() throws {
    let folder = try TemporaryFolder()
    let good = [String](repeating: "1\t2\t3", count: 600)
    var lines = good
    lines[317] = "1\t2\t77"
    lines[590] = "1\t2"
    let error = #expect(throws: Failure.self) {
      try read(folder, lines.joined(separator: "\n"))
    }
    #expect(error?.status == .data && error?.place?.hasSuffix("tuples:318") == true)
  }

  /// A header is no tuple: of two lines one is left, whose number is 2.
  @Test(arguments: [
    ("query\tpositive\tnegative", "a b\tc\td\n", false),
    ("anchor\tpositive_passage\tnegative_passage", "a b\tc\td\n", false),
    ("qid\tpid+\tpid-", "1\t2\t3\n", true), ("query_id\tpos_id\tneg_id", "1\t2\t3\n", true),
    ("qid\tpid\tnid", "1\t2\t3\r\n", true), ("\"query\"\t\"pos\"\t\"neg\"", "a b\tc\td\n", false),
    ("q_id\td_id\tneg_id", "1\t2\t3\n", true),
    ("score_pos\tscore_neg\tqid\tpid\tnid", "5\t4\t1\t2\t3\n", true),
    ("score_pos score_neg query_id pos_id neg_id", "5 4 1 2 3\n", true),
  ])
  func headersAreNoTuples(_ header: String, _ line: String, _ areIDs: Bool) throws {
    for mark in ["", "\u{FEFF}"] {
      let folder = try TemporaryFolder()
      let tuples = try read(folder, "\(mark)\(header)\n\(line)", withTexts: areIDs)
      #expect(tuples.count == 1 && tuples.documents == 2)
      let tuple = try tuples.tuple(0, epoch: 0)
      #expect(text(tuple.query) == (areIDs ? "text 1" : "a b"))
      #expect(tuple.place.hasSuffix(":2"))
    }
  }

  @Test func headersInAnotherOrderAreRefused() throws {
    for header in ["positive\tquery\tnegative", "query\tneg\tpos", "pid\tnid\tqid"] {
      let folder = try TemporaryFolder()
      let found = #expect(throws: Failure.self) {
        try read(folder, "\(header)\na b\tc\td\n", withTexts: false)
      }
      #expect(found?.status == .data)
      #expect(found?.message.contains("query, positive, negative") == true)
    }
    let folder = try TemporaryFolder()
    let alone = #expect(throws: Failure.self) {
      try read(folder, "query\tpositive\tnegative\n", withTexts: false)
    }
    #expect(alone?.status == .data)
  }

  /// Ids that resemble names, and words that name nothing, are tuples; words of which one is a name are
  /// neither.
  @Test func wordsAreNoHeader() throws {
    let ids = try TemporaryFolder()
    let texts = try ids.write(
      "named.tsv", ["q1", "doc2", "doc3"].map { "\($0)\ttext of \($0)\n" }.joined())
    let store = try TextStore("query", [texts], scratchFolder: ids.path)
    let tuples = try TupleFile(
      ids.write("triples", "q1\tdoc2\tdoc3\n"), .init(), queries: store, docs: store,
      scratchFolder: ids.path, WorkerPool(threads: 1))
    #expect(tuples.count == 1)
    let unclear = #expect(throws: Failure.self) {
      try read(ids, "query\tfirst\tsecond\na b\tc\td\n", withTexts: false)
    }
    #expect(unclear?.message.contains("looks like a header") == true)
    let numbered = #expect(throws: Failure.self) {
      try read(ids, "sentence1\tsentence2\tsentence3\na b\tc\td\n", withTexts: false)
    }
    #expect(numbered?.message.contains("looks like a header") == true)
    let folder = try TemporaryFolder()
    #expect(try read(folder, "bee\tpositive test\tnegative\n", withTexts: false).count == 1)
  }

  /// Documents of JSON tuples have their texts where text records have theirs.
  @Test func titlesOfDocuments() throws {
    let folder = try TemporaryFolder()
    let line =
      #"{"query":"q","docs":[{"title":"T","content":"x"},{"doc_id":"1","title":"","text":"y"}]}"#
    let tuple = try read(folder, line + "\n", withTexts: false).tuple(0, epoch: 0)
    #expect(tuple.documents.map { text($0.text) } == ["T x", "y"])
    let bad = #expect(throws: Failure.self) {
      try read(folder, #"{"query":"q","docs":[{"title":"T"}]}"# + "\n", withTexts: false)
    }
    #expect(bad?.message.contains(#"found "title""#) == true)
  }

  /// Tuples share keys where they share a text, of a query or a document, or an id of one kind.
  @Test func keys() throws {
    let folder = try TemporaryFolder()
    var options = TupleFile.Options()
    options.keepsKeys = true
    let lines = [
      #"{"query":"a","docs":[{"text":"b"},{"doc_id":"2"}]}"#,
      #"{"query_id":"2","docs":[{"text":"c"},{"text":"d"}]}"#,
      #"{"query":"b","docs":[{"text":"e"},{"text":"f"}]}"#,
      #"{"query":"g","docs":[{"doc_id":"2","text":"h"},{"text":"c"}]}"#,
    ]
    let tuples = try read(folder, lines.joined(separator: "\n"), options)
    #expect(!tuples.varies)
    let keys = (0..<4).map { Set(tuples.keys(of: $0, epoch: 3)) }
    func share(_ a: Int, _ b: Int) -> Bool { !keys[a].isDisjoint(with: keys[b]) }
    #expect(share(0, 2) && share(0, 3) && share(1, 3))
    #expect(!share(0, 1) && !share(1, 2) && !share(2, 3))
    let both = try TupleFiles(
      [folder("tuples"), folder("tuples")], options, formats: [nil, nil],
      queries: TextStore("query", [folder("texts.tsv")], scratchFolder: folder.path),
      docs: TextStore("document", [folder("texts.tsv")], scratchFolder: folder.path),
      scratchFolder: folder.path, WorkerPool(threads: 2))
    #expect(both.keys(of: 5, epoch: 0) == tuples.keys(of: 1, epoch: 0))
  }
}
