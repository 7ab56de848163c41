import Failures
import JSON
import Models
import TestSupport
import Testing
import Tokenizers
import Training
import TrainingData
import Workers

/// Texts of tuples become the tokens that the reference trains on.
@Suite struct TupleTokenizerTests {
  private static func tuples(_ batch: JSON) throws -> [TrainingTuple] {
    let queries = try #require(batch["queries"]?.array)
    return try queries.enumerated().map { i, query in
      let texts = try #require(batch["docs"]?.array?[i].array)
      let targets = try #require(batch["targets"]?.array?[i].array)
      return TrainingTuple(
        queryID: nil, query: Array((query.string ?? "").utf8),
        documents: zip(texts, targets).map { text, target in
          .init(
            id: nil, text: Array((text.string ?? "").utf8), target: Float(target.double ?? .nan))
        },
        place: "tuple \(i)")
    }
  }

  private static func tokenizer(_ test: TrainingCase, threads: Int = 1) throws -> TupleTokenizer {
    let description = try test.modelDescription()
    return try TupleTokenizer(
      Tokenizer.load(folder: description.folder.modelPath), test.model().model,
      WorkerPool(threads: threads))
  }

  @Test(arguments: TrainingCase.all) func tokensAreThoseOfTheReference(_ folder: String) throws {
    let test = try TrainingCase(folder)
    for threads in [1, 3] {
      let tokenizer = try Self.tokenizer(test, threads: threads)
      for (i, json) in try #require(test.inputs["batches"]?.array).enumerated() {
        let batch = try tokenizer.batch(Self.tuples(json), firstQuery: 7)
        let expected = try test.batch(i)
        #expect(batch.firstQuery == 7 && batch.targets.values == expected.targets.values)
        switch (batch.texts, expected.texts) {
        case (.separate(let queries, let documents), .separate(let q, let d)):
          #expect(queries.ids == q.ids && queries.offsets == q.offsets, "\(test) \(i)")
          #expect(documents.ids == d.ids && documents.offsets == d.offsets, "\(test) \(i)")
          #expect(queries.attended == q.attended && documents.attended == d.attended)
        case (.pairs(let pairs), .pairs(let p)):
          #expect(pairs.ids == p.ids && pairs.offsets == p.offsets, "\(test) \(i)")
          #expect(pairs.typeIDs == p.typeIDs)
        default: Issue.record("\(test) \(i): another kind of texts")
        }
      }
    }
  }

  /// A text without a token cannot be pooled: its place is named.
  @Test func textWithoutTokens() throws {
    let test = try TrainingCase(fixture("training/splade_static"))
    let json = try #require(test.inputs["batches"]?.array?[0])
    var tuples = try Self.tuples(json)
    let tokenizer = try Self.tokenizer(test)
    let whole = try tokenizer.batch(tuples)
    tuples[1].documents[2].text = []
    guard case .separate(_, let documents) = whole.texts else { return }
    // Where special tokens are added, there is always one.
    if let batch = try? tokenizer.batch(tuples), case .separate(_, let others) = batch.texts {
      #expect(others.tokens < documents.tokens)
      return
    }
    let failure = #expect(throws: Failure.self) { try tokenizer.batch(tuples) }
    #expect(failure?.status == .data && failure?.place == "tuple 1")
  }

  /// A text that the tokenizer refuses is named by its tuple.
  @Test func refusedTextsAreNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "tokenizer.json",
      #"""
      {"version":"1.0","added_tokens":[],"normalizer":null,
       "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
       "model":{"type":"WordLevel","vocab":{"[CLS]":0,"[SEP]":1,"a":2},"unk_token":"[UNK]"}}
      """#)
    let model = try TrainingCase(fixture("training/splade_static")).model().model
    let tokenizer = try TupleTokenizer(
      Tokenizer.load(folder: folder.path), model, WorkerPool(threads: 1))
    for (query, document, place) in [("b", "a", "tuples.tsv:1"), ("a", "b", "tuples.tsv:2")] {
      let known = TrainingTuple(
        queryID: nil, query: Array("a".utf8),
        documents: [.init(id: nil, text: Array("a".utf8), target: 0)], place: "tuples.tsv:0")
      var odd = known
      odd.query = Array(query.utf8)
      odd.documents[0].text = Array(document.utf8)
      odd.place = place
      let failure = #expect(throws: Failure.self) { try tokenizer.batch([known, odd]) }
      #expect(failure?.status == .data && failure?.place == place)
    }
  }
}
