import ArgumentParser
import Failures
import Remaking
import Streams
import ToolSupport

/// `lir-eval provenance`: what made a file, and how to make it again.
struct ShowProvenance: ToolCommand {
  static let tool = LirEval.name
  static let isSilent = true

  static let configuration = CommandConfiguration(
    commandName: "provenance",
    abstract: "Print what made a tensor stream, a compressed text or an index, as JSON.",
    usage: """
      lir-eval provenance FILE
      lir-eval provenance --make [--inputs DIR]... FILE
      lir-eval provenance --digest FILE
      """)

  static let examples = [
    "lir-eval provenance first.run.zst",
    "lir-eval provenance --make --inputs . first.run.zst >first.mk",
  ]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Flag(help: "Print a Makefile that makes the file again, and compares.")
  var make = false

  @Option(
    help: ArgumentHelp(
      "With --make: folder (or file) in which inputs are looked for by their digests; may be repeated.",
      valueName: "dir"), completion: .directory)
  var inputs: [String] = []

  @Flag(help: "Print the digest by which records of what was made name the file.")
  var digest = false

  @Argument(help: "A tensor stream, a run or other text that ends in .zst, or an index folder.")
  var file: String

  func execute(_ context: ToolContext) throws {
    guard !make || !digest else { throw Failure.usage("--make and --digest are two questions") }
    guard make || inputs.isEmpty else { throw Failure.usage("--inputs is for --make") }
    if digest { return try StandardOutput.write(MadeFile.digest(of: file) + "\n") }
    let made = try MadeFile(file)
    guard !made.parts.isEmpty else {
      throw Failure(
        .refused, at: file, "expected a note of what made it, found none",
        hint: "uncompressed text has no place for one; zstd-compressed text does")
    }
    if make {
      var rules = try RemakeRules(made, lookingInto: inputs)
      return try StandardOutput.write(rules.makefile())
    }
    // Parts of a stream that were made the same way say it once.
    var texts: [String] = []
    for part in made.parts where !texts.contains(part.by) { texts.append(part.by) }
    try StandardOutput.write(texts.joined(separator: "\n") + "\n")
  }
}
