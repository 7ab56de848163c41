import Failures
import Records
import TestSupport
import Testing

@Suite struct QrelsTests {
  @Test func readsTREC() throws {
    let qrels = try Qrels.read(
      TemporaryFolder.file("# c\n\nq2 0 b 1\nq1\t0  a -2\r\nq2 0 a 3\nq2 0 B 0"))
    #expect(qrels.count == 4)
    #expect((0..<2).map { qrels.queries[$0] } == ["q2", "q1"])
    #expect(qrels.judgements(of: 0).map { qrels.doc($0) } == ["B", "a", "b"])
    #expect(qrels.judgements(of: 0).map { qrels.grade($0) } == [0, 3, 1])
    #expect(qrels.grade(query: "q1", doc: "a") == -2)
    #expect(qrels.grade(query: "q1", doc: "b") == nil)
    #expect(qrels.grade(query: "q3", doc: "b") == nil)
  }

  @Test func readsBEIR() throws {
    let qrels = try Qrels.read(TemporaryFolder.file("query-id\tcorpus-id\tscore\nq\td\t2\n"))
    #expect(qrels.grade(query: "q", doc: "d") == 2)
  }

  @Test(arguments: [
    "query_id\tdoc_id\trelevance\nq\td\t2\n", "qid docid rel\nq d 2\n",
    "Query-ID Corpus-ID Score\nq d 2\n", "topic docno label\nq d 2\n",
    "query pid grade\r\nq d 2\r\n", "qid iter docno rel\nq 0 d 2\n",
    "query_id Q0 doc_id relevance\nq Q0 d 2\n", "q 0 d 2.0\n", "q 0 d 2e0\n",
    #"{"q": {"d": 2}}"#, "{\n  \"q\": {\n    \"d\": 2.0\n  }\n}\n",
  ])
  func otherForms(_ text: String) throws {
    let qrels = try Qrels.read(TemporaryFolder.file(text))
    #expect(qrels.count == 1)
    #expect(qrels.grade(query: "q", doc: "d") == 2)
    #expect(qrels.gradeScale == 1)
  }

  @Test(arguments: [
    ("doc_id query_id relevance\nd q 1\n", 1, "the columns query, document, grade"),
    ("q d 1\n", 1, "found 3"), (#"{"q": {"d": "x"}}"#, 1, "a string"),
    ("{\"q\": {\n\"d\": 1,\n\"d\": 2}}", 3, "after grade 1 in line 2"),
    ("{\"q\": {\n\"d e\": 1}}", 2, "white space"), (#"{"q": {"d": 1}} x"#, 1, "the end"),
    (#"{"q": 1}"#, 1, "expected 4 fields"),
  ])
  func refusesOtherForms(text: String, line: Int, message: String) throws {
    let failure = try #require(
      #expect(throws: Failure.self) { try Qrels.read(TemporaryFolder.file(text)) })
    #expect(failure.status == .data)
    #expect(failure.place?.hasSuffix(":\(line)") == true, "\(failure)")
    #expect(failure.message.contains(message), "\(failure)")
  }

  /// Who can use fractions gets all grades times one number.
  @Test func fractions() throws {
    let path = try TemporaryFolder.file("q 0 a 0.5\nq 0 b 2\nq 0 c -1\nq 0 d 0.25\n")
    let qrels = try Qrels.read([path], allowsFractions: true)
    #expect(qrels.gradeScale == 100)
    let grades = ["a", "b", "c", "d"].map { qrels.grade(query: "q", doc: RecordID($0)) }
    #expect(grades == [50, 200, -100, 25])
    #expect((0..<4).map { qrels.gradeText($0) } == ["0.5", "2.0", "-1.0", "0.25"])
    for text in ["q 0 a 0.1234567\n", "q 0 a 1e9.5\n", "q 0 a nan\n", "q 0 a 1234567.5\n"] {
      let failure = #expect(throws: Failure.self) {
        try Qrels.read([TemporaryFolder.file(text)], allowsFractions: true)
      }
      #expect(failure?.status == .data)
    }
  }

  /// What is swapped is named.
  @Test func swappedInputs() throws {
    let run = #expect(throws: Failure.self) {
      try Qrels.read(TemporaryFolder.file("q Q0 d 1 0.5 tag\n"))
    }
    #expect(run?.hint?.contains("looks like a run") == true)
    let header = #expect(throws: Failure.self) { try Qrels.read(TemporaryFolder.file("q d 1\n")) }
    #expect(header?.hint?.contains("header") == true)
    let qrels = #expect(throws: Failure.self) {
      try RunReader.read(TemporaryFolder.file("q 0 d 1\n"))
    }
    #expect(qrels?.hint?.contains("looks like judgements") == true)
    for text in [
      "1\twhat is red\n", "d1\tred\n", "d1\ta title\tand more\n", "only words\n",
      "<DOC>\n", "words of a text and many more of them\n",
    ] {
      let asRun = #expect(throws: Failure.self) { try RunReader.read(TemporaryFolder.file(text)) }
      #expect(asRun?.hint?.contains("looks like texts") == true, "\(text)")
      let asQrels = #expect(throws: Failure.self) { try Qrels.read(TemporaryFolder.file(text)) }
      #expect(asQrels?.hint?.contains("looks like texts") == true, "\(text)")
    }
    let json = #expect(throws: Failure.self) {
      try RunReader.read(TemporaryFolder.file(#"{"id":"d1","text":"red"}"# + "\n"))
    }
    #expect(json?.hint?.contains("looks like texts") == true)
    let ranks = #expect(throws: Failure.self) {
      try RunReader.read(TemporaryFolder.file("1\t7\t1\n"))
    }
    #expect(ranks?.hint?.contains("msmarco") == true)
    #expect(whyRefused("q Q0 d 1 0.5 tag\n")?.hint?.contains("looks like a run") == true)
    #expect(whyRefused("q 0 d 1\n")?.hint?.contains("looks like judgements") == true)
  }

