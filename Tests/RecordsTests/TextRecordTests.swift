import Failures
import Records
import TestSupport
import Testing

@Suite struct TextRecordTests {
  @Test func readsTSV() throws {
    #expect(
      try records("a\tone\nb\ttwo words\r\nc\t\nd\tlast") == [
        "a|one", "b|two words", "c|", "d|last",
      ])
  }

  @Test func joinsFurtherColumns() throws {
    #expect(try records("a\tone\ttwo\t\tthree\n") == ["a|one two  three"])
    #expect(
      try records("a\tone\ttwo\tthree\n", RecordOptions(fields: ["4", "2"])) == ["a|three one"])
    #expect(try records("a\tone\ttwo\n", RecordOptions(fields: ["3"])) == ["a|two"])
  }

  @Test func recognisesHeaders() throws {
    #expect(try records("_id\ttext\na\tone\n") == ["a|one"])
    #expect(
      try records("id\ttitle\ttext\na\tT\tx\n", RecordOptions(fields: ["text"])) == ["a|x"])
    #expect(whyRefused("a\tone\n", RecordOptions(fields: ["title"]))?.status == .usage)
  }

  @Test func readsJSONL() throws {
    let text = """
      {"_id":"a","title":"T","text":"x \\u00e9\\n","metadata":{"k":[1,2]}}
      {"docid":7,"contents":"seven"}
      {"qid":"q","query":"what"}
      {"id":"e","title":"","text":""}
      {"id":"t","title":null,"text":"only"}

      """
    #expect(try records(text) == ["a|T x é\n", "7|seven", "q|what", "e|", "t|only"])
    #expect(
      try records("{\"id\":1,\"a\":\"x\",\"b\":\"y\"}", RecordOptions(fields: ["b", "a"]))
        == ["1|y x"])
  }

  @Test func readsTRECDocuments() throws {
    let text = """
      <DOC>
      <DOCNO> FT-1 </DOCNO>
      <HEADLINE>A &amp; B</HEADLINE>
      <TEXT>
      line one
      line <b>two</b>
      </TEXT>
      </DOC>

      <doc><docno>2</docno>plain text
      </doc>
      """
    #expect(try records(text) == ["FT-1|A & B line one line two", "2|plain text"])
    let fields = RecordOptions(fields: ["TEXT", "HEADLINE"], onError: .skip)
    #expect(try records(text, fields) == ["FT-1|line one line two A & B"])
  }

  /// What looks like a tag and has no end before the next one is text.
  @Test func readsTRECDocumentsWithOpenAngles() throws {
    let text = "<DOC>\n<DOCNO>1</DOCNO>\n<TEXT>\n3 < 4, a <b and c\n</TEXT>\n</DOC>\n"
    #expect(try records(text) == ["1|3 < 4, a <b and c"])
  }

  /// The line of a document is named, not the document's first.
  @Test func namesTheLineOfBadBytesInTREC() throws {
    let bytes =
      Array("<DOC>\n<DOCNO>1</DOCNO>\n<TEXT>caf".utf8) + [0xE9] + Array("</TEXT></DOC>".utf8)
    let file = try TemporaryFolder.file(bytes)
    let failure = #expect(throws: Failure.self) { try TextRecordReader([file]).next() }
    #expect(
      failure == .line(file, 3, expected: "valid UTF-8", found: "byte 0xe9 at byte 10 of the line"))
  }

  @Test func readsTRECTopics() throws {
    let text = """
      <top>
      <num> Number: 301
      <title> International Organized Crime

      <desc> Description:
      Identify organizations
      </top>
      <top><num>302</num><title>Polio</title></top>
      """
    #expect(
      try records(text) == ["301|International Organized Crime", "302|Polio"])
  }

  @Test func readsPairs() throws {
    let options = RecordOptions(content: .pairs)
    let json = #"{"query_id":"q","doc_id":1,"query":"a\tb","doc":"text"}"#
    for text in ["q\t1\ta b\ttext\n", json] {
      let reader = try TextRecordReader([TemporaryFolder.file(text)], options: options)
      let batch = try #require(try reader.next())
      #expect(batch.idString(0) == "q\t1")
      #expect(batch.pairIDs(0).doc == "1")
      batch.withPair(0) { query, doc in
        #expect(String(decoding: query, as: UTF8.self) == (text == json ? "a\tb" : "a b"))
        #expect(String(decoding: doc, as: UTF8.self) == "text")
      }
    }
    #expect(whyRefused("q\t1\ta b\n", options)?.status == .data)
    #expect(whyRefused("q\t1\ta\tb\tc\n", options)?.status == .data)
  }

  @Test(arguments: [
    ("a\tx\nb\n", 2, "id<TAB>text"), ("a\tx\n\n", 2, "an empty line"), ("\tx\n", 1, "an id"),
    ("a b\tx\n", 1, "white space"), ("a\tx\0y\n", 1, "NUL"), ("a\0\tx\n", 1, "NUL"),
    ("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\"}\n", 2, "\"text\""),
    ("{\"id\":\"a\",\"text\":\"x\"}\n{\"text\":\"b\"}\n", 2, "an id"),
    ("{\"id\":\"\",\"text\":\"x\"}\n", 1, "an id"),
    ("{\"id\":\"a b\",\"text\":\"x\"}\n", 1, "white space"),
    ("{\"id\":1.5,\"text\":\"x\"}\n", 1, "a number"),
    ("{\"id\":\"a\",\"text\":\"\\u0000\"}\n", 1, "NUL"),
    ("{\"id\":\"a\",\"text\":[]}\n", 1, "an array"),
    ("{\"id\":\"a\",\"text\":\"x\",\"text\":\"y\"}\n", 1, "again"),
    ("{\"id\":\"a\",\"text\":\"x\"} {}\n", 1, "the end of the text"),
    ("{\"id\":\"a\",\"text\":\"x\"\n", 1, "'}'"),
    ("<DOC>\n<DOCNO>1</DOCNO>\n</DOC>\n<DOC>\n<DOCNO>2</DOCNO>\n", 4, "</DOC>"),
    ("<DOC>\n<TEXT>1</TEXT>\n</DOC>\n", 1, "<DOCNO>"),
    ("<DOC>\n<DOCNO></DOCNO>\n</DOC>\n", 1, "<DOCNO>"),
  ])
  func refusesBadRecords(text: String, line: Int, message: String) throws {
    let failure = try #require(whyRefused(text))
    #expect(failure.status == .data)
    #expect(failure.place?.hasSuffix(":\(line)") == true, "\(failure)")
    #expect(failure.message.contains(message), "\(failure)")
  }

  @Test func refusesInvalidUTF8() throws {
    let file = try TemporaryFolder.file(Array("a\tx\nb\t".utf8) + [0xC0, 0x80, 0x0A])
    do {
      _ = try records([file])
      Issue.record("read")
    } catch let error as Failure {
      #expect(
        error
          == .line(
            file, 2, expected: "valid UTF-8", found: "byte 0xc0 at byte 3 of the line"))
    }
    let json = try TemporaryFolder.file(
      Array("{\"id\":\"a\",\"text\":\"".utf8) + [0xFF] + Array("\"}\n".utf8))
    #expect(throws: Failure.self) { try records([json]) }
  }

  @Test func skipsBadRecordsAndCountsThem() throws {
    let file = try TemporaryFolder.file("a\tx\nbad\nc\ty\n\td\ne\tz\n")
    let reader = try TextRecordReader([file], options: RecordOptions(onError: .skip))
    let batch = try #require(try reader.next())
    #expect(batch.skipped == 2)
    #expect(batch.firstSkipped?.place == "\(file):2")
    #expect((0..<batch.count).map { batch.ordinal($0) } == [0, 2, 4])
    #expect((0..<batch.count).map { batch.line($0) } == [1, 3, 5])
  }

  @Test func missingOperandIs66() {
    let failure = #expect(throws: Failure.self) { try records(["/nowhere/file"]) }
    #expect(failure?.status == .noInput)
  }

  @Test(arguments: [3, 7, 64, 1 << 18])
  func blocksDoNotMatter(blockSize: Int) throws {
    let tsv = try TemporaryFolder.file((0..<50).map { "d\($0)\ttext \($0) é\n" }.joined())
    let json = try TemporaryFolder.file(
      (0..<50).map { "{\"id\":\"j\($0)\",\"text\":\"text \($0)\"}\n" }.joined())
    let trec = try TemporaryFolder.file(
      (0..<50).map { "<DOC>\n<DOCNO>t\($0)</DOCNO>\ntext \($0)\n</DOC>\n" }.joined())
    let operands = [tsv, json, trec]
    let all = try records(operands, blockSize: blockSize)
    #expect(all.count == 150)
    #expect(all[7] == "d7|text 7 é")
    #expect(all[149] == "t49|text 49")
    let total = try TextRecordReader.countRecords(operands)
    #expect(total == 150)
    for count in [1, 3, 7, 200] {
      var joined: [String] = []
      for index in 1...count {
        let shard = try #require(ShardSelection(index: index, count: count))
        joined += try records(operands, blockSize: blockSize, range: shard.range(of: total))
      }
      #expect(joined == all)
    }
  }

  @Test func lineNumbersCrossBlocks() throws {
    let file = try TemporaryFolder.file((1...40).map { "d\($0)\tx\n" }.joined() + "bad\n")
    let reader = try TextRecordReader([file], blockSize: 8)
    let failure = #expect(throws: Failure.self) { while try reader.next() != nil {} }
    #expect(failure?.place == "\(file):41")
  }

  @Test func shardsNeedFiles() throws {
    let reader = try TextRecordReader(["-"])
    let failure = #expect(throws: Failure.self) { try reader.restrict(to: 0..<1) }
    #expect(failure?.status == .usage)
    #expect(failure?.hint != nil)
  }
}
