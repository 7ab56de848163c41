import Encoding
import Failures
import Models
import TestSupport
import Testing
import Tokenizers

struct PassageCutterTests {
  private func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }

  /// Passages of five tokens, two of them special, hold three of the text and start every two.
  @Test func passagesOverlap() throws {
    let cutter = try PassageCutter(length: 5, stride: 2, prefix: [2], suffix: [3])
    let (ids, passages) = cutter.cut(
      bytes(["d", "e"]), TokenWindow([[10, 11, 12, 13, 14, 15, 16], [20]]))
    #expect(ids == bytes(["d#0", "d#1", "d#2", "e#0"]))
    #expect(
      passages.texts == [
        [2, 10, 11, 12, 3], [2, 12, 13, 14, 3], [2, 14, 15, 16, 3], [2, 20, 3],
      ])
    #expect(passages.offsets == [0, 5, 10, 15, 18])
    #expect(passages.attended == Array(repeating: 1, count: 18))
    #expect(passages.typeIDs == Array(repeating: 0, count: 18))
  }

  @Test func aTextWithoutTokensIsOnePassage() throws {
    let cutter = try PassageCutter(length: 5, stride: 2, prefix: [2], suffix: [3])
    let (ids, passages) = cutter.cut(bytes(["d"]), TokenWindow([[]]))
    #expect(ids == bytes(["d#0"]))
    #expect(passages.texts == [[2, 3]])
  }

  @Test func theCountOfCutTextsStays() throws {
    var tokens = TokenWindow([[10]])
    tokens.truncated = 1
    let cutter = try PassageCutter(length: 1, stride: 1, prefix: [], suffix: [])
    #expect(cutter.cut(bytes(["d"]), tokens).tokens.truncated == 1)
  }

  /// What a passage has before the next one starts, and all of the last one, are the text; no passage
  /// but the last is short, and none lies within the one before it.
  @Test func nothingIsLost() throws {
    for room in 1...6 {
      for stride in 1...room {
        let cutter = try PassageCutter(length: room + 2, stride: stride, prefix: [2], suffix: [3])
        for length in 0...20 {
          let text = (0..<Int32(length)).map { 10 + $0 }
          let contents = cutter.cut(bytes(["d"]), TokenWindow([text])).tokens.texts.map {
            Array($0.dropFirst().dropLast())
          }
          let joined = contents.dropLast().flatMap { $0.prefix(stride) } + (contents.last ?? [])
          #expect(joined == text)
          #expect(contents.dropLast().allSatisfy { $0.count == room })
          #expect(contents.count == 1 + max(0, (length - room + stride - 1) / stride))
        }
      }
    }
  }

  @Test func noRoomIsRefused() {
    for (length, stride) in [(2, 1), (1, 1), (-5, 1), (5, 4), (5, 0), (5, -1)] {
      let found = failure {
        _ = try PassageCutter(length: length, stride: stride, prefix: [2], suffix: [3])
      }
      #expect(found?.status == .usage, "\(length):\(stride)")
    }
    #expect(
      failure { _ = try PassageCutter(length: 5, stride: 3, prefix: [2], suffix: [3]) } == nil)
  }

  @Test func theOptionIsRead() throws {
    let folder = try TemporaryFolder()
    let tokenizer = try TinyTokenizer.load(folder)
    let cutter = try PassageCutter(parsing: "4:2", tokenizer, nil)
    #expect(
      cutter.cut(bytes(["d"]), TokenWindow([[5, 7, 8]])).tokens.texts == [
        [2, 5, 7, 3], [2, 8, 3],
      ])
    for text in ["", "4", "4:", ":2", "4:2:1", "4:x", "4:0", "4:-1", "4:3", "2:1"] {
      let found = failure { _ = try PassageCutter(parsing: text, tokenizer, nil) }
      #expect(found?.status == .usage, "\(text)")
    }
  }

  /// A role's own tokens surround its passages; texts that are filled up have none.
  @Test func theRoleDecides() throws {
    let folder = try TemporaryFolder()
    let tokenizer = try TinyTokenizer.load(folder)
    func cutter(_ settings: RoleSettings) throws -> PassageCutter {
      try PassageCutter(
        parsing: "5:2", tokenizer, RoleTokenizer(tokenizer, settings, maximumLength: 32))
    }
    let marked = try cutter(RoleSettings(inserted: [InsertedToken("the")]))
    #expect(
      marked.cut(bytes(["d"]), TokenWindow([[5, 7, 8]])).tokens.texts
        == [[2, 9, 5, 7, 3], [2, 9, 8, 3]])
    let bare = try cutter(RoleSettings(addsSpecialTokens: false))
    #expect(bare.cut(bytes(["d"]), TokenWindow([[5, 7, 8]])).tokens.texts == [[5, 7, 8]])
    let filled = failure { _ = try cutter(RoleSettings(filling: .mask(isAttended: true))) }
    #expect(filled?.status == .usage)
  }

  /// What was written is passed over, however blocks divide it.
  @Test func writtenPassagesArePassedOver() {
    var skipper = PassageSkipper(3)
    var found: [[Int32]] = []
    for block in [[[10], [11, 12]], [[13], [14, 15]], [[16]]] as [[[Int32]]] {
      var ids = bytes(block.map { "\($0[0])" })
      var tokens = TokenWindow(block)
      skipper.skip(&ids, &tokens)
      #expect(ids == bytes(tokens.texts.map { "\($0[0])" }))
      found += tokens.texts
    }
    #expect(found == [[14, 15], [16]])
  }
}
