import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import TestSupport
import Testing
import Vectors
import Workers

/// Tuning on every type that has knobs.
@Suite struct TuningTests {
  /// Every combination is tried, with what was said beside it, and the exact one last.
  @Test func everyCombinationIsTried() throws {
    let folder = try CertifiedSparseTests.folder(
      CertifiedSparseTests.Hard.usual.vectors(60, seed: 1))
    try buildIndex(folder("i"), streams: [folder("s")], type: Seismic.self)
    let queries = CertifiedSparseTests.Hard.usual.vectors(3, seed: 2)
    let request = SearchRequest(
      ids: queries.indices.map { Array("q\($0)".utf8) }, queries: .sparse(queries), k: 4)
    var opened: [[String]] = []
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    func tuning(_ given: [IndexArguments.Given]) throws -> SearchTuning {
      opened = []
      return try SearchTuning(
        TuningGoal(parsing: "exact:0.9@4"), Seismic.self, given, request,
        judge: { found, exact in found == exact ? 1 : 0 }
      ) { given throws(Failure) in
        opened.append(given.map { "\($0.name) \($0.value)" })
        return try IndexTypes.open(IndexFolder(folder("i")), given, work).index
      }
    }
    let all = try tuning([])
    let combinations = Seismic.knobs.reduce(1) { $0 * $1.values.count }
    #expect(all.points.count == combinations + 1)
    #expect(opened[0] == ["exact true"])
    #expect(Set(opened.map { $0.joined(separator: " ") }).count == combinations + 1)
    // So few documents are all scored, whatever the setting.
    #expect(all.points.allSatisfy { $0.quality == 1 })
    #expect(all.points[combinations].flags == "--exact")
    // What is said stays, by whichever of its names.
    let some = try tuning([("query-cut", "3")])
    #expect(some.points.count == Seismic.knobs[1].values.count + 1)
    #expect(
      opened.allSatisfy { $0.contains("query-cut 3") || $0 == ["exact true", "query-cut 3"] })
    for given in [[("exact", "true")], [("cut", "3"), ("heap-factor", "1")]] {
      #expect(status { _ = try tuning(given) } == .usage)
    }
    let flat = #expect(throws: Failure.self) {
      try SearchTuning(
        TuningGoal(parsing: "exact:0.9@4"), Flat.self, [], request, judge: { _, _ in 1 }
      ) { _ throws(Failure) in throw Failure(.software, "nothing to open") }
    }
    #expect(flat?.status == .usage)
  }
}
