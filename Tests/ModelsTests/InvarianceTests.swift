import Failures
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Workers

/// Results have equal bits whatever runs beside a text, on any number of threads and with any
/// instructions.
struct InvarianceTests {
  static let cases = [
    "native/dpr_bert_00", "native/dpr_bert_04", "native/splade_bert_00", "native/splade_bert_05",
    "native/mono_bert_02", "native/mono_bert_03", "external/st_bert_concat_dense2",
    "external/st_bert_weightedmean", "external/st_bert_lasttoken", "native/col_short_hidden",
    "native/mvr_bert_1", "native/coil_bert_1", "external/colbertv2",
    "native/dpr_t5_encoder", "native/mono_t5_1", "backbones/states_mpnet",
    "backbones/states_modernbert", "backbones/mlm_electra", "backbones/classifier_roberta",
  ]

  /// Results of every text of a case, one row each.
  struct Subject {
    let model: Model
    let window: TokenWindow

    /// Loads the model of a case, from a copy in `folder` where one is given.
    init(
      _ name: String, _ precision: Precision = .f32, folder: String? = nil,
      packed: PackedWeights? = nil
    ) throws {
      let golden = try ModelCase(name)
      let isLanguageModel = name.contains("mlm_")
      model = try golden.model(
        overrides: isLanguageModel ? ["model_type": "splade"] : nil, precision, folder: folder,
        packed: packed)
      if name.hasPrefix("backbones/") {
        // These have no tokenizer.
        window = try golden.window(model.description.isCrossEncoder ? "pair" : "doc")
      } else if model.description.isCrossEncoder {
        let pairs = zip(golden.queries, golden.documents).flatMap { query, documents in
          documents.map { (query, $0) }
        }
        window = try model.window(pairs: pairs, golden.tokenizer()).tokens
      } else {
        let texts = golden.texts + golden.documents.flatMap { $0 }
        window = try model.window(texts + ["", "a"], .doc, golden.tokenizer())
      }
    }

    func values(
      _ window: TokenWindow? = nil, threads: Int = 1, batchTokens: Int = 512,
      isa: InstructionSet = .best
    ) throws -> [[Float]] {
      let window = window ?? self.window
      guard model.description.isCrossEncoder else {
        return try model.embed(window, .doc, threads: threads, batchTokens: batchTokens, isa)
      }
      return try model.score(
        window, .logit, threads: threads, batchTokens: batchTokens, isa
      ).map { [$0] }
    }

    func bits(
      _ window: TokenWindow? = nil, threads: Int = 1, batchTokens: Int = 512,
      isa: InstructionSet = .best
    ) throws -> [[UInt32]] {
      try values(window, threads: threads, batchTokens: batchTokens, isa: isa)
        .map { row in row.map(\.bitPattern) }
    }
  }

  @Test(arguments: cases, Precision.allCases)
  func batchesAndThreads(name: String, precision: Precision) throws {
    let subject = try Subject(name, precision)
    let expected = try subject.bits()
    #expect(expected.count == subject.window.count)
    for batchTokens in [1, 16, 512] {
      for threads in 1...3 {
        #expect(
          try subject.bits(threads: threads, batchTokens: batchTokens) == expected,
          "\(name): batches of \(batchTokens) tokens, \(threads) threads")
      }
    }
  }

  @Test(arguments: cases, Precision.allCases)
  func instructionSets(name: String, precision: Precision) throws {
    let subject = try Subject(name, precision)
    let expected = try subject.bits(isa: .portable)
    for isa in InstructionSet.supported {
      for batchTokens in [16, 512] {
        #expect(
          try subject.bits(batchTokens: batchTokens, isa: isa) == expected, "\(name): \(isa.name)")
      }
    }
  }

  @Test(arguments: cases, Precision.allCases)
  func order(name: String, precision: Precision) throws {
    let subject = try Subject(name, precision)
    let expected = try subject.bits()
    let count = subject.window.count
    // A step that has no factor in common with the count, so that this visits every text.
    let step = count % 5 == 0 ? 7 : 5
    let order = (0..<count).map { ($0 * step + 3) % count }
    #expect(Set(order).count == count)
    let bits = try subject.bits(subject.window.selecting(order), threads: 2)
    for (place, index) in order.enumerated() { #expect(bits[place] == expected[index]) }
    for index in [0, count - 1] {
      #expect(try subject.bits(subject.window.selecting([index])) == [expected[index]])
    }
  }
}

extension TokenWindow {
  /// Some texts, in another order.
  fileprivate func selecting(_ indices: [Int]) -> TokenWindow {
    var window = TokenWindow()
    for index in indices {
      window.ids += ids[range(index)]
      window.typeIDs += typeIDs[range(index)]
      window.attended += attended[range(index)]
      window.offsets.append(window.ids.count)
    }
    return window
  }

  fileprivate init(_ ids: [Int32], typeIDs: [UInt8]) {
    self.init()
    self.ids = ids
    self.typeIDs = typeIDs
    attended = ids.map { _ in 1 }
    offsets = [0, ids.count]
  }
}

