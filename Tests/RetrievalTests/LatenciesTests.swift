import Retrieval
import Testing

@Suite struct LatenciesTests {
  @Test func percentiles() {
    var latencies = Latencies()
    #expect(latencies.percentiles.isEmpty)
    latencies.add(3, queries: 1)
    #expect(latencies.percentiles.map(\.seconds) == [3, 3, 3])
    for value in stride(from: 99, through: 0, by: -1) where value != 3 {
      latencies.add(Double(value), queries: 1)
    }
    #expect(latencies.percentiles.map(\.name) == ["p50", "p95", "p99"])
    #expect(latencies.percentiles.map(\.seconds) == [50, 95, 99])
  }

  /// Each of several queries that were searched together has waited for all of them.
  @Test func queriesTogether() {
    var latencies = Latencies()
    latencies.add(1, queries: 9)
    latencies.add(8, queries: 1)
    #expect(latencies.percentiles.map(\.seconds) == [1, 8, 8])
  }
}
