import Encoding
import Failures
import Kernels
import Models
import Records
import Streams
import Tensors
import TestSupport
import Testing
import Tokenizers
import Vectors
import Workers

struct TextEmbedderTests {
  private let folder: TemporaryFolder
  private let model: TestModel
  private let embedder: TextEmbedder

  init() throws {
    folder = try TemporaryFolder()
    model = try TestModel("native/dpr_bert_00")
    embedder = try Self.embedder(model)
  }

  private static func embedder(
    _ model: TestModel, maxLength: Int? = nil
  ) throws -> TextEmbedder {
    try TextEmbedder(
      model.loaded, .doc, WorkerPool(threads: 2), Kernels(.best), batchTokens: 192,
      maxLength: maxLength)
  }

  private func values(_ embeddings: Embeddings) -> [Float] {
    if case .dense(let values, _) = embeddings { values } else { [] }
  }

  /// Records, texts and a stream of tokens give the same vectors.
  @Test func allWaysLeadToTheSameVectors() throws {
    let texts = ["the method of an object", "key", ""]
    let lines = texts.enumerated().map { "d\($0)\t\($1)\n" }.joined()
    var block = try batch(lines, folder)
    let records = try embedder.tokens(of: &block)
    #expect(records.ids == (0..<3).map { Array("d\($0)".utf8) })
    let expected = values(try embedder.embed(records))
    #expect(expected.count == 3 * 32)
    let (embeddings, truncated) = try embedder.embed(texts.map { Array($0.utf8) })
    #expect(values(embeddings) == expected)
    #expect(truncated == 0)
    let segment = try segment(records)
    #expect(values(try embedder.embed(TokenizedRecords(segment))) == expected)
    let last = TokenizedRecords(segment, records: 1..<3)
    #expect(last.ids == Array(records.ids.dropFirst()))
    #expect(values(try embedder.embed(last)) == Array(expected.dropFirst(32)))
  }

  @Test func cutTextsAreCounted() throws {
    let short = try Self.embedder(model, maxLength: 3)
    let (_, truncated) = try short.embed(["the method of an object", ""].map { Array($0.utf8) })
    #expect(truncated == 1)
  }

  private func segment(
    _ records: TokenizedRecords, _ change: (inout StreamDescription) -> Void = { _ in }
  ) throws -> TensorSegment {
    var description = StreamDescription(role: .doc)
    description.maxLength = 32
    description.prompt = ""
    description.tokenizer = "t"
    change(&description)
    var sink = TokenStreamSink(
      try ByteWriter(folder("tokens.lirt"), compression: Compression.none), description)
    try sink.append(ids: records.ids, records.tokens)
    try sink.finish()
    return try #require(try TensorStreamReader(folder("tokens.lirt")).next())
  }

  @Test func tokensOfOtherOriginAreRefused() throws {
    var block = try batch("d1\tkey\n", folder)
    let records = try embedder.tokens(of: &block)
    func refusal(_ change: (inout StreamDescription) -> Void) throws -> Failure? {
      let segment = try segment(records, change)
      return failure { try embedder.check(segment, tokenizer: "t", "tokens.lirt") }
    }
    #expect(try refusal { _ in } == nil)
    #expect(try refusal { $0.tokenizer = nil } == nil)
    // This model pools the tokens of a prompt as all others.
    #expect(try refusal { $0.prompt = "find: " } == nil)
    for change: (inout StreamDescription) -> Void in [
      { $0.role = .query }, { $0.maxLength = nil }, { $0.tokenizer = "u" },
    ] {
      #expect(try refusal(change)?.status == .config)
    }
  }

  /// Another vocabulary than the embedding table's 180 rows, which frameworks pad by up to 128.
  @Test func aTokenizerOfAnotherModel() throws {
    func status(_ tokens: Int) throws -> Failures.ExitStatus? {
      let more = (0..<tokens - TinyTokenizer.vocabulary.count).map { "w\($0)" }
      let tokenizer = try TinyTokenizer.load(folder, "tokenizer\(tokens)", adding: more)
      return failure { _ = try TestModel("native/dpr_bert_00", tokenizer: tokenizer) }?.status
    }
    #expect(try status(52) == .config)
    #expect(try status(53) == nil)
    #expect(try status(180) == nil)
    #expect(try status(181) == .config)
  }
}