  @Test func idsAreBytes() throws {
    // Canonically equivalent texts are different ids.
    let qrels = try Qrels.read(TemporaryFolder.file("q 0 \u{E9} 1\nq 0 e\u{301} 2\n"))
    #expect(qrels.grade(query: "q", doc: RecordID("\u{E9}")) == 1)
    #expect(qrels.grade(query: "q", doc: RecordID("e\u{301}")) == 2)
    #expect(RecordID("\u{E9}") != RecordID("e\u{301}"))
    #expect(RecordID("Z") < RecordID("a"))
    #expect(RecordID("a") < RecordID("ab"))
    #expect(RecordID("z") < RecordID("\u{E9}"))
  }

  @Test(arguments: [
    ("q 0 d\n", 1, "found 3"), ("q 0 d 1 2\n", 1, "found 5"), ("q 0 d x\n", 1, "\"x\""),
    ("q 0 d 1.5\n", 1, "\"1.5\""), ("q 0 d 99999999999999999999\n", 1, "grade"),
    ("query-id\tcorpus-id\tscore\nq 0 d 1\n", 2, "found 4"),
    ("q 0 d 1\nq 0 e 1\nq 0 d 2\n", 3, "after grade 1 in line 1"),
    ("q 0 d 1\nr 0 d 1\nq 0 d 1\n", 3, "in line 1"),
  ])
  func refusesMalformedLines(text: String, line: Int, message: String) {
    let failure = #expect(throws: Failure.self) { try Qrels.read(TemporaryFolder.file(text)) }
    #expect(failure?.status == .data)
    #expect(failure?.place?.hasSuffix(":\(line)") == true)
    #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
  }

  @Test func iterations() throws {
    let path = try TemporaryFolder.file("q 1 a 1\nq 2 a 1\nq 1 b 0\n")
    // Grades that agree are one judgement, but not to trec_eval.
    #expect(try Qrels.read(path).count == 2)
    #expect(try Qrels.read(path).subtopicGrades(0).isEmpty)
    let failure = #expect(throws: Failure.self) { try Qrels.read(path, repeated: .refused) }
    #expect(failure?.place?.hasSuffix(":2") == true)
    let qrels = try Qrels.read(path, repeated: .subtopics)
    #expect(qrels.count == 2 && qrels.subtopicCount == 2 && qrels.conflict == nil)
    #expect(qrels.subtopicGrades(0).map(\.subtopic) == [0, 1])
    #expect(qrels.subtopicGrades(1).map(\.grade) == [0])
  }

  @Test func iterationsWithDifferentGrades() throws {
    let path = try TemporaryFolder.file("q 1 a 1\nr 1 a 0\nq 2 a 0\n")
    let failure = #expect(throws: Failure.self) { try Qrels.read(path) }
    #expect(failure?.place?.hasSuffix(":3") == true)
    #expect(failure?.message.contains("after grade 1 in line 1") == true)
    #expect(failure?.hint?.contains("subtopics") == true)
    let qrels = try Qrels.read(path, repeated: .subtopics)
    #expect(qrels.conflict?.place == failure?.place)
    #expect(qrels.subtopicGrades(0).map(\.grade) == [1, 0])
    // The same subtopic twice is a mistake whatever is wanted.
    let twice = try TemporaryFolder.file("q 1 a 1\nq 1 a 0\n")
    #expect(throws: Failure.self) { try Qrels.read(twice, repeated: .subtopics) }
  }

  @Test func manyJudgementsInAnyOrder() throws {
    // Ids that share their first eight bytes, are shorter than that, or have lines of other forms.
    var lines: [(String, Int)] = []
    for i in 0..<5000 { lines.append((["%d", "long-document-%d", "d-%d"][i % 3], i)) }
    let docs = lines.shuffled().map { form, i in
      (form.replacing("%d", with: "\(i)"), i % 5 - 1)
    }
    var text = ""
    for (i, (doc, grade)) in docs.enumerated() {
      text +=
        "q\(i % 7)\(i % 11 == 0 ? "  \t" : " ")0 \(doc) \(grade)\(i % 13 == 0 ? " \r\n" : "\n")"
    }
    let qrels = try Qrels.read(TemporaryFolder.file(text))
    #expect(qrels.count == docs.count)
    for (i, (doc, grade)) in docs.enumerated() {
      #expect(qrels.grade(query: RecordID("q\(i % 7)"), doc: RecordID(doc)) == grade)
    }
    for query in 0..<7 {
      let ids = qrels.judgements(of: query).map { qrels.doc($0) }
      #expect(ids == ids.sorted())
    }
  }
}

@Suite struct IDTableTests {
  @Test func numbersIDsInOrder() {
    var table = IDTable()
    for i in 0..<1000 {
      #expect(table.insert(RecordID("id\(i)")) == (i, true))
      #expect(table.insert(RecordID("id\(i / 2)")) == (i / 2, false))
    }
    #expect(table.count == 1000)
    #expect(table[999] == "id999")
    #expect(table.find(RecordID("id500")) == 500)
    #expect(table.find(RecordID("id1000")) == nil)
    #expect(IDTable().find(RecordID("x")) == nil)
  }
}
