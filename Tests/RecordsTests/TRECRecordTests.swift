import Failures
import Records
import TestSupport
import Testing

/// SGML that is not as it should be.
@Suite struct TRECRecordTests {
  private static let notClosed = """
    <DOC>
    <DOCNO>A-1</DOCNO>
    <TEXT>the sky</TEXT>
    <DOC>
    <DOCNO>A-2</DOCNO>
    bees
    </DOC>
    <doc><docno>A-3</docno>x</doc>

    """

  /// The line is that of the inner tag; whoever passes over bad records loses the open one alone,
  /// whatever the blocks are.
  @Test func documentInADocument() throws {
    let failure = try #require(whyRefused(Self.notClosed))
    #expect(failure.status == .data)
    #expect(failure.place?.hasSuffix(":4") == true)
    #expect(failure.message == "expected </DOC> for the <DOC> in line 1, found <DOC>")
    let file = try TemporaryFolder.file(Self.notClosed)
    for size in 1...130 {
      let found = try records([file], RecordOptions(onError: .skip), blockSize: size)
      #expect(found == ["A-2|bees", "A-3|x"], "blocks of \(size)")
    }
    #expect(try TextRecordReader.countRecords([file]) == 3)
    #expect(try records([file], range: 1..<3) == ["A-2|bees", "A-3|x"])
  }

  @Test(arguments: [
    ("<DOC><DOCNO>1</DOCNO>x\n\n<top><num>2</num><title>a</title></top>", 3, "</DOC>"),
    ("<top><num>1\n<title>a\n<top><num>2<title>b</top>", 3, "</top>"),
    ("<DOC><DOCNO>1</DOCNO>x\n</top>", 2, "</DOC>"),
    ("<top><num>1<title>x\n</DOC>", 2, "</top>"),
    ("<DOC>\n<DOCNO>1</DOCNO>x</DOC>\n<DOC>\n<DOCNO>2</DOCNO>\n", 3, "the end of the file"),
    ("<DOC>\n<TEXT>x</TEXT></DOC>", 1, "<DOCNO>"), ("<top>\n<title>x</top>", 1, "<num>"),
    ("<DOC>\n<DOCNO>1</DOCNO>\n<DOCNO>2</DOCNO>x</DOC>", 3, "one <DOCNO>"),
    ("<top><num>1<title>x\n<num>2</top>", 2, "one <num>"),
    ("<DOC>\n<DOCNO></DOCNO>x</DOC>", 1, "<DOCNO>"),
    ("x\n<DOC><DOCNO>1</DOCNO>x</DOC>", 1, "<DOC>"),
  ])
  func refused(_ text: String, _ line: Int, _ word: String) throws {
    let failure = try #require(whyRefused(text, RecordOptions(format: .trec)))
    #expect(failure.status == .data)
    #expect(failure.place?.hasSuffix(":\(line)") == true, "\(failure)")
    #expect(failure.message.contains(word), "\(failure)")
  }

  @Test func idElements() throws {
    let text = "<DOC><DOCNO>1</DOCNO><ID>x-1</ID><TEXT>bee</TEXT></DOC>"
    #expect(
      try records(text, RecordOptions(fields: ["text"], idFields: ["ID"])) == ["x-1|bee"])
    #expect(
      try records(text, RecordOptions(fields: ["text"], idFields: ["uid", "docno"])) == ["1|bee"])
    #expect(
      whyRefused(text, RecordOptions(idFields: ["uid"]))?.message == "expected <uid>, found none")
  }
}