/// Texts that are odd, and tokens that come from somebody else's stream.
struct OddTextTests {
  static let cases = [
    "native/dpr_bert_00", "native/splade_bert_00", "native/splade_bert_01",
    "native/splade_bert_02", "external/st_bert_mean",
  ]

  @Test(arguments: cases)
  func emptyText(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    for role in [Role.query, .doc] {
      let window = try model.window([""], role, golden.tokenizer())
      let hasSpecialTokens = model.description.roles[role]?.addsSpecialTokens == true
      #expect(window.ids.count == (hasSpecialTokens ? 2 : 0))
      let row = try #require(try model.embed(window, role).first)
      #expect(row.allSatisfy { $0.isFinite })
      #expect(row.contains { $0 != 0 } == hasSpecialTokens)
    }
  }

  @Test func emptyWindow() throws {
    let golden = try ModelCase("native/dpr_bert_00")
    #expect(try golden.model().embed(TokenWindow(), .doc).isEmpty)
    let mono = try ModelCase("native/mono_bert_00")
    #expect(try mono.model().score(TokenWindow(), .logit).isEmpty)
  }

  /// Tokens behind the limit do not change a result, and are counted as cut.
  @Test(arguments: cases)
  func longText(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let tokenizer = try golden.tokenizer()
    let limit = model.maximumTokens(.doc)
    let words = Array(repeating: "a b c", count: limit).joined(separator: " ")
    let window = try model.window([words, words + " and more", "a"], .doc, tokenizer)
    #expect(window.range(0).count == limit)
    #expect(window.truncated == 2)
    let rows = try model.embed(window, .doc)
    #expect(rows[0] == rows[1])
    #expect(rows[0] != rows[2])
  }

  @Test func longPair() throws {
    let golden = try ModelCase("native/mono_bert_maxlen")
    let model = try golden.model()
    let long = Array(repeating: "a b c", count: 200).joined(separator: " ")
    let (window, _) = try model.window(
      pairs: [(long, long), (long, long + " d"), ("", ""), ("a", "")], golden.tokenizer())
    #expect(window.range(0).count == model.backbone.maximumTokens)
    #expect(window.truncated == 2)
    let scores = try model.score(window, .logit)
    #expect(scores[0] == scores[1])
    #expect(scores.allSatisfy { $0.isFinite })
    // [CLS] [SEP] [SEP]: a pair stays one where both texts are empty.
    #expect(window.range(2).count == 3)
    #expect(window.range(3).count == 4)
  }

  @Test(arguments: [Int32(-1), 180, .max])
  func tokenOutsideOfVocabulary(id: Int32) throws {
    let model = try ModelCase("native/dpr_bert_00").model()
    #expect(model.backbone.vocabularySize == 180)
    let failure = #expect(throws: Failure.self) {
      try model.embed(TokenWindow([2, id, 3], typeIDs: [0, 0, 0]), .doc)
    }
    #expect(failure?.status == .config)
    #expect(failure?.message == "token id \(id) is outside of the model's vocabulary of 180")
  }

  @Test func segmentThatTheModelLacks() throws {
    let model = try ModelCase("native/dpr_bert_00").model()
    _ = try model.embed(TokenWindow([2, 3], typeIDs: [0, 1]), .doc)
    let failure = #expect(throws: Failure.self) {
      try model.embed(TokenWindow([2, 3], typeIDs: [0, 2]), .doc)
    }
    #expect(failure?.status == .config)
    #expect(failure?.message == "type id 2 is outside of the model's 2 segments")
  }

  @Test func moreTokensThanPositions() throws {
    let model = try ModelCase("native/dpr_bert_00").model()
    let window = TokenWindow(
      Array(repeating: 2, count: 65), typeIDs: Array(repeating: 0, count: 65))
    let failure = #expect(throws: Failure.self) { try model.embed(window, .doc) }
    #expect(failure?.status == .config)
    #expect(failure?.message == "a text of 65 tokens, the model has 64 positions")
  }

  @Test func wrongKindOfModel() throws {
    let model = try ModelCase("native/mono_bert_00").model()
    let failure = #expect(throws: Failure.self) { try model.embed(TokenWindow(), .doc) }
    #expect(failure?.status == .config)
    #expect(failure?.message == "a cross-encoder gives no embeddings")
  }
}

/// Division of texts into batches.
struct PackingTests {
  @Test(arguments: [1, 7, 16, 512])
  func everyTextOnce(tokens: Int) {
    let lengths = (0..<97).map { $0 * 31 % 23 }
    let batches = Packing.batches(lengths: lengths, tokens: tokens)
    #expect(batches.flatMap { $0 }.sorted() == lengths.indices.filter { lengths[$0] > 0 })
    for batch in batches {
      #expect(batch.count == 1 || batch.reduce(0) { $0 + lengths[$1] } <= tokens)
    }
  }

  @Test func nothing() {
    #expect(Packing.batches(lengths: [], tokens: 8).isEmpty)
    #expect(Packing.batches(lengths: [0, 0], tokens: 8).isEmpty)
  }
}
