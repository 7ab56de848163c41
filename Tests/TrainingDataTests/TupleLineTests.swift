import Records
import TestSupport
import Testing
import TrainingData
import Workers

@Suite struct TupleLineTests {
  private let tuple = TrainingTuple(
    queryID: RecordID("q\"1"), query: Array("what\tis".utf8),
    documents: [
      .init(id: RecordID("d1"), text: Array("é".utf8), target: 0.1),
      .init(id: nil, text: [], target: -2),
    ], place: "here")

  @Test func whatIsThereIsWritten() {
    #expect(
      tuple.line(hasQueryTexts: false, hasDocumentTexts: false, hasScores: true)
        == #"{"query_id":"q\"1","query":"what\tis","docs":"#
        + #"[{"doc_id":"d1","text":"é","score":0.10000000149011612},{"score":-2.0}]}"# + "\n")
    #expect(
      tuple.line(hasQueryTexts: false, hasDocumentTexts: true, hasScores: false)
        == #"{"query_id":"q\"1","query":"what\tis","docs":[{"doc_id":"d1","text":"é"},{"text":""}]}"#
        + "\n")
    let bare = TrainingTuple(queryID: RecordID("1"), query: [], documents: [], place: "")
    #expect(
      bare.line(hasQueryTexts: false, hasDocumentTexts: false, hasScores: false)
        == "{\"query_id\":\"1\",\"docs\":[]}\n")
    #expect(
      bare.line(hasQueryTexts: true, hasDocumentTexts: false, hasScores: false)
        == "{\"query_id\":\"1\",\"query\":\"\",\"docs\":[]}\n")
  }

  /// What is written trains as it was sampled.
  @Test func linesAreReadBack() throws {
    let folder = try TemporaryFolder()
    let texts = ["a", "b", "c"].map { Array($0.utf8) }
    let tuple = TrainingTuple(
      queryID: RecordID("1"), query: Array("the query".utf8),
      documents: texts.enumerated().map { i, text in
        .init(id: RecordID("d\(i)"), text: text, target: [0.1, 1e-30, -3.4e38][i])
      }, place: "")
    let path = try folder.write(
      "tuples.jsonl", tuple.line(hasQueryTexts: true, hasDocumentTexts: true, hasScores: true))
    var options = TupleFile.Options()
    options.targets = .score
    let file = try TupleFile(
      path, options, queries: nil, docs: nil, scratchFolder: folder.path, WorkerPool(threads: 1))
    let read = try file.tuple(0, epoch: 0)
    #expect(read.queryID == tuple.queryID)
    #expect(read.query == tuple.query)
    #expect(read.documents.map(\.id) == tuple.documents.map(\.id))
    #expect(read.documents.map(\.text) == texts)
    #expect(read.documents.map(\.target) == tuple.documents.map(\.target))
  }
}
