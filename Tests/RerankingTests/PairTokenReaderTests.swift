import Encoding
import Failures
import Models
import Records
import Reranking
import Streams
import Tensors
import TestSupport
import Testing

struct PairTokenReaderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A reader of pairs with one token each, whose number is the place of the pair.
  private func reader(
    _ ids: [String], pairs: Int = 100, role: Role = .pair, model: String? = "m",
    tokenizer: String? = "t"
  ) throws -> PairTokenReader {
    var description = StreamDescription(role: role)
    description.model = model
    description.tokenizer = tokenizer
    description.by = "[]"
    var sink = TokenStreamSink(
      try ByteWriter(folder("pairs.lirt"), compression: Compression.none), description)
    var tokens = TokenWindow()
    for i in ids.indices {
      tokens.ids.append(Int32(i))
      tokens.typeIDs.append(0)
      tokens.attended.append(1)
      tokens.offsets.append(i + 1)
    }
    try sink.append(ids: ids.map { Array($0.utf8) }, tokens)
    try sink.finish()
    return PairTokenReader(
      try TensorStreamReader(folder("pairs.lirt")), "pairs.lirt", model: "m", tokenizer: "t",
      pairs: pairs)
  }

  @Test func pairsOfOneQueryStayTogether() throws {
    let reader = try reader(["q\ta", "q\tb", "r\ta", "s\tb", "s\tc"])
    #expect(reader.description == nil)
    let window = try #require(try reader.next())
    #expect(reader.description?.by == "[]")
    #expect(window.queries.map(\.description) == ["q", "r", "s"])
    #expect(window.docs.map { $0.map(\.description) } == [["a", "b"], ["a"], ["b", "c"]])
    #expect(window.tokens.ids == [0, 1, 2, 3, 4])
    #expect(window.tokens.count == 5)
    #expect(try reader.next() == nil)
  }

  /// A window is full with the query that brings it to the size.
  @Test func windows() throws {
    let ids = ["q\ta", "q\tb", "r\ta", "s\tb", "s\tc", "t\ta"]
    func queries(_ pairs: Int) throws -> [[String]] {
      let reader = try reader(ids, pairs: pairs)
      var found: [[String]] = []
      var tokens: [Int32] = []
      while let window = try reader.next() {
        found.append(window.queries.map(\.description))
        tokens += window.tokens.ids
      }
      #expect(tokens == [0, 1, 2, 3, 4, 5])
      return found
    }
    #expect(try queries(1) == [["q"], ["r"], ["s"], ["t"]])
    #expect(try queries(2) == [["q"], ["r", "s"], ["t"]])
    #expect(try queries(3) == [["q", "r"], ["s", "t"]])
    #expect(try queries(6) == [["q", "r", "s", "t"]])
  }

  @Test func nothing() throws {
    let reader = try reader([])
    #expect(try reader.next() == nil)
  }

  @Test func scatteredQueriesAreRefused() throws {
    for pairs in [1, 2, 100] {
      let reader = try reader(["q\ta", "r\ta", "q\tb"], pairs: pairs)
      let found = failure { while try reader.next() != nil {} }
      #expect(found?.status == .data)
      #expect(found?.place == "pairs.lirt: record 2")
    }
  }

  @Test func otherStreamsAreRefused() throws {
    for (role, model) in [(Role.doc, "m"), (.pair, "n")] {
      let reader = try reader(
        ["q"].map { role == .pair ? "\($0)\ta" : $0 }, role: role, model: model)
      #expect(failure { _ = try reader.next() }?.status == .config)
    }
    let other = try self.reader(["q\ta"], tokenizer: "x")
    #expect(failure { _ = try other.next() }?.status == .config)
    // A stream of a tokenizer alone names no model.
    let reader = try reader(["q\ta"], model: nil)
    #expect(try reader.next()?.queries.count == 1)
    // Ids of pairs without a tab.
    let bare = try self.reader(["q"])
    #expect(failure { _ = try bare.next() }?.status == .data)
  }
}
