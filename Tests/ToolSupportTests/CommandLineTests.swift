import ArgumentParser
import Failures
import TestSupport
import Testing
import ToolSupport

@Suite struct CommandOrderTests {
  /// The options that may stand in front are those that every command has, each with its form.
  @Test func optionsOfAllCommands() {
    let tree = CommandTree(of: ProbeTool.self)
    let common = tree.usual.options.filter { option in
      CommandTree(alone: CommonOnly.self).option(option.spellings.last ?? "") != nil
    }
    let flags = common.filter { $0.kind == .flag }.flatMap(\.spellings) + ["-h", "--help"]
    #expect(Set(flags) == CommandOrder.flags)
    #expect(Set(common.filter { $0.kind == .option }.flatMap(\.spellings)) == CommandOrder.options)
  }

  struct CommonOnly: ParsableCommand {
    @OptionGroup var common: CommonOptions
  }

  @Test(arguments: [
    ("-q build -o x", "build -q -o x"), ("-v --threads 2 build a", "build -v --threads 2 a"),
    ("--threads=2 --log-format json build", "build --threads=2 --log-format json"),
    ("-vq build", "build -vq"), ("--help build", "build --help"), ("-h", "-h"),
    ("build -q", "build -q"), ("-q docs.lirt build", "-q docs.lirt build"),
    ("-o build build", "-o build build"), ("--threads build", "--threads build"),
    ("-q -- build", "-q -- build"), ("", ""), ("--threads", "--threads"),
  ])
  func order(typed: String, read: String) {
    let words = typed.split(separator: " ").map(String.init)
    #expect(
      CommandOrder.subcommandFirst(words, ["build"]) == read.split(separator: " ").map(String.init))
  }
}

@Suite struct UnknownOptionTests {
  private func hint(_ typed: String) -> String? {
    UnknownOption(in: [typed], of: CommandTree(of: ProbeTool.self).usual, short: true)?.hint
  }

  @Test(arguments: [
    ("--modle", "--model"), ("--colors", "--colour"), ("--max-lenght", "--max-length"),
    ("--Model", "--model"), ("--max_length", "--max-length"), ("--measures", "--measure"),
    ("--metric", "--measure"), ("--max-seq-length", "--max-length"), ("--workers", "--threads"),
    ("-j", "--threads"), ("--output-file=x", "--output"), ("--fp16", "--precision"),
    ("--shards", "--shard"), ("--prec", "--precision"), ("--length", "--max-length"),
  ])
  func meant(typed: String, meant: String) {
    #expect(hint(typed)?.contains("did you mean \(meant)?") == true, "\(hint(typed) ?? "none")")
  }

  @Test func words() {
    #expect(hint("--device")?.contains("CPUs") == true)
    #expect(hint("--corpus") == "name it without an option in front: Operands.")
    #expect(hint("--zzzzzz") == nil)
    #expect(
      UnknownOption(in: ["-m", "x"], of: CommandTree(of: ProbeTool.self).usual, short: true) == nil)
    #expect(
      UnknownOption(in: ["--", "--x"], of: CommandTree(of: ProbeTool.self).usual, short: true)
        == nil)
  }

  /// What a habit leads to exists in some tool under that name, or the row is dead.
  @Test func transposedLetters() {
    #expect(NearestName.find("roel", in: ["role", "model", "resume"]) == "role")
    #expect(NearestName.find("ndcg", in: ["nDCG", "AP"]) == "nDCG")
  }
}

@Suite struct CommandLineFailureTests {
  private func failure(_ typed: String) -> CommandLineFailure<ProbeTool> {
    CommandLineFailure(ProbeTool.self, typed.split(separator: " ").map(String.init))
  }

  @Test func commandsThatAreNone() {
    let near = failure("").unknownCommand("othre")
    #expect(near?.message.contains("no command othre") == true)
    #expect(near?.hint == "did you mean lir-probe other?")
    #expect(failure("").unknownCommand("append")?.hint == "the commands are probe, other")
    for word in ["other", "help", "docs.tsv", "./append", "", "-q", "9"] {
      #expect(failure("").unknownCommand(word) == nil, "\(word)")
    }
  }

  @Test func forgottenOutput() {
    let missing = Failure(.noInput, at: "out.lirt", "No such file or directory")
    #expect(
      failure("docs.tsv out.lirt").explained(missing).hint == "-o names the output: … -o out.lirt")
    for typed in [
      "out.lirt", "-o x docs.tsv out.lirt", "docs.tsv --output=x out.lirt", "--model out.lirt",
    ] {
      #expect(failure(typed).explained(missing).hint == nil, "\(typed)")
    }
    #expect(failure("out.lirt docs.tsv").explained(missing).hint == nil)
  }

  /// A command behind options of its own, which stands for an operand.
  @Test func commandTooLate() {
    let missing = Failure(.noInput, at: "other", "No such file or directory")
    let hint = failure("--max-length 3 other").explained(missing).hint
    #expect(hint?.contains("lir-probe other") == true)
  }
}

@Suite struct HelpPageTests {
  private func page(_ width: Int = 80) -> [String] {
    HelpPage(ProbeTool.self, [], width: width).text.split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
  }

  /// What is the command's own comes first, what all have comes last, then where to read on.
  @Test func order() throws {
    let lines = page()
    let titles = lines.filter { $0.hasSuffix(":") && !$0.hasPrefix(" ") }
    #expect(titles == ["ARGUMENTS:", "OPTIONS:", "COMMON:", "SUBCOMMANDS:"])
    let place = { (text: String) in lines.firstIndex { $0.hasPrefix("  " + text) } ?? -1 }
    #expect(place("--colour <colour>") < place("--threads <threads>"))
    #expect(place("-m, --measure <measure>") > 0)
    #expect(lines.contains("The manual says more: man lir-probe"))
    #expect(lines.contains("  lir-probe other"))
    #expect(lines.contains { $0.contains("(values: red, green; default: red)") })
    #expect(lines.filter { $0.contains("--help") }.count == 1)
  }

  @Test(arguments: [40, 60, 80, 200]) func width(columns: Int) {
    #expect(page(columns).allSatisfy { $0.count <= columns || !$0.contains("   ") })
    // Nothing is lost by wrapping.
    let words = { (lines: [String]) in lines.flatMap { $0.split(separator: " ") } }
    #expect(words(page(columns)) == words(page(400)))
  }
}

@Suite struct ProgressTests {
  @Test(arguments: [
    (0.0, "0 s"), (0.2, "1 s"), (119, "119 s"), (120, "2 min"), (121, "3 min"), (7199, "2 h 0 min"),
    (7201, "2 h 1 min"), (.infinity, "years"),
  ])
  func durations(seconds: Double, text: String) {
    #expect(Progress.duration(seconds) == text)
  }
}
