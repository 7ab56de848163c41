import Failures
import JSON
import Testing
import ToolSupport

@Suite struct DeclaredOptionsTests {
  private let declared = [
    DeclaredOption(
      "nprobe", aliases: ["n-probe"], valueName: "n", help: "Cells. (default: 1)", owners: ["ivf"]),
    DeclaredOption("exact", valueName: nil, help: "All.", owners: ["ivf", "hnsw"]),
  ]

  private func take(_ text: String) throws -> (rest: String, given: [String]) {
    let (rest, given) = try DeclaredOptions.take(
      text.split(separator: " ").map(String.init), declared)
    return (rest.joined(separator: " "), given.map { "\($0.name)=\($0.value)" })
  }

  @Test(arguments: [
    ("-k 3 a.lirt", "-k 3 a.lirt", []), ("--nprobe 4 a", "a", ["nprobe=4"]),
    ("a --n-probe=4", "a", ["nprobe=4"]), ("--exact a", "a", ["exact=true"]),
    ("--nprobe 4 --nprobe 5", "", ["nprobe=5"]), ("--nprobe -1 b", "b", ["nprobe=-1"]),
    ("-- --nprobe 4", "-- --nprobe 4", []), ("--nprober 4", "--nprober 4", []),
  ])
  func taken(text: String, rest: String, given: [String]) throws {
    let found = try take(text)
    #expect(found.rest == rest)
    #expect(found.given == given)
  }

  @Test(arguments: ["--nprobe", "--nprobe --exact", "--exact=yes"])
  func valuesThatAreMissingOrTooMany(text: String) {
    let failure = #expect(throws: Failure.self) { try take(text) }
    #expect(failure?.status == .usage)
  }

  /// A near miss of a known option is for the argument parser, which says what was meant.
  @Test func strangers() {
    var arguments = ["--fliter", "f", "--nprobe", "3", "a", "--cut=2", "--all", "-k", "5"]
    #expect(DeclaredOptions.takeStrangers(&arguments, ["filter", "index"]) == "nprobe")
    #expect(arguments == ["--fliter", "f", "3", "a", "-k", "5"])
    #expect(DeclaredOptions.takeStrangers(&arguments, ["filter", "index"]) == nil)
  }

  @Test func help() {
    let help = DeclaredOptions.help(declared)
    #expect(help.contains("--nprobe, --n-probe <n>"))
    #expect(help.contains("ivf: Cells. (default: 1)"))
    #expect(help.contains("ivf, hnsw: All."))
    #expect(DeclaredOptions.help([]).isEmpty)
  }

  /// The manual is made from this dump.
  @Test func dump() throws {
    let dump = """
      {"command": {"commandName": "tool", "arguments": [], "subcommands": [
        {"commandName": "build", "arguments": [{"kind": "flag"}]}, {"commandName": "info"}]}}
      """
    let json = try JSONParser.parse(
      DeclaredOptions.adding(to: dump) { $0 == "build" ? declared : [] })
    let commands = json["command"]?["subcommands"]?.array ?? []
    #expect(commands.count == 2)
    let arguments = commands[0]["arguments"]?.array ?? []
    #expect(arguments.count == 3)
    #expect(
      arguments[1]["names"]?.array?.compactMap { $0["name"]?.string } == ["nprobe", "n-probe"])
    #expect(arguments[1]["valueName"]?.string == "n")
    #expect(arguments[2]["kind"]?.string == "flag")
    #expect(json["command"]?["arguments"]?.array?.isEmpty == true)
    #expect(commands[1]["arguments"] == nil)
  }
}
