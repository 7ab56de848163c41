import Failures
import JSON
import TestSupport
import Testing
import TrainingData

/// Tuples that are known by their keys alone.
private final class KeyedTuples: TupleSource {
  private let keys: [[UInt64]]
  let varies: Bool
  var count: Int { keys.count }
  let documents = 1

  init(_ keys: [[UInt64]], varies: Bool = false) {
    self.keys = keys
    self.varies = varies
  }

  func keys(of index: Int, epoch: Int) -> [UInt64] { keys[index] }

  func tuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple {
    TrainingTuple(queryID: nil, query: [], documents: [], place: "tuple \(index)")
  }
}

/// Batches in which nothing is there twice.
@Suite struct DistinctBatchesTests {
  private static func all(_ batches: DistinctBatches, epoch: Int = 0) -> [[Int]] {
    (0..<batches.count(epoch)).map { batches.batch($0, epoch: epoch) }
  }

  /// Batches of sentence-transformers' sampler, by scripts/golden/make_contrastive.py.
  @Test func batchesAreSentenceTransformers() throws {
    let cases = try #require(try Fixtures.json("contrastive.json")["batches"]?.array)
    #expect(cases.count == 6)
    for item in cases {
      let tuples = (item["tuples"]?.array ?? []).map { $0.array?.compactMap(\.string) ?? [] }
      var numbers: [String: UInt64] = [:]
      for text in tuples.joined() where numbers[text] == nil {
        numbers[text] = UInt64(numbers.count)
      }
      let expected = (item["batches"]?.array ?? []).map {
        $0.array?.compactMap(\.integer) ?? []
      }
      let batches = DistinctBatches(
        KeyedTuples(tuples.map { $0.compactMap { numbers[$0] } }),
        batchSize: try #require(item["size"]?.integer), shuffleSeed: nil)
      #expect(Self.all(batches) == expected)
      #expect(batches.isEven)
    }
  }

  /// Every tuple once an epoch, nothing twice in a batch, and every epoch in an order of its own.
  @Test func shuffledTuples() {
    let keys: [[UInt64]] = (0..<300).map { (i: UInt64) -> [UInt64] in
      [1000 + i, (i * i) % 37, (i * 7) % 11 + 50]
    }
    let batches = DistinctBatches(KeyedTuples(keys), batchSize: 8, shuffleSeed: 3)
    #expect(!batches.isEven)
    var orders: Set<[[Int]]> = []
    for epoch in [0, 1, 2, 1, 0] {
      let all = Self.all(batches, epoch: epoch)
      orders.insert(all)
      #expect(all.joined().sorted() == Array(0..<300))
      for batch in all {
        let used = batch.flatMap { keys[$0] }
        #expect(!batch.isEmpty && batch.count <= 8 && Set(used).count == used.count)
      }
    }
    #expect(orders.count == 3)
  }

  /// Thousands of tuples with one document: a batch each, without looking at all of them every time.
  @Test func aDocumentOfAllTuples() {
    let batches = DistinctBatches(
      KeyedTuples((0..<20_000).map { [0, UInt64($0) + 1] }), batchSize: 32, shuffleSeed: nil)
    #expect(batches.count(0) == 20_000)
    #expect(batches.batch(19_999, epoch: 0) == [19_999])
  }

  /// What a tuple has twice itself is no reason to wait.
  @Test func aTupleThatRepeatsItself() {
    let batches = DistinctBatches(
      KeyedTuples([[1, 1], [2, 2, 2], [3, 1]]), batchSize: 3, shuffleSeed: nil)
    #expect(Self.all(batches) == [[0, 1], [2]])
  }
}
