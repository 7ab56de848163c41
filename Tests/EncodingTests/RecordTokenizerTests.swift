import Encoding
import Models
import Records
import TestSupport
import Testing
import Tokenizers
import Workers

/// The ids are those of `TinyTokenizer`: [CLS] 2, [SEP] 3, a 5, b 6, ##b 7, c 8, the 9.
struct RecordTokenizerTests {
  private let threads = WindowTokenizer(WorkerPool(threads: 2))
  private let folder: TemporaryFolder
  private let tokenizer: Tokenizer

  init() throws {
    folder = try TemporaryFolder()
    tokenizer = try TinyTokenizer.load(folder)
  }

  @Test func theTokenizerAlone() throws {
    var batch = try batch("d1\ta ab c\nd2\tthe\nd3\t\n", folder)
    let whole = try RecordTokenizer.plain(tokenizer, maximumLength: nil).tokens(of: &batch, threads)
    #expect(whole.texts == [[2, 5, 5, 7, 8, 3], [2, 9, 3], [2, 3]])
    #expect(whole.truncated == 0)
    let cut = RecordTokenizer.plain(tokenizer, maximumLength: 4)
    let short = try cut.tokens(of: &batch, threads)
    #expect(short.texts == [[2, 5, 5, 3], [2, 9, 3], [2, 3]])
    #expect(short.truncated == 1)
    // For passages neither special tokens nor the limit count.
    let uncut = try cut.tokens(of: &batch, threads, uncut: true)
    #expect(uncut.texts == [[5, 5, 7, 8], [9], []])
    #expect(uncut.truncated == 0)
  }

  @Test func aLimitWithoutRoomIsRefused() throws {
    var batch = try batch("d1\ta\n", folder)
    let found = failure {
      _ = try RecordTokenizer.plain(tokenizer, maximumLength: 1).tokens(of: &batch, threads)
    }
    #expect(found?.status == .usage)
  }

  @Test func aRole() throws {
    var batch = try batch("d1\tab c c\n", folder)
    let settings = RoleSettings(
      prompt: "the ", inserted: [InsertedToken("b")], filling: .mask(isAttended: false))
    let tokenizer = RecordTokenizer.role(
      try RoleTokenizer(tokenizer, settings, maximumLength: 10))
    let tokens = try tokenizer.tokens(of: &batch, threads)
    #expect(tokens.texts == [[2, 6, 9, 5, 7, 8, 8, 3, 4, 4]])
    #expect(tokens.attended == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    // The prompt is a part of what passages are cut from.
    let uncut = try tokenizer.tokens(of: &batch, threads, uncut: true)
    #expect(uncut.texts == [[9, 5, 7, 8, 8]])
    #expect(tokenizer.role != nil)
  }

  @Test func pairs() throws {
    var batch = try batch("q\td\tthe\tab c\nq\te\ta\tc\n", folder, .pairs)
    let pairs = RecordTokenizer.pairs(PairTokenizer(tokenizer, maximumTokens: 6))
    let tokens = try pairs.tokens(of: &batch, threads)
    // Of four tokens three have room: the longer text is cut.
    #expect(tokens.texts == [[2, 9, 3, 5, 7, 3], [2, 5, 3, 8, 3]])
    #expect(tokens.typeIDs == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1])
    #expect(tokens.truncated == 1)
    #expect(pairs.role == nil)
  }

  /// A tokenizer without an unknown token refuses texts of other words.
  @Test func refusedTextsAreNamedOrLeftOut() throws {
    try folder.write(
      "tokenizer.json",
      #"""
      {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,
       "post_processor":null,"decoder":null,
       "model":{"type":"WordLevel","vocab":{"a":0,"c":1},"unk_token":"[UNK]"}}
      """#)
    let tokenizer = RecordTokenizer.plain(
      try Tokenizer.load(folder: folder("")), maximumLength: nil)
    let lines = "d0\ta\nd1\tb\nd2\tc\nd3\td\n"
    var kept = try batch(lines, folder)
    let failure = failure { _ = try tokenizer.tokens(of: &kept, threads) }
    #expect(failure?.status == .data)
    #expect(failure?.place?.hasSuffix("records.tsv:2") == true)
    var records = try batch(lines, folder, onError: .skip)
    let tokens = try tokenizer.tokens(of: &records, threads)
    #expect(tokens.texts == [[0], [1]])
    #expect((0..<records.count).map { records.idString($0) } == ["d0", "d2"])
    #expect(records.skipped == 2)
    #expect(records.firstSkipped?.place == failure?.place)
    // What was written before is passed over by the records that are left.
    var again = try batch(lines, folder, onError: .skip)
    var rest = try TokenizedRecords(&again, tokenizer, threads)
    var skipper = RecordSkipper(1)
    rest.drop(&skipper)
    #expect(rest.ids == [Array("d2".utf8)])
    #expect(rest.tokens.texts == [[1]])
  }

  @Test func threadsDoNotMatter() throws {
    let lines = (0..<300).map { "d\($0)\ta" + String(repeating: "b", count: $0 % 90) }
    var batch = try batch(lines.joined(separator: "\n") + "\n", folder)
    let tokenizer = RecordTokenizer.plain(tokenizer, maximumLength: 50)
    let one = try tokenizer.tokens(of: &batch, WindowTokenizer(WorkerPool(threads: 1)))
    let three = try tokenizer.tokens(of: &batch, WindowTokenizer(WorkerPool(threads: 3)))
    #expect(one.texts == three.texts)
    #expect(one.truncated == three.truncated)
    #expect(one.count == 300)
  }
}
