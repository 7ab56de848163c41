import Failures
import Testing

@Suite struct FailureTests {
  @Test func description() {
    #expect("\(Failure(.io, at: "a.run", "a disk is full"))" == "a.run: a disk is full")
    #expect("\(Failure.usage("--k is missing", hint: "say it"))" == "--k is missing")
  }

  /// Scripts look at the exit status: it is that of sysexits.h, and no status has two meanings.
  @Test func statuses() {
    let expected: [(Failure, Int32)] = [
      (Failure(.refused, ""), 1), (.usage(""), 64), (.data("f", ""), 65),
      (Failure(.noInput, ""), 66), (Failure(.software, ""), 70), (Failure(.cannotCreate, ""), 73),
      (Failure(.io, ""), 74), (Failure(.retry, ""), 75), (.config(nil, ""), 78),
    ]
    for (failure, status) in expected { #expect(failure.status.rawValue == status) }
    #expect(ExitStatus(rawValue: 0) == nil)
  }

  @Test func line() {
    let failure = Failure.line("q.tsv", 7, expected: "two columns", found: "1")
    #expect("\(failure)" == "q.tsv:7: expected two columns, found 1")
    #expect(failure.status == .data && failure.hint == nil)
  }
}

@Suite struct NearestNameTests {
  @Test(
    arguments: [
      ("max-lenght", "max-length"), ("thread", "threads"), ("seed", "seed"), ("sed", "seed"),
      ("SEED", "seed"), ("tag", "Tag"), ("output", nil), ("x", nil), ("", nil),
    ] as [(String, String?)])
  func nearest(name: String, expected: String?) {
    let names = ["max-length", "threads", "shard", "seed", "Tag"]
    #expect(NearestName.find(name, in: names) == expected)
    #expect(NearestName.find(name, in: names.reversed()) == expected)
  }

  /// Among names that are equally near, case decides, then the name: never the order of a set.
  @Test func ties() {
    #expect(NearestName.find("ac", in: ["bc", "ab"]) == "ab")
    #expect(NearestName.find("ac", in: ["ab", "bc"]) == "ab")
    #expect(NearestName.find("Map", in: ["map", "Map"]) == "Map")
    #expect(NearestName.find("map", in: ["MAP", "map"]) == "map")
  }

  /// A third of the name may differ, one letter always, or as many letters as the caller allows.
  @Test func limit() {
    #expect(NearestName.find("abcdef", in: ["abcdxy"]) == "abcdxy")
    #expect(NearestName.find("abcdef", in: ["abcxyz"]) == nil)
    #expect(NearestName.find("ab", in: ["xb"]) == "xb")
    #expect(NearestName.find("abcdef", in: ["abcxyz"], within: 3) == "abcxyz")
    #expect(NearestName.find("x", in: [String]()) == nil)
  }
}

@Suite struct SuggestionTests {
  @Test(
    arguments: [
      ("batch", ["batch-tokens", "blocks"], "batch-tokens"),
      ("InBatchCE", ["InfoNCE", "InBatchCrossEntropy"], "InBatchCrossEntropy"),
      ("querys", ["queries", "query-model"], "queries"), ("zzz", ["queries"], nil),
      ("q", ["queries"], nil), ("tokens", ["batch-tokens"], nil),
      ("model", ["memory", "demo"], nil),
    ] as [(String, [String], String?)])
  func suggestions(_ name: String, _ candidates: [String], _ expected: String?) {
    #expect(NearestName.suggest(name, in: candidates) == expected)
  }
}
