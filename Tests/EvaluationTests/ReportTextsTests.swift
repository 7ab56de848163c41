import Evaluation
import Failures
import Records
import TestSupport
import Testing

struct ReportTextsTests {
  /// A page over a run with texts: the query q1 with the documents a and b, of which a is judged.
  @Test func textsOfFilesWinOverThoseOfRuns() throws {
    let folder = try TemporaryFolder()
    let lines = """
      {"query_id":"q1","query":"own query","doc_id":"a","text":"own a","score":2}
      {"query_id":"q1","query":"own query","doc_id":"b","text":"own b","score":1}

      """
    let run = try RunReader.read(try folder.write("run.jsonl", lines), keeping: .texts)
    let qrels = try Qrels.read([try folder.write("qrels", "q1 0 a 1\n")], repeated: .agreeing)
    let measures = try MeasureRegistry.measures(["P@1"], judged: false)
    let evaluation = try Evaluator(qrels: qrels, measures: measures).evaluate(run, over: .both)
    let page = ReportPage(
      runs: [run], qrels: [qrels], [evaluation], [], curves: RecallCurves([]).plot(),
      baseline: nil, limits: ReportPage.Limits())
    var texts = ReportTexts(page, [run], depth: 10)
    #expect(texts.query(RecordID("q1")) == "own query")
    #expect(texts.doc(RecordID("b")) == "own b")
    #expect(texts.doc(RecordID("c")) == nil)
    let docs = try folder.write("docs.tsv", "a\tfrom the file\nmalformed\n")
    var said: [String] = []
    try texts.read(
      queries: nil, docs: [docs], RecordOptions(format: .tsv, onError: .skip),
      warn: { said.append($0) })
    #expect(texts.doc(RecordID("a")) == "from the file")
    #expect(texts.doc(RecordID("b")) == "own b")
    #expect(texts.skipped == 1)
    #expect(said.count == 1 && said[0].hasPrefix("\(docs):2: "))
    // Without texts of the run's, what the file lacks is missing.
    var bare = ReportTexts(page, [], depth: 10)
    said = []
    try bare.read(
      queries: nil, docs: [docs], RecordOptions(format: .tsv, onError: .skip),
      warn: { said.append($0) })
    #expect(said.count == 2 && said[1] == "\(docs): 1 of 2 documents of the report are not there")
    #expect(bare.query(RecordID("q1")) == nil)
    let failure = #expect(throws: Failure.self) {
      try bare.read(
        queries: nil, docs: [docs], RecordOptions(format: .tsv), warn: { _ in })
    }
    #expect(failure?.status == .data)
  }
}
