import Encoding
import Failures
import Models
import Streams
import Tensors
import TestSupport
import Testing
import Tokenizers

struct TokenDecoderTests {
  private let folder: TemporaryFolder
  private let tokenizer: Tokenizer

  init() throws {
    folder = try TemporaryFolder()
    tokenizer = try TinyTokenizer.load(folder)
  }

  /// A segment with one record.
  private func segment(_ tokens: [Int32], by digest: String?) throws -> TensorSegment {
    var description = StreamDescription(role: .doc)
    description.tokenizer = digest
    let output = try ByteWriter(folder("tokens.lirt"), compression: Compression.none)
    var sink = TokenStreamSink(output, description)
    try sink.append(ids: [Array("d1".utf8)], TokenWindow([tokens]))
    try sink.finish()
    return try #require(try TensorStreamReader(folder("tokens.lirt")).next())
  }

  private func line(_ tokens: [Int32], _ form: TokenDecoder.Form) throws -> String {
    let decoder = try TokenDecoder(tokenizer, form)
    return String(
      decoding: try decoder.line(segment(tokens, by: nil), 0, "tokens.lirt"), as: UTF8.self)
  }

  @Test func textsComeBack() throws {
    #expect(try line([2, 9, 5, 7, 3], .tsv) == "d1\tthe ab\n")
    #expect(try line([2, 9, 5, 7, 3], .jsonl) == "{\"id\":\"d1\",\"text\":\"the ab\"}\n")
    #expect(try line([2, 3], .tsv) == "d1\t\n")
  }

  @Test func aTabIsForJSONAlone() throws {
    #expect(try line([10], .jsonl) == #"{"id":"d1","text":"t\tt"}"# + "\n")
    #expect(failure { _ = try line([10], .tsv) }?.status == .data)
  }

  @Test func anUnknownTokenIsDamage() {
    let found = failure { _ = try line([2, 99, 3], .tsv) }
    #expect(found?.status == .data)
    #expect(found?.place == "tokens.lirt: record 0")
  }

  @Test func anotherTokenizersTokensAreRefused() throws {
    let decoder = try TokenDecoder(tokenizer, .tsv)
    let own = try TokenizerDigest.of(tokenizer)
    try decoder.check(try segment([5], by: own), "tokens.lirt")
    try decoder.check(try segment([5], by: nil), "tokens.lirt")
    let foreign = try segment([5], by: String(own.reversed()))
    #expect(failure { try decoder.check(foreign, "tokens.lirt") }?.status == .config)
  }

  @Test func vectorsAreRefused() throws {
    let output = try ByteWriter(folder("vectors.lirt"), compression: Compression.none)
    var description = StreamDescription(role: .doc)
    description.dim = 1
    let writer = TensorStreamWriter(
      output, schema: .dense(.f32, dimension: 1), description: description)
    try writer.append(id: [0x64], items: 1, [[0, 0, 0, 0]])
    try writer.finish()
    let segment = try #require(try TensorStreamReader(folder("vectors.lirt")).next())
    let decoder = try TokenDecoder(tokenizer, .tsv)
    #expect(failure { try decoder.check(segment, "vectors.lirt") }?.status == .config)
  }

  /// The digest is of names and contents, wherever the folder is.
  @Test func digestOfATokenizer() throws {
    let digest = try TokenizerDigest.of(tokenizer)
    #expect(digest.utf8.count == 32)
    #expect(try TokenizerDigest.of(try TinyTokenizer.load(folder, "elsewhere")) == digest)
    #expect(try TokenizerDigest.of(try TinyTokenizer.load(folder, "more", adding: ["d"])) != digest)
    try folder.write("named/vocab.txt", try folder.read("tokenizer/vocab.txt"))
    let other = #"{"tokenizer_class":"BertTokenizerFast"}"#
    try folder.write("named/tokenizer_config.json", other)
    #expect(try TokenizerDigest.of(try Tokenizer.load(folder: folder("named"))) != digest)
  }
}
