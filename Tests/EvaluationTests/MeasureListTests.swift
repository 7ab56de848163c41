import Evaluation
import Failures
import Testing

struct MeasureListTests {
  private func names(_ names: [String], judged: Bool = false) throws -> [String] {
    try MeasureRegistry.measures(names, judged: judged).map(\.name)
  }

  /// What is asked for twice, however its parameters are written, is there once.
  @Test func eachMeasureOnce() throws {
    #expect(try names(["AP", "nDCG@10", "AP", "nDCG@10"]) == ["AP", "nDCG@10"])
    #expect(
      try names(["P(rel=2)@5", "P( rel=2 )@5", "P@5"]) == ["P(rel=2)@5", "P@5"])
    #expect(try names([]) == [])
  }

  @Test func judgedBesideEach() throws {
    #expect(
      try names(["nDCG@10", "P@10", "AP", "P@5"], judged: true)
        == ["nDCG@10", "Judged@10", "P@10", "AP", "Judged", "P@5", "Judged@5"])
    #expect(try names(["Judged@10", "P@10"], judged: true) == ["Judged@10", "P@10"])
  }

  @Test func unknownNames() {
    let failure = #expect(throws: Failure.self) { try names(["AP", "nope"]) }
    #expect(failure?.status == .usage)
  }
}
