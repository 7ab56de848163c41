import Records
import Retrieval
import Testing

/// Searches for weights of functions whose best weights are known.
@Suite struct WeightSearchTests {
  /// The value falls with the distance from a point of the grid: there is one best.
  @Test(arguments: [[3, 1], [1, 0], [0, 1], [13, 7], [2, 1, 1], [5, 0, 15], [1, 2, 3, 4]])
  func findsThePeak(_ peak: [Int]) throws {
    let search = WeightSearch(peak.count)
    // Of three the grid has multiples of 1/21.
    let target = peak.count == 3 ? [7 * peak[0], 7 * peak[1], 7 * peak[2]] : peak
    let total = Double(target.reduce(0, +))
    let found = try search.best { weights in
      let sum = Double(weights.reduce(0, +))
      return -zip(weights, target).reduce(0) { result, pair in
        let difference = Double(pair.0) / sum - Double(pair.1) / total
        return result + difference * difference
      }
    }
    let sum = Double(found.reduce(0, +))
    for (ours, wanted) in zip(found, target) {
      #expect(abs(Double(ours) / sum - Double(wanted) / total) <= 0.51 / Double(search.units))
    }
  }

  /// Ascent over four weights ends where no pair can be divided in a better way, whatever the values are.
  @Test(arguments: 0..<5) func ascendsToAPeak(_ seed: Int) throws {
    func value(_ weights: [Int]) -> Double {
      let sum = Double(weights.reduce(0, +))
      let parts = weights.map { Double($0) / sum }
      let waves = parts.enumerated().map { i, part in
        (part * Double(3 + (seed + i * i) % 7)).truncatingRemainder(dividingBy: 1)
      }
      return waves.reduce(0, +)
    }
    let search = WeightSearch(4)
    let found = try search.best(value)
    let steps = found.map { $0 * search.units / found.reduce(0, +) }
    #expect(steps.reduce(0, +) == search.units)
    #expect(value(found) >= value([1, 1, 1, 1]))
    for i in 0..<4 {
      for j in 0..<i {
        for share in 0...(steps[i] + steps[j]) {
          var other = steps
          (other[i], other[j]) = (share, steps[i] + steps[j] - share)
          #expect(value(other) <= value(found) + 2e-9)
        }
      }
    }
  }

  /// Equal weights before all others, then the smaller numbers, whatever the order of the runs.
  @Test func takesTheSimpler() throws {
    #expect(try WeightSearch(3).best { _ in 1 } == [1, 1, 1])
    #expect(try WeightSearch(2).best { $0[0] > $0[1] ? 1 : 0 } == [1, 0])
    #expect(try WeightSearch(2).best { $0[0] > $0[1] && $0[1] > 0 ? 1 : 0 } == [3, 1])
    // Sums in another order are the same value.
    #expect(try WeightSearch(2).best { $0 == [1, 1] ? 0.3 : 0.1 + 0.2 } == [1, 1])
    // What is no number counts less than all else.
    #expect(try WeightSearch(2).best { $0 == [0, 1] ? -5 : .nan } == [0, 1])
  }

  /// Every query is in one part, parts are as large as each other, and the order says nothing.
  @Test func folds() {
    let queries = (0..<23).map { RecordID("q\($0)") }
    let folds = QueryFolds.of(queries, count: 5, seed: 42)
    #expect((0..<5).map { part in folds.count { $0 == part } }.sorted() == [4, 4, 5, 5, 5])
    #expect(QueryFolds.of(queries.reversed(), count: 5, seed: 42) == folds.reversed())
    #expect(QueryFolds.of(queries, count: 5, seed: 43) != folds)
  }
}
