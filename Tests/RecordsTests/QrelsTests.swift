import Failures
import Records
import Testing

@Suite struct QrelsTests {
  @Test func readsTREC() throws {
    let qrels = try Qrels.read(
      Scratch.file("# c\n\nq2 0 b 1\nq1\t0  a -2\r\nq2 0 a 3\nq2 0 B 0"))
    #expect(qrels.count == 4)
    #expect((0..<2).map { qrels.queries[$0] } == ["q2", "q1"])
    #expect(qrels.judgements(of: 0).map { qrels.doc($0) } == ["B", "a", "b"])
    #expect(qrels.judgements(of: 0).map { qrels.grade($0) } == [0, 3, 1])
    #expect(qrels.grade(query: "q1", doc: "a") == -2)
    #expect(qrels.grade(query: "q1", doc: "b") == nil)
    #expect(qrels.grade(query: "q3", doc: "b") == nil)
  }

  @Test func readsBEIR() throws {
    let qrels = try Qrels.read(Scratch.file("query-id\tcorpus-id\tscore\nq\td\t2\n"))
    #expect(qrels.grade(query: "q", doc: "d") == 2)
  }

  @Test func idsAreBytes() throws {
    // Canonically equivalent texts are different ids.
    let qrels = try Qrels.read(Scratch.file("q 0 \u{E9} 1\nq 0 e\u{301} 2\n"))
    #expect(qrels.grade(query: "q", doc: RecordID("\u{E9}")) == 1)
    #expect(qrels.grade(query: "q", doc: RecordID("e\u{301}")) == 2)
    #expect(RecordID("\u{E9}") != RecordID("e\u{301}"))
    #expect(RecordID("Z") < RecordID("a"))
    #expect(RecordID("a") < RecordID("ab"))
    #expect(RecordID("z") < RecordID("\u{E9}"))
  }

  @Test(arguments: [
    ("q 0 d\n", 1, "found 3"), ("q 0 d 1 2\n", 1, "found 5"), ("q 0 d x\n", 1, "\"x\""),
    ("q 0 d 1.0\n", 1, "\"1.0\""), ("q 0 d 99999999999999999999\n", 1, "grade"),
    ("query-id\tcorpus-id\tscore\nq 0 d 1\n", 2, "found 4"),
    ("q 0 d 1\nq 0 e 1\nq 0 d 2\n", 3, "after grade 1 in line 1"),
    ("q 0 d 1\nr 0 d 1\nq 0 d 1\n", 3, "in line 1"),
  ])
  func refusesMalformedLines(text: String, line: Int, message: String) {
    let failure = #expect(throws: Failure.self) { try Qrels.read(Scratch.file(text)) }
    #expect(failure?.status == .data)
    #expect(failure?.place?.hasSuffix(":\(line)") == true)
    #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
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
