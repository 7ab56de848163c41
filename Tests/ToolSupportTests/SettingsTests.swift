import ArgumentParser
import Failures
import JSON
import TestSupport
import Testing
import ToolSupport

/// Settings found by reflection, and their way into a file and back.
struct SettingsTests {
  /// Every long flag that the help lists is a setting, and the other way round.
  @Test func coversTheHelp() throws {
    for command in [Probe.self, Other.self] as [any ToolCommand.Type] {
      let dump = try JSONParser.parse(command._dumpHelp())
      var flags: Set<String> = []
      for argument in dump["command"]?["arguments"]?.array ?? []
      where argument["kind"]?.string != "positional" {
        let names = argument["names"]?.array ?? []
        for name in names where name["kind"]?.string == "long" {
          if let text = name["name"]?.string { flags.insert(text) }
        }
      }
      flags.subtract(["help", "version"])
      #expect(flags.count > 8)
      let parsed = try command.parse([])
      #expect(Set(Settings.of(parsed).map(\.key)) == flags)
    }
  }

  @Test func values() throws {
    let command = try Probe.parse([
      "--colour", "green", "-m", "a", "-m", "b c", "--max-length", "7", "--drop-self", "-o",
      "x.zst",
      "--interpolation-weight", "0.25", "operand",
    ])
    let settings = Settings.of(command)
    #expect(settings.map(\.key) == settings.map(\.key).sorted())
    func value(_ key: String) -> Setting.Value? { settings.first { $0.key == key }?.value }
    #expect(value("colour") == .text("green"))
    #expect(value("measure") == .list(["a", "b c"]))
    #expect(value("max-length") == .number("7"))
    #expect(value("interpolation-weight") == .number("0.25"))
    #expect(value("drop-self") == .flag(true))
    #expect(value("verbose") == .flag(false))
    #expect(value("output") == .text("x.zst"))
    #expect(value("seed") == .number("42"))
    #expect(value("threads") == Setting.Value.none)
    #expect(value("inputs") == nil)
  }

  /// What `--print-config` writes reads back to the same settings.
  @Test(
    arguments: [
      [], ["--colour", "green", "--drop-self", "-v"], ["-m", "a", "-m", "true", "-m", "x: y"],
      ["--fields", "title,text", "--max-length", "512", "--seed", "18446744073709551615"],
      ["--compress", "zstd:19", "--shard", "2/3", "-o", "na\"me\\ #1: ünï.lirt"],
      ["--model", "null", "--model-config", #"{"model_type":"splade"}"#, "--threads", "0"],
      ["--model=--strange", "--interpolation-weight", "1e-07"],
    ])
  func printedConfigurationReadsBack(arguments: [String]) throws {
    let settings = Settings.of(try Probe.parse(arguments))
    let yaml = settings.filter { $0.key != "config" && $0.key != "print-config" }
      .map(\.yaml).joined(separator: "\n")
    let again = Settings.of(try probe(yaml + "\n")).filter { $0.key != "config" }
    #expect(again == settings.filter { $0.key != "config" })
  }
}

struct ConfigurationTests {
  @Test func withoutFile() throws {
    let arguments = ["--colour", "green", "x"]
    #expect(try Configuration.expand(arguments, for: ProbeTool.self) == arguments)
  }

  @Test func dashesAndUnderscores() throws {
    #expect(try probe("max_length: 9").maxLength == 9)
    #expect(try probe("max-length: 9").maxLength == 9)
    #expect(try probe("interpolation_weight: 0.125").interpolationWeight == 0.125)
  }

  @Test func flagBeatsFileBeatsDefault() throws {
    let yaml = "max-length: 9\ncolour: green\nmeasure: [a, b]\noutput: file\n"
    let command = try probe(yaml, ["--max-length", "3", "-m", "c", "-o", "mine"])
    #expect(command.maxLength == 3)
    #expect(command.colour == .green)
    #expect(command.measure == ["c"])
    #expect(command.output.output == "mine")
    #expect(command.common.seed.value == 42)
    #expect(try probe(yaml, ["--max-length=4"]).maxLength == 4)
  }

  @Test func lists() throws {
    #expect(try probe("measure: [nDCG@10, AP(rel=2)]").measure == ["nDCG@10", "AP(rel=2)"])
    #expect(try probe("measure:\n  - a\n  - 'b c'\n").measure == ["a", "b c"])
    #expect(try probe("measure: one").measure == ["one"])
    #expect(try probe("measure: []").measure.isEmpty)
  }

  @Test func booleans() throws {
    #expect(try probe("drop-self: true").dropSelf)
    #expect(try !probe("drop-self: false").dropSelf)
    #expect(try probe("drop_self: false", ["--drop-self"]).dropSelf)
  }

  @Test func nothing() throws {
    #expect(try probe("max-length: null\nmodel: ~\n").maxLength == nil)
    #expect(try probe("model: null").model.model == nil)
    #expect(try probe("model: 'null'").model.model == "null")
    #expect(throws: Failure.self) { try probe("") }
    #expect(try probe("# only a comment\n").maxLength == nil)
  }

  @Test func subcommands() throws {
    let expanded = try expand("title: x", ["other"])
    #expect(expanded.first == "other")
    let command = try ProbeTool.parseAsRoot(expanded) as? Other
    #expect(command?.title == "x")
    // A flag of another subcommand is none of this one's.
    let failure = #expect(throws: Failure.self) { try expand("colour: red", ["other"]) }
    #expect(failure?.status == .config)
  }

  @Test(
    arguments: [
      ("max-lenght: 3", "max-lenght", "max-length"), ("max_lenth: 3", "max_lenth", "max-length"),
      ("color: red", "color", "colour"), ("dropself: true", "dropself", "drop-self"),
    ])
  func unknownKey(yaml: String, key: String, nearest: String) throws {
    let failure = #expect(throws: Failure.self) { try expand(yaml) }
    #expect(failure?.status == .config)
    #expect(failure?.message == "unknown key \(key)")
    #expect(failure?.place?.hasSuffix("/c.yml") == true)
    #expect(failure?.hint == "did you mean \(nearest)?")
  }

  @Test func unlikeAnything() throws {
    let failure = #expect(throws: Failure.self) { try expand("xyzzy: 1") }
    #expect(failure?.status == .config)
    #expect(failure?.hint == nil)
    for key in ["help", "config", "inputs"] {
      let failure = #expect(throws: Failure.self) { try expand("\(key): x") }
      #expect(failure?.status == .config, "\(key)")
    }
  }

  @Test func malformed() throws {
    for yaml in ["a: [", "- a\n- b\n", "just text"] {
      let failure = #expect(throws: Failure.self) { try expand(yaml) }
      #expect(failure?.status == .data, "\(yaml)")
    }
    let nested = #expect(throws: Failure.self) { try expand("measure: {a: b}") }
    #expect(nested?.status == .config)
    let missing = #expect(throws: Failure.self) {
      try Configuration.expand(["--config", "/nonexistent/c.yml"], for: ProbeTool.self)
    }
    #expect(missing?.status == .noInput)
  }
}
