import Failures
import Records
import TestSupport
import Testing

@Suite struct TSVHeaderTests {
  /// The header is no record, whatever its spelling; its names pick columns.
  @Test(arguments: [
    "_id\ttext", "id\ttext", "ID\tText", "pid\tpassage", "query-id\tquery", "passage_id\tcontent",
    "qid\tquestion", "corpus-id\tsegment", "docid\turl", "\"id\"\t\"text\"", "index\ttext",
    "identifier\tcontents", "doc\tcontent", "q_id\tq_text", "docId\tdocText", "p_id\tpassageBody",
    "passage\tbody", "query_no\tquery", "cord_uid\ttitle", "query_number\tquery", "number\tquery",
    "PMID\tAbstract", "sentence_id\tsentence", "#id\ttext", "key\tvalue", "ids\ttexts",
  ])
  func recognised(_ header: String) throws {
    #expect(try records("\(header)\na\tone\n") == ["a|one"])
    #expect(try records("\(header)\r\na\tone\n") == ["a|one"])
  }

  @Test func namedColumnsMakeAHeader() throws {
    let text = "nr\tsummary\tnote\na\tone\ttwo\n"
    #expect(try records(text, RecordOptions(fields: ["note"])) == ["a|two"])
    #expect(
      try records(text, RecordOptions(fields: ["note", "1"], idFields: ["summary"])) == [
        "one|two a"
      ])
    #expect(whyRefused(text, RecordOptions(fields: ["none"]))?.status == .usage)
    let quoted = "\"id\"\t\"title\"\t\"text\"\na\tone\ttwo\n"
    #expect(try records(quoted, RecordOptions(fields: ["text"])) == ["a|two"])
  }

  /// Where the names are in quotes, fields in quotes are not taken with them.
  @Test func quotedFields() throws {
    let header = "\"id\"\t\"text\"\n"
    for row in ["\"a\"\tone", "a\t\"say \"\"one\"\"\""] {
      let failure = whyRefused("\(header)b\ttwo\n\(row)\n")
      #expect(failure?.status == .data)
      #expect(failure?.place?.hasSuffix(":3") == true)
      #expect(failure?.message.contains("fields without quotes") == true)
      #expect(try records("id\ttext\n\(row)\n") == [row.replacing("\t", with: "|")])
    }
    #expect(try records("\(header)a\tsay \"one\"\n") == ["a|say \"one\""])
  }

  /// Known in part: a record with the id `docid` would be one too many.
  @Test func refused() {
    for (header, word) in [
      ("docid\tsummary", "docid"), ("text\tid", "first column"),
      ("title\ttext\tid", "first column"), ("question\tanswer", "first column"),
      ("query_text\tdoc_text", "first column"),
    ] {
      let failure = whyRefused("\(header)\na\tone\tx\n")
      #expect(failure?.status == .data)
      #expect(failure?.message.contains(word) == true)
    }
  }

  /// A first record that only resembles a header is one.
  @Test func otherFirstRecords() throws {
    #expect(try records("id\tof a bee\n") == ["id|of a bee"])
    #expect(try records("a\ttext\n") == ["a|text"])
    for line in [
      "bee\tsky", "key\tlock", "index\tfinger", "doc1\ttext1", "q1\tquestion", "id1\ttext1",
      "doc_id1\ttext",
      "doc\tthe text", "\"a\"\t\"b\"", "paid\ttext",
    ] {
      #expect(try records("\(line)\n") == [line.replacing("\t", with: "|")])
    }
  }

  @Test func idColumns() throws {
    let text = "one\t1\ttwo\nthree\t2\tfour\n"
    #expect(try records(text, RecordOptions(idFields: ["2"])) == ["1|one two", "2|three four"])
    #expect(
      try records(text, RecordOptions(fields: ["3"], idFields: ["2"])) == ["1|two", "2|four"])
    #expect(try records("text\tid\none\t1\n", RecordOptions(idFields: ["id"])) == ["1|one"])
    #expect(
      try records("text\tid\none\t1\n", RecordOptions(idFields: ["pid", "id"])) == ["1|one"])
    // Without a header there are no names.
    #expect(try records("a\tone\n", RecordOptions(idFields: ["docid"])) == ["a|one"])
    #expect(whyRefused("a\tone\n", RecordOptions(idFields: ["3"]))?.status == .data)
    #expect(whyRefused("one\t \tx\n", RecordOptions(idFields: ["2"]))?.status == .data)
    #expect(
      whyRefused("id\ttext\na\tone\n", RecordOptions(idFields: ["docid"]))?.hint
        == "its fields are id, text")
  }

  private func pairs(_ text: String) throws -> [String] {
    let reader = try TextRecordReader(
      [TemporaryFolder.file(text)], options: RecordOptions(content: .pairs))
    var ids: [String] = []
    while let batch = try reader.next() { ids += (0..<batch.count).map { batch.idString($0) } }
    return ids
  }

  @Test func pairs() throws {
    for header in [
      "query_id\tdoc_id\tquery\tdoc", "qid\tpid\tquery\tpassage", "QID\tDOCNO\tquestion\tText",
      "q_id\td_id\tq_text\td_text", "queryId\tdocId\tqueryText\tdocText", "id1\tid2\ttext1\ttext2",
      "id_1\tid_2\tsentence_1\tsentence_2", "\"qid\"\t\"pid\"\t\"query\"\t\"passage\"",
      "qid\tpid\tq_text\td_text", "id_left\tid_right\ttext_left\ttext_right",
      "left_id\tright_id\tleft_text\tright_text", "id_a\tid_b\tsentence_a\tsentence_b",
    ] {
      #expect(try pairs("\(header)\nq\td\ta b\tc\n") == ["q\td"])
    }
    for header in [
      "doc_id\tquery_id\tquery\tdoc", "query_id\tquery\tdoc_id\tdoc", "d_id\tq_id\td_text\tq_text",
      "text1\ttext2\tid1\tid2", "id1\ttext1\tid2\ttext2",
      "id_left\ttext_left\tid_right\ttext_right",
    ] {
      let failure = #expect(throws: Failure.self) { try pairs("\(header)\nq\td\ta b\tc\n") }
      #expect(failure?.status == .data)
      #expect(failure?.message.contains("found the header") == true)
    }
    #expect(try pairs("q\td\tquery\tdoc\n") == ["q\td"])
    #expect(try pairs("q1\td1\ttext1\ttext2\n") == ["q1\td1"])
    #expect(try pairs("doc1\tdoc2\ttext1\ttext2\n") == ["doc1\tdoc2"])
    #expect(try pairs("turn_left\tturn_right\ta\tb\n") == ["turn_left\tturn_right"])
  }
}
