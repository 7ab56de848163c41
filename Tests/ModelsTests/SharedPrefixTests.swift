import Autograd
import JSON
import Kernels
import Models
import TestSupport
import Testing
import Tokenizers
import Workers

/// Tokens that all pairs of a query begin with, which decoders compute once.
struct SharedPrefixTests {
  /// With windows, heads that share keys, norms of heads, and answers in words.
  static let cases = ModelCase.named(
    "transformers5/classifier_qwen", "transformers5/classifier_mistral", "transformers5/recipe_",
    "transformers5/cross_")

  /// Pairs of five queries: their numbers, and the tokens that those of each begin with.
  private static let queries = [
    (pairs: 4, shared: 23), (pairs: 1, shared: 0), (pairs: 3, shared: 0), (pairs: 5, shared: 37),
    (pairs: 2, shared: PrefixGroup.fewestTokens),
  ]

  /// A window of pairs, the last of which is one that a longer one begins with.
  private static func window(
    _ model: Model, padding: Int32? = nil
  ) -> (window: TokenWindow, groups: [PairGroup]) {
    var (window, random, groups) = (TokenWindow(), CounterRandom(seed: 11), [PairGroup]())
    func token(_ place: Int) -> Int32 {
      Int32(random.next() % UInt64(model.backbone.vocabularySize - 3)) + 3
    }
    for query in queries {
      let first = (0..<query.shared).map(token)
      for pair in 0..<query.pairs {
        // No two go on with the same token.
        window.ids += first + [Int32(3 + pair)] + (0..<(pair * 7 % 19)).map(token)
        if let padding { window.ids += Array(repeating: padding, count: pair) }
        let count = window.ids.count - (window.offsets.last ?? 0)
        window.typeIDs += Array(repeating: 0, count: count)
        window.attended += Array(repeating: 1, count: count)
        window.offsets.append(window.ids.count)
      }
      let end = window.count
      groups.append(PairGroup(pairs: end - query.pairs..<end))
    }
    return (window, groups)
  }

  private static func scores(
    _ model: Model, _ window: TokenWindow, _ groups: [PairGroup], threads: Int = 1,
    batchTokens: Int = 192, _ isa: InstructionSet = .best
  ) throws -> (bits: [UInt32], tokens: Int) {
    let encoder = BatchEncoder(
      model, WorkerPool(threads: threads), Kernels(isa), batchTokens: batchTokens)
    let scores = try encoder.score(window, groups, .logit)
    return (scores.map(\.logit.bitPattern), encoder.computedTokens)
  }

  /// Bits are those of pairs that are computed as a whole, and tokens are fewer.
  @Test(arguments: cases, Precision.allCases) func bits(name: String, precision: Precision) throws {
    let model = try Self.model(name, precision)
    let (window, groups) = Self.window(model)
    let alone = (0..<window.count).map { PairGroup(pairs: $0..<$0 + 1) }
    let expected = try Self.scores(model, window, alone)
    #expect(expected.tokens == window.ids.count)
    #expect(Set(expected.bits).count > window.count / 2)
    let spared = Self.queries.reduce(0) { $0 + ($1.pairs - 1) * $1.shared }
    for isa in InstructionSet.supported {
      for (threads, batchTokens) in [(1, 192), (2, 1), (3, 40)] {
        let found = try Self.scores(
          model, window, groups, threads: threads, batchTokens: batchTokens, isa)
        if isa == .best || precision == .f32 { #expect(found.bits == expected.bits) }
        #expect(found.tokens == window.ids.count - spared)
      }
    }
  }

  /// The token that is read is never a part of the prefix, though padding stands behind it.
  @Test func padding() throws {
    let model = try Self.model("transformers5/classifier_qwen3", .f32)
    let padding = try #require(
      model.description.folder.config["pad_token_id"]?.integer
    ).asToken
    let (window, groups) = Self.window(model, padding: padding)
    let alone = (0..<window.count).map { PairGroup(pairs: $0..<$0 + 1) }
    #expect(
      try Self.scores(model, window, groups).bits == Self.scores(model, window, alone).bits)
    var same = TokenWindow()
    for _ in 0..<2 {
      same.ids += Array(repeating: 5, count: 20) + [padding, padding]
      same.typeIDs += Array(repeating: 0, count: 22)
      same.attended += Array(repeating: 1, count: 22)
      same.offsets.append(same.ids.count)
    }
    let found = try Self.scores(model, same, [PairGroup(pairs: 0..<2)])
    // Of twenty tokens that count, nineteen are shared.
    #expect(found.tokens == 44 - 19)
    #expect(found.bits[0] == found.bits[1])
  }

  /// Tokens that others do not attend to, and models whose tokens see what is behind them.
  @Test func notShared() throws {
    let model = try Self.model("transformers5/classifier_qwen3", .f32)
    var (window, groups) = Self.window(model)
    for pair in 0..<window.count { window.attended[window.range(pair).lowerBound] = 0 }
    #expect(PrefixGroup.all(groups, window, model) == nil)
    let encoder = try Self.model("transformers5/classifier_ultrabert", .f32)
    #expect(encoder.backbone.prefixBytes == nil)
    #expect(PrefixGroup.all(groups, Self.window(encoder).window, encoder) == nil)
  }

  /// As many prefixes are kept as there is room for, and one at least.
  @Test func rounds() {
    let groups = [30, 40, 0, 50, 10, 200, 1].map { PrefixGroup(pairs: 0..<2, tokens: $0) }
    let rounds = PrefixGroup.rounds(groups, bytes: PrefixGroup.keptBytes / 100)
    #expect(rounds.map { $0.map(\.tokens) } == [[30, 40, 0], [50, 10], [200], [1]])
  }

  private static func model(_ name: String, _ precision: Precision) throws -> Model {
    let golden = try ModelCase(name)
    let overrides: JSON? =
      name.contains("recipe_qwen3")
      ? ["model_type": "mono", "answer_recipe": "qwen3-reranker"]
      : name.contains("recipe_") ? ["model_type": "mono", "answer_recipe": "mxbai-rerank-v2"] : nil
    return try golden.model(overrides: overrides, precision)
  }
}

extension Int {
  fileprivate var asToken: Int32 { Int32(self) }
}
