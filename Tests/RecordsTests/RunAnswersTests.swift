import Failures
import JSON
import Records
import Streams
import TestSupport
import Testing

@Suite struct RunAnswersTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func line(_ query: String, _ doc: String, _ score: Double) -> String {
    "{\"query_id\":\"\(query)\",\"doc_id\":\"\(doc)\",\"score\":\(score),\"query\":\"of \(query)\","
      + "\"text\":\"\(doc)'s\"}\n"
  }

  private func answers(_ text: String) throws -> [RunAnswers.Answer] {
    try folder.write("run.jsonl", text)
    var reader = RunAnswers(try ByteReader(folder("run.jsonl")))
    var answers: [RunAnswers.Answer] = []
    while let answer = try reader.next() { answers.append(answer) }
    return answers
  }

  @Test func marks() throws {
    let found = try answers(
      line("a", "x", 2) + line("a", "y", 1) + "# end a\n# end b\n" + line("c", "z", 3))
    #expect(found.map(\.query) == ["a", "b", nil])
    #expect(found.map(\.run.count) == [2, 0, 1])
    #expect(found[0].run.queryText(0) == "of a")
    #expect(found[0].run.docText(1) == "y's")
    #expect(throws: Failure.self) { try answers("") }
    #expect(try answers("# end q\n").map(\.query) == ["q"])
  }

  /// Places in messages count all lines.
  @Test func places() throws {
    let failure = #expect(throws: Failure.self) {
      let broken = line("b", "x", 2) + "{\"query_id\":\"b\"}\n"
      _ = try answers(line("a", "x", 2) + "# end a\n" + broken + "# end b\n")
    }
    #expect(failure?.status == .data)
    #expect(failure?.place?.hasSuffix("run.jsonl:4") == true)
  }

  /// Lines without a document's text, or without any, are a run all the same.
  @Test func someTexts() throws {
    let query = "{\"query_id\":\"a\",\"doc_id\":\"x\",\"score\":1,\"query\":\"q\"}\n"
    let found = try answers(query)
    #expect(found[0].run.hasQueryTexts && !found[0].run.hasDocTexts)
    #expect(found[0].run.docText(0) == nil)
    let none = try answers("{\"query_id\":\"a\",\"doc_id\":\"x\",\"score\":1}\n")
    #expect(none[0].run.texts == nil)
    // What the first line has, all have.
    #expect(throws: Failure.self) { try answers(line("a", "x", 2) + query) }
  }
}

@Suite struct JSONRunWriterTests {
  @Test func lines() throws {
    let folder = try TemporaryFolder()
    try folder.write("docs.jsonl", #"{"_id":"d1","title":"T","text":"a \"b\"\u00e4"}"# + "\n")
    try folder.write("docs.tsv", "d2\tno title\n")
    let docs = try TextStore(
      "document", [folder("docs.jsonl"), folder("docs.tsv")], scratchFolder: folder(""))
    var bytes: [UInt8] = []
    try JSONRunWriter(docs: docs).append(
      query: "q", text: Array("why\t?".utf8),
      documents: [ScoredDocument(id: "d2", score: 0.5), ScoredDocument(id: "d1", score: 1e-7)],
      to: &bytes)
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = try text.split(separator: "\n").map { try JSONParser.parse(String($0)) }
    #expect(lines.map { $0["doc_id"]?.string } == ["d2", "d1"])
    #expect(lines.map { $0["rank"]?.integer } == [1, 2])
    #expect(lines[1]["title"]?.string == "T" && lines[0]["title"] == nil)
    #expect(lines[1]["text"]?.string == "T a \"b\"ä")
    #expect(lines[0]["query"]?.string == "why\t?")
    #expect(lines[1]["score"]?.double.map { Float($0) } == 1e-7)
    #expect(
      lines[1].members?.map(\.key) == [
        "query_id", "doc_id", "rank", "score", "query", "title", "text",
      ])
    bytes = []
    try JSONRunWriter(docs: nil).append(
      query: "q", text: nil, documents: [ScoredDocument(id: "d2", score: 0.5)], to: &bytes)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "{\"query_id\":\"q\",\"doc_id\":\"d2\",\"rank\":1,\"score\":0.5}\n")
    let failure = #expect(throws: Failure.self) {
      try JSONRunWriter(docs: docs).append(
        query: "q", text: nil, documents: [ScoredDocument(id: "d3", score: 1)], to: &bytes)
    }
    #expect(failure?.status == .data)
  }
}

@Suite struct RecordLimitTests {
  @Test(arguments: [1, 2, 3, 5, 9]) func limits(limit: Int) throws {
    let folder = try TemporaryFolder()
    try folder.write("a.tsv", "1\ta\n2\tb\n3\tc\n")
    try folder.write("b.tsv", "4\td\n5\te\n")
    let files = [folder("a.tsv"), folder("b.tsv")]
    let options = RecordOptions(limit: limit)
    let reader = try TextRecordReader(files, options: options)
    var ids: [String] = []
    while let batch = try reader.next() { ids += (0..<batch.count).map { batch.idString($0) } }
    #expect(ids == Array(["1", "2", "3", "4", "5"].prefix(limit)))
    #expect(try TextRecordReader.countRecords(files, options: options) == min(5, limit))
  }

  @Test func extent() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.tsv", "1\ta\n2\tb\n3\tc\n")
    try folder.write("b.tsv", "4\td\n5\te\n")
    let reader = try TextRecordReader([folder("a.tsv"), folder("b.tsv")])
    #expect(reader.extent == InputExtent(read: 0, total: 20))
    _ = try reader.next()
    #expect(reader.extent.read == 12)
    _ = try reader.next()
    #expect(reader.extent.share == 1)
    #expect(InputExtent(read: 5, total: nil).share == nil)
  }
}
