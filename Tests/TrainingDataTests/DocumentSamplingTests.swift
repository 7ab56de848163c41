import Glibc
import Kernels
import Testing
import TrainingData

@Suite struct DocumentSamplingTests {
  typealias Candidate = DocumentSampling.Candidate

  /// Ranks 1 to `count`; grades of some ranks.
  private func ranked(_ count: Int, grades: [Int: Int] = [:]) -> [Candidate] {
    (1...count).map { Candidate(rank: $0, grade: grades[$0]) }
  }

  /// How often each place is drawn.
  private func counts(
    _ sampling: DocumentSampling, _ candidates: [Candidate], _ size: Int, times: Int
  ) -> [Int] {
    var counts = [Int](repeating: 0, count: candidates.count)
    for stream in 0..<times {
      var random = CounterRandom(seed: 11, stream: UInt64(stream))
      let places = sampling.places(of: candidates, size, &random)
      #expect(places.count == size && Set(places).count == size)
      for place in places { counts[place] += 1 }
    }
    return counts
  }

  @Test func topTakesTheFirst() {
    #expect(counts(.top, ranked(5), 3, times: 4) == [4, 4, 4, 0, 0])
  }

  @Test func randomTakesEachAsOften() {
    // 3 of 6, 6000 times: 3000 each, with a standard deviation of 39.
    for count in counts(.random, ranked(6), 3, times: 6000) {
      #expect(abs(count - 3000) < 200)
    }
  }

  @Test func topAndRandomTakesHalfOfTheTop() {
    // 5 of 10: the first two always, of the others three of eight.
    let counts = counts(.topAndRandom, ranked(10), 5, times: 4000)
    #expect(counts[..<2].allSatisfy { $0 == 4000 })
    for count in counts[2...] { #expect(abs(count - 1500) < 160) }
  }

  @Test func singleRelevantPutsThePositiveFirst() {
    let candidates =
      ranked(6, grades: [2: 1, 3: 0, 5: 2, 6: -1]) + [
        Candidate(rank: nil, grade: 1), Candidate(rank: nil, grade: 0),
      ]
    var firsts: [Int] = [0, 0, 0, 0, 0, 0, 0, 0]
    for stream in 0..<3000 {
      var random = CounterRandom(seed: 1, stream: UInt64(stream))
      let places = DocumentSampling.singleRelevant.places(of: candidates, 3, &random)
      firsts[places[0]] += 1
      // Neither relevant nor judged below 0, and in the ranking.
      #expect(places.dropFirst().allSatisfy { [0, 2, 3].contains($0) })
    }
    for place in [1, 4, 6] { #expect(abs(firsts[place] - 1000) < 130) }
    #expect(DocumentSampling.singleRelevant.feasible(candidates, 4))
    #expect(!DocumentSampling.singleRelevant.feasible(candidates, 5))
  }

  /// One of four by 1 / ln(1 + rank), as `Sampler.log_random` weighs them; a document without a rank
  /// has the smallest weight.
  @Test func logRandomPrefersTheTop() {
    let candidates = ranked(3) + [Candidate(rank: nil, grade: 1)]
    let weights = [1 / log1p(1.0), 1 / log1p(2.0), 1 / log1p(3.0), 1 / log1p(3.0)]
    let sum = weights.reduce(0, +)
    for (count, weight) in zip(counts(.logRandom, candidates, 1, times: 20000), weights) {
      #expect(abs(Double(count) - 20000 * weight / sum) < 320)
    }
  }
}
