import Failures
import JSON
import Records
import Retrieval
import TestSupport
import Testing

/// Fusions of small runs, against ranx's.
@Suite struct RunFusionTests {
  static let golden = try? Fixtures.json("eval/fusion.json")

  static func runs(_ golden: JSON) -> [Run] {
    (golden["runs"]?.array ?? []).compactMap { run in
      var builder = RunBuilder(name: "run")
      for query in run.members ?? [] {
        for doc in query.value.members ?? [] {
          builder.add(
            query: RecordID(query.key), doc: RecordID(doc.key),
            score: Float(doc.value.double ?? .nan))
        }
      }
      return try? builder.finish()
    }
  }

  static func fuse(_ fusion: RunFusion, _ runs: [Run]) throws -> [RecordID: [RecordID: Float]] {
    var fused: [RecordID: [RecordID: Float]] = [:]
    try fusion.fuse(runs) { query, documents in
      fused[query] = Dictionary(uniqueKeysWithValues: documents.map { ($0.id, $0.score) })
    }
    return fused
  }

  @Test func equalsRanx() throws {
    let golden = try #require(Self.golden)
    let runs = Self.runs(golden)
    let cases = try #require(golden["cases"]?.array)
    #expect(runs.count == 3 && cases.count == 11)
    for wanted in cases {
      var fusion = RunFusion()
      let name = wanted["method"]?.string ?? ""
      fusion.method = try #require(FusionMethod(rawValue: name))
      fusion.weights = wanted["weights"]?.array?.compactMap(\.double) ?? []
      fusion.k = wanted["k"]?.double ?? 60
      let fused = try Self.fuse(fusion, runs)
      let queries = try #require(wanted["fused"]?.members)
      #expect(fused.count == queries.count)
      for query in queries {
        let docs = query.value.members ?? []
        let found = fused[RecordID(query.key)] ?? [:]
        #expect(found.count == docs.count)
        for doc in docs {
          let (ours, theirs) = (found[RecordID(doc.key)] ?? .nan, doc.value.double ?? 0)
          // Ours is rounded to single precision; the largest score that goes in is below 256.
          #expect(abs(Double(ours) - theirs) <= 2e-7 * max(1, abs(theirs)), "\(name) \(doc.key)")
        }
      }
    }
  }

  @Test func absentDocumentsGetNothing() throws {
    var builders = [RunBuilder(name: "a"), RunBuilder(name: "b")]
    builders[0].add(query: "1", doc: "x", score: 9)
    builders[0].add(query: "1", doc: "y", score: 8)
    builders[1].add(query: "1", doc: "y", score: 3)
    builders[1].add(query: "2", doc: "z", score: 3)
    let runs = [try builders[0].finish(), try builders[1].finish()]
    var fusion = RunFusion()
    let fused = try Self.fuse(fusion, runs)
    #expect(fused["1"] == ["x": Float(1.0 / 61), "y": Float(1.0 / 62 + 1.0 / 61)])
    #expect(fused["2"] == ["z": Float(1.0 / 61)])
    fusion.depth = 1
    #expect(try Self.fuse(fusion, runs)["1"] == ["x": Float(1.0 / 61), "y": Float(1.0 / 61)])
    fusion.method = .mnz
    fusion.normalization = .none
    fusion.depth = .max
    #expect(try Self.fuse(fusion, runs)["1"] == ["x": 9, "y": 22])
  }

  /// Values of qdrant-client 1.20.0 (hybrid/fusion.py): rankings of several, of one, and of equal scores.
  @Test func distributionsAreQdrants() throws {
    let rankings: [[(String, Float)]] = [
      [("x", 9), ("y", 8), ("z", 2.5)], [("y", -3), ("w", -7.25)], [("x", 4)],
      [("w", 1.5), ("z", 1.5)],
    ]
    let runs = try rankings.map { ranking in
      var builder = RunBuilder(name: "run")
      for (doc, score) in ranking { builder.add(query: "1", doc: RecordID(doc), score: score) }
      return try builder.finish()
    }
    var fusion = RunFusion()
    fusion.method = .dbsf
    let fused = try #require(try Self.fuse(fusion, runs)["1"])
    let wanted: [RecordID: Double] = [
      "y": 1.1892797016263295, "x": 1.119047619047619, "w": 0.882148869802242,
      "z": 0.8095238095238095,
    ]
    #expect(Set(fused.keys) == Set(wanted.keys))
    for (doc, score) in wanted { #expect(abs(Double(fused[doc] ?? .nan) - score) < 1e-7) }
  }

  @Test func refusesScoresThatOverflow() throws {
    var builder = RunBuilder(name: "a")
    builder.add(query: "1", doc: "x", score: .greatestFiniteMagnitude)
    let run = try builder.finish()
    var fusion = RunFusion()
    fusion.method = .sum
    #expect(throws: Failure.self) { try Self.fuse(fusion, [run, run]) }
  }
}
