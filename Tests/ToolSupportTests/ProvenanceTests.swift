import Failures
import JSON
import Testing
import ToolSupport

struct ProvenanceTests {
  private func provenance(_ arguments: [String], earlier: String? = nil) throws -> Provenance {
    Provenance(
      tool: "lir-probe", settings: Settings.of(try Probe.parse(arguments)),
      inputs: [("model", "00ff"), ("input1", "1234")], earlier: earlier)
  }

  /// What cannot change a record is not in it: the same work anywhere has the same digest.
  @Test func deterministic() throws {
    let plain = try provenance(["--max-length", "7"])
    let elsewhere = try provenance([
      "--max-length", "7", "-o", "/secret/out.zst", "--threads", "3", "--model", "/secret/model",
      "--isa", "portable", "--compress", "zstd:9", "-v", "--progress", "never", "--shard", "1/2",
      "--resume", "--log-format", "json", "--model-config", "/secret/config.json", "--volume", "3",
      "--adapter", "/secret/adapter", "--query-model", "/secret/query", "--cache", "/secret/cache",
      "--calibrate", "/secret/texts", "--no-provenance", "--print-config", "--quiet",
      "/secret/input.tsv",
    ])
    #expect(plain.json == elsewhere.json)
    #expect(plain.digest == elsewhere.digest)
    #expect(!elsewhere.json.contains("secret"))
    #expect(plain.digest.utf8.count == 32)
    #expect(plain.runTag("lir-probe") == "lir-probe-\(plain.digest.prefix(8))")
  }

  @Test(
    arguments: [
      ["--max-length", "8"], ["--max-length", "7", "--seed", "1"],
      ["--max-length", "7", "--drop-self"], ["--max-length", "7", "-m", "a"],
      ["--max-length", "7", "--fields", "title"], ["--max-length", "7", "--precision", "int8"],
      [],
    ])
  func dependsOnWhatChangesRecords(arguments: [String]) throws {
    #expect(try provenance(arguments).digest != (try provenance(["--max-length", "7"]).digest))
  }

  /// A name counts where it is declared: another command's option of that name has its effect.
  @Test func effectsBelongToTheirCommand() throws {
    let settings = Settings.of(try Other.parse(["--volume", "3"]))
    #expect(settings.first { $0.key == "volume" }?.canChangeRecords == true)
    #expect(settings.first { $0.key == "threads" }?.hasEffect == false)
  }

  @Test func form() throws {
    let first = try provenance(["--drop-self"])
    let entry = try #require(try JSONParser.parse(first.json).array?.first)
    #expect(entry.members?.map(\.key) == ["inputs", "options", "tool", "version"])
    #expect(entry["tool"]?.string == "lir-probe")
    #expect(entry["version"]?.string == Release.version)
    #expect(entry["inputs"]?["model"]?.string == "00ff")
    #expect(entry["options"]?["drop-self"]?.bool == true)
    #expect(entry["options"]?["verbose"] == nil)
    let second = try provenance([], earlier: first.json)
    let stages = try #require(try JSONParser.parse(second.json).array)
    #expect(stages.count == 2)
    #expect(stages[0].serialized() == entry.serialized())
  }
}

struct SmallPartsTests {
  @Test(
    arguments: [
      (0.0, 3, "0.000"), (1.2345, 3, "1.235"), (1.2344, 3, "1.234"), (-0.5, 1, "-0.5"),
      (12, 0, "12"), (0.05, 1, "0.1"), (-0.04, 1, "0.0"), (123456.789, 2, "123456.79"),
      (0.001, 3, "0.001"), (9.9999, 3, "10.000"),
    ] as [(Double, Int, String)])
  func fixed(value: Double, decimals: Int, expected: String) {
    #expect(ToolContext.fixed(value, decimals) == expected)
  }

  @Test func fixedOddities() {
    #expect(ToolContext.fixed(.nan, 2) == "nan")
    #expect(ToolContext.fixed(.infinity, 2) == "inf")
    #expect(ToolContext.fixed(1e300, 2) == "1e+300")
  }

  @Test(arguments: ["-1", "1025"])
  func threads(count: String) throws {
    let options = try CommonOptions.parse(["--threads=\(count)"])
    let failure = #expect(throws: Failure.self) {
      try ToolContext(tool: "t", common: options, settings: [])
    }
    #expect(failure?.status == .usage)
  }

  @Test func threadsInForce() throws {
    func context(_ arguments: [String]) throws -> ToolContext {
      try ToolContext(tool: "t", common: try CommonOptions.parse(arguments), settings: [])
    }
    #expect(try context(["--threads", "3"]).pool.threads == 3)
    #expect(try context(["--threads", "0"]).pool.threads >= 1)
  }
}
