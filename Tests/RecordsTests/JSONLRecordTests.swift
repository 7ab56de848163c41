import Failures
import Records
import Testing

@Suite struct JSONLRecordTests {
  /// The title stands in front of the body whatever the body's key; keys are those of BEIR, Pyserini,
  /// MS MARCO V1, V2 and V2.1 (`segment`), and what people call theirs.
  @Test(arguments: [
    "text", "contents", "body", "passage", "content", "segment", "chunk", "document", "abstract",
    "query", "doc", "page_content", "paragraph", "passage_text", "document_text", "doc_text",
    "chunk_text",
  ])
  func titlesStandBeforeBodies(_ key: String) throws {
    #expect(try records(#"{"id":1,"title":"T","\#(key)":"x y"}"#) == ["1|T x y"])
    #expect(try records(#"{"id":1,"title":"","\#(key)":"x y"}"#) == ["1|x y"])
    #expect(try records(#"{"id":1,"\#(key)":"x y"}"#) == ["1|x y"])
  }

  /// An empty string hides no text under another key, as exports of wide tables have them.
  @Test func emptyBodies() throws {
    #expect(try records(#"{"id":1,"text":"","contents":"x y"}"#) == ["1|x y"])
    #expect(try records(#"{"id":1,"title":"T","text":"","abstract":"x"}"#) == ["1|T x"])
    #expect(try records(#"{"id":1,"title":"T","text":"","body":""}"#) == ["1|T"])
    #expect(try records(#"{"id":1,"text":""}"#) == ["1|"])
    #expect(whyRefused(#"{"id":1,"text":"","body":7}"#)?.status == .data)
  }

  /// A record whose body has an unknown key is refused by naming the keys that are there.
  @Test func titleAloneIsNoText() throws {
    let topic = #"{"query_id":"q1","title":"a title","description":"d","narrative":"n"}"#
    let failure = try #require(whyRefused(topic))
    #expect(failure.status == .data)
    #expect(
      failure.message.hasSuffix(
        #"found the keys "query_id", "title", "description", "narrative""#))
    #expect(failure.hint?.contains("--fields title") == true)
    #expect(try records(topic, RecordOptions(fields: ["title"])) == ["q1|a title"])
    #expect(try records(topic, RecordOptions(fields: ["title", "narrative"])) == ["q1|a title n"])
    #expect(whyRefused(#"{"id":1,"bulk":"x"}"#)?.message.contains(#""id", "bulk""#) == true)
    #expect(whyRefused(#"{"id":1,"text":null}"#)?.message.contains(#"null under "text""#) == true)
    let many = (0..<20).map { #""k\#($0)":0"# }.joined(separator: ",")
    #expect(whyRefused("{\"id\":1,\(many)}")?.message.hasSuffix("and 9 more") == true)
  }

  @Test func idsOfMSMARCO() throws {
    let passage = #"{"pid":"p_1","passage":"x","spans":"(0,1)","docid":"d_1"}"#
    #expect(try records(passage) == ["p_1|x"])
    #expect(try records(passage, RecordOptions(idFields: ["docid"])) == ["d_1|x"])
    let segment =
      #"{"docid":"d#0","url":"u","title":"T","headings":"h","segment":"s","start_char":0}"#
    #expect(try records(segment) == ["d#0|T s"])
    #expect(
      try records(#"{"docid":"d","url":"u","title":"T","headings":"h","body":"b"}"#) == ["d|T b"])
  }

  /// A query and a document in one record: which is the text, nobody said.
  @Test(arguments: [
    #"{"id":1,"query":"a","doc":"b"}"#, #"{"id":1,"query":"a","page_content":"b"}"#,
    #"{"query_id":1,"query":"a","passage":"b"}"#, #"{"qid":1,"text":"b","query":"a"}"#,
  ])
  func queryAndDocument(_ line: String) throws {
    let failure = try #require(whyRefused(line))
    #expect(failure.status == .config)
    #expect(failure.message.contains("expected one text, found the keys"))
    #expect(failure.message.contains("\"query\""))
    #expect(failure.hint == "--fields names the keys that make the text")
    #expect(try records(line, RecordOptions(fields: ["query"])) == ["1|a"])
  }

  @Test func queryAlone() throws {
    #expect(try records(#"{"id":1,"query":"a","doc":null}"#) == ["1|a"])
    #expect(try records(#"{"docid":"d","text":"b","query":"a"}"#) == ["d|b"])
    let tuple = #"{"query_id":"q","query":"a","docs":["b","c"],"targets":[1,0]}"#
    let failure = try #require(whyRefused(tuple))
    #expect(failure.status == .data)
    #expect(failure.message.contains("a training tuple"))
    #expect(try records(tuple, RecordOptions(fields: ["query"])) == ["q|a"])
  }

  /// Two ids are refused by naming both, even where bad records are passed over.
  @Test(arguments: [
    ("_id", "id"), ("id", "docid"), ("doc_id", "docid"), ("query_id", "doc_id"), ("qid", "pid"),
    ("id", "pid"),
  ])
  func twoIDs(_ first: String, _ second: String) throws {
    let line = #"{"\#(first)":"a","text":"x","\#(second)":"b"}"#
    for policy in RecordErrorPolicy.allCases {
      let failure = try #require(whyRefused(line, RecordOptions(onError: policy)))
      #expect(failure.status == .config)
      #expect(failure.message.contains("\"\(first)\"") && failure.message.contains("\"\(second)\""))
      #expect(failure.hint == "--id-field names the key of the id")
    }
    #expect(try records(line, RecordOptions(idFields: [second])) == ["b|x"])
    // Null is nothing.
    #expect(try records(line.replacing("\"a\"", with: "null")) == ["b|x"])
  }

  @Test func threeIDs() {
    let failure = whyRefused(#"{"pid":"p","docid":"d","id":"i","text":"x"}"#)
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(#""id", "pid" and "docid""#) == true)
  }

  @Test func nestedFields() throws {
    let line =
      #"{"id":1,"m":{"path":"a/b","x":{"n":7}},"m.path":null,"a.b":"flat","a":{"b":"deep"}}"#
    #expect(try records(line, RecordOptions(fields: ["m.path"])) == ["1|a/b"])
    #expect(try records(line, RecordOptions(fields: ["m.path"], idFields: ["m.x.n"])) == ["7|a/b"])
    // A key that is spelled like the name wins.
    #expect(try records(line, RecordOptions(fields: ["a.b"])) == ["1|flat"])
    #expect(
      whyRefused(line, RecordOptions(fields: ["m.none"]))?.message.contains(#""m", "m.path""#)
        == true)
    #expect(
      whyRefused(line, RecordOptions(fields: ["id.x"]))?.message
        == #"expected an object under "id", found a number"#)
    #expect(
      whyRefused(line, RecordOptions(fields: ["m.x"]))?.message
        == #"expected a string under "m.x", found an object"#)
  }

  /// The first of several names of the id that a record has counts, so that queries and documents can be
  /// read with one option.
  @Test func severalIDFields() throws {
    let options = RecordOptions(idFields: ["pid", "key"])
    #expect(
      try records(
        "{\"key\":\"k\",\"id\":1,\"text\":\"x\"}\n{\"pid\":2,\"key\":3,\"text\":\"y\"}", options)
        == ["k|x", "2|y"])
    #expect(
      whyRefused(#"{"id":1,"text":"x"}"#, options)?.message.contains("\"pid\" or \"key\"") == true)
  }
}
