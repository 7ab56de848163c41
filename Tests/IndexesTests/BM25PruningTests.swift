import Glibc
import IndexFormat
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import TestSupport
import Testing
import Workers

/// Bounds that spare postings, against adding up all of them.
@Suite struct BM25PruningTests {
  /// Texts of words `w0`, `w1` and so on: the lower the number, the more often.
  ///
  /// There are more documents than a window has, and more postings of a word than a block has. Some
  /// documents are equal, some have a word very often.
  private static let texts: [[Int]] = {
    var random = CounterRandom(seed: 5)
    func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
    return (0..<9000).map { document in
      if document % 500 == 7 { return [3, 5, 5, 140] }
      if document % 1000 == 1 { return Array(repeating: 9, count: 300) + [140, 2] }
      return (0..<1 + draw(12)).map { _ in draw(1 + draw(1 + draw(400))) }
    }
  }()

  private static let queries: [[Int]] = {
    var random = CounterRandom(seed: 6)
    func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
    return (0..<30).map { _ in (0..<1 + draw(8)).map { _ in draw(1 + draw(300)) } } + [
      [140, 5], [9], [9, 140, 0], [0, 0, 0], [399],
    ]
  }()

  private static func text(_ words: [Int]) -> String {
    words.map { "w\($0)" }.joined(separator: " ")
  }

  private static func build(_ folder: TemporaryFolder) throws {
    let lines = texts.enumerated().map { "d\($0)\t\(text($1))\n" }
    try write(folder("docs.tsv"), lines.joined())
    let build = IndexBuild(
      folder("i"), type: BM25.self, of: IndexTypes.all, given: [("language", "none")],
      IndexWork(Kernels(), WorkerPool(threads: 1)))
    _ = try build.run(.texts([folder("docs.tsv")], RecordOptions()))
  }

  private static func search(
    _ folder: TemporaryFolder, k: Int, _ given: [IndexArguments.Given],
    filter: DocumentFilter? = nil
  ) throws -> [[TopDocuments.Entry]] {
    try openIndex(folder("i"), given: given).search(
      SearchRequest(
        ids: queries.indices.map { Array("q\($0)".utf8) },
        queries: .texts(queries.map { Array(text($0).utf8) }), k: k, filter: filter))
  }

  @Test func sameRuns() throws {
    let folder = try TemporaryFolder()
    try Self.build(folder)
    try BM25.verify(IndexFolder(folder("i")))
    try write(folder("some"), (0..<3000).map { "d\($0 * 3)\n" }.joined())
    let filter = try DocumentFilter(
      folder("some"), openIndex(folder("i")).documents)
    for given in [
      [], [("k1", "0"), ("b", "1")], [("k1", "2.5"), ("b", "0.9")], [("rm3", "true")],
    ] {
      for k in [1, 10, 300, 9000] {
        for filter in [nil, filter] {
          let all = try Self.search(folder, k: k, given + [("exact", "true")], filter: filter)
          #expect(try Self.search(folder, k: k, given, filter: filter) == all, "\(given) \(k)")
        }
      }
    }
  }

  /// Scores by their definition: lengths below 40 are exact, all others are a length byte's.
  @Test func scores() throws {
    let folder = try TemporaryFolder()
    try Self.build(folder)
    let found = try Self.search(folder, k: 9000, [])
    let total = Self.texts.reduce(0) { $0 + $1.count }
    let average = Float(Double(total) / Double(Self.texts.count))
    for (query, entries) in zip(Self.queries, found) {
      var sums: [Int: Double] = [:]
      for word in Set(query) {
        let holders = Self.texts.indices.filter { Self.texts[$0].contains(word) }
        let (all, own) = (Double(Self.texts.count), Double(holders.count))
        let weight =
          Float(query.count { $0 == word }) * Float(log(1 + (all - own + 0.5) / (own + 0.5)))
        for document in holders {
          let text = Self.texts[document]
          // 302 less 24 is 278, whose four significant bits are 256.
          let length: Float = text.count == 302 ? 280 : Float(text.count)
          let inverse = 1 / (Float(0.9) * ((1 - Float(0.4)) + Float(0.4) * length / average))
          let frequency = Float(text.count { $0 == word })
          sums[document, default: 0] += Double(weight - weight / (1 + frequency * inverse))
        }
      }
      #expect(entries.count == sums.count)
      #expect(entries.allSatisfy { Float(sums[Int($0.ordinal)] ?? -1) == $0.score })
    }
  }
}
