import Kernels
import Retrieval
import Testing

@Suite struct TopDocumentsTests {
  /// Any order of insertion, and any split, gives the first of the sorted list.
  @Test func equalsSorting() {
    var random = CounterRandom(seed: 7)
    for size in [1, 2, 10, 100] {
      let entries = (0..<300).map { ordinal in
        TopDocuments.Entry(
          score: Float(Int(random.next() % 20)), rank: Int32(ordinal), ordinal: Int32(ordinal))
      }
      let sorted = entries.sorted { $0.score != $1.score ? $0.score > $1.score : $0.rank > $1.rank }
      var parts = [TopDocuments(size), TopDocuments(size), TopDocuments(size)]
      for entry in entries.shuffled(using: &random) { parts[Int(random.next() % 3)].insert(entry) }
      var merged = TopDocuments(size)
      for part in parts { merged.insert(part) }
      #expect(merged.sorted == Array(sorted.prefix(size)))
    }
  }
}
