import Records
import Testing

/// How a run stands where scores are equal.
@Suite struct RunTiesTests {
  private static func lines(_ scores: [(String, Float)], _ ties: RunTies) throws -> [String] {
    var bytes: [UInt8] = []
    try RunWriter(tag: "t", ties: ties).append(
      query: RecordID(Array("q".utf8)),
      documents: scores.map { ScoredDocument(id: RecordID(Array($0.0.utf8)), score: $0.1) },
      to: &bytes)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
      let fields = line.split(separator: " ")
      return "\(fields[2]) \(fields[3]) \(fields[4])"
    }
  }

  /// Rows of ties as ScoreTiesAdjusterReranker makes them: one unit of the fourth decimal is a tie, too.
  @Test func anserini() throws {
    let scores: [(String, Float)] = [
      ("b", 3.40801), ("a", 3.40801), ("c", 3.40796), ("d", 3.4079), ("e", 3.4), ("f", 0.00006),
      ("g", -1.5),
    ]
    #expect(
      try Self.lines(scores, .anserini) == [
        "a 1 3.408000", "b 2 3.407999", "c 3 3.407998", "d 4 3.407897", "e 5 3.400000",
        "f 6 0.000100", "g 7 -1.500000",
      ])
  }

  @Test func trec() throws {
    #expect(
      try Self.lines([("a", 1.5), ("b", 1.5), ("c", 2)], .trec) == [
        "c 1 2.0", "b 2 1.5", "a 3 1.5",
      ])
  }
}
