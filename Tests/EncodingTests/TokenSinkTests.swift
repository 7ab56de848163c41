import Encoding
import JSON
import Models
import Streams
import Tensors
import TestSupport
import Testing
import Tokenizers

struct TokenSinkTests {
  private let folder: TemporaryFolder
  private let tokenizer: Tokenizer
  private let ids: [[UInt8]] = [Array("d1".utf8), Array("d\"2".utf8)]
  private let tokens: TokenWindow

  init() throws {
    folder = try TemporaryFolder()
    tokenizer = try TinyTokenizer.load(folder)
    var tokens = TokenWindow([[2, 5, 7, 3], [2, 1, 3]])
    tokens.typeIDs[2] = 1
    tokens.attended[6] = 0
    self.tokens = tokens
  }

  private func written(_ sink: (ByteWriter) -> any TokenSink) throws -> String {
    var sink = sink(try ByteWriter(folder("out"), compression: Compression.none))
    try sink.append(ids: ids, tokens)
    try sink.finish()
    return String(decoding: try folder.read("out"), as: UTF8.self)
  }

  @Test func aStreamHoldsWhatWasAppended() throws {
    var description = StreamDescription(role: .doc)
    description.tokenizer = "digest"
    _ = try written { TokenStreamSink($0, description) }
    let reader = try TensorStreamReader(folder("out"))
    let segment = try #require(try reader.next())
    #expect(segment.description == description)
    #expect((0..<segment.records).map { segment.id($0) } == ids)
    #expect(segment.values(0, column: 0, as: Int32.self) == [2, 5, 7, 3])
    #expect(segment.values(0, column: 1, as: UInt8.self) == [1, 1, 1, 1])
    #expect(segment.values(0, column: 2, as: UInt8.self) == [0, 0, 1, 0])
    #expect(segment.values(1, column: 0, as: Int32.self) == [2, 1, 3])
    #expect(segment.values(1, column: 1, as: UInt8.self) == [1, 1, 0])
    #expect(try reader.next() == nil)
  }

  @Test func linesOfJSON() throws {
    #expect(
      try written { TokenLineSink($0, .json, provenance: nil) } == #"""
        {"id":"d1","input_ids":[2,5,7,3],"token_type_ids":[0,0,1,0],"attention_mask":[1,1,1,1]}
        {"id":"d\"2","input_ids":[2,1,3],"token_type_ids":[0,0,0],"attention_mask":[1,1,0]}

        """#)
  }

  /// A token that the vocabulary lacks is shown by its number.
  @Test func linesOfTokens() throws {
    var sink = TokenLineSink(
      try ByteWriter(folder("out"), compression: Compression.none), .texts(tokenizer),
      provenance: nil)
    try sink.append(ids: ids, tokens)
    try sink.append(ids: [Array("d3".utf8)], TokenWindow([[99]]))
    try sink.finish()
    #expect(
      String(decoding: try folder.read("out"), as: UTF8.self)
        == "d1\t[CLS] a ##b [SEP]\nd\"2\t[CLS] [UNK] [SEP]\nd3\t#99\n")
  }

  /// By the definition: of ten texts with 1 to 10 tokens, ⌈10·share⌉ are not longer than the quantile.
  @Test func statistics() throws {
    var statistics = TokenStatistics(folder("stats"), unknownID: TinyTokenizer.unk)
    for lengths in [[7, 1, 10, 4], [2, 9, 3, 5, 8, 6]] {
      var window = TokenWindow(lengths.map { Array(repeating: 5, count: $0) })
      window.truncated = 1
      window.ids[0] = TinyTokenizer.unk
      try statistics.append(ids: lengths.map { [UInt8($0)] }, window)
    }
    try statistics.finish()
    let json = try JSONParser.parse(try folder.read("stats"))
    #expect(json.serialized() == statistics.json.serialized())
    #expect(json["records"]?.integer == 10)
    #expect(json["tokens"]?.integer == 55)
    #expect(json["truncated"]?.integer == 2)
    #expect(json["unknown_rate"]?.double == 2.0 / 55)
    #expect(json["repeated_ids"]?.integer == 0)
    let expected = [
      ("min", 1), ("p25", 3), ("p50", 5), ("p75", 8), ("p95", 10), ("p99", 10), ("max", 10),
    ]
    for (name, length) in expected { #expect(json["length"]?[name]?.integer == length, "\(name)") }
  }

  @Test func statisticsOfNothing() throws {
    let json = TokenStatistics("-", unknownID: nil).json
    #expect(json["records"]?.integer == 0)
    #expect(json["unknown_rate"]?.double == 0)
    #expect(json["length"]?["p50"]?.integer == 0)
  }
}
