import ArgumentParser
import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Tensors
import ToolSupport

/// `lir-index merge`: several indexes to one.
struct Merge: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join indexes of one form; shards 1 to n give the index of the whole.",
    usage: "lir-index merge [OPTIONS] -o DIR INDEX...")

  static let examples = [
    "lir-index merge -o whole.index part-1.index part-2.index",
    "lir-index merge -o rest.index docs.index --without gone.txt",
  ]

  static let outputIsFolder = true
  static let withoutEffect = ["output", "without", "originals"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup var keeping: KeepingOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Folder of the new index.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Ids of documents that are left out, one a line; may be repeated.", valueName: "file"))
  var without: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where the vectors lie that codes stand for, in the folder (keep) or in a file elsewhere. (default: in the folder, as those of the indexes do)",
      valueName: "keep|file"))
  var originals: String?

  @Argument(help: ArgumentHelp("Indexes, in order.", valueName: "dir"))
  var inputs: [String]

  func execute(_ context: ToolContext) throws {
    if output == "-" { throw Failure.usage("-o names the folder of the index, not -") }
    try keeping.check(inputs: without, output: output)
    var folders: [IndexFolder] = []
    for input in inputs { folders.append(try IndexFolder(input)) }
    guard let first = folders.first else { throw Failure.usage("nothing to merge") }
    var merge = try IndexMerge(folders, try IndexTypes.of(first.manifest, first.path))
    for difference in merge.differences { context.diagnostics.warning(difference) }
    for path in without {
      context.warn(try merge.leaveOut(DocumentIDList.read(path)), of: path)
    }
    var by = first.manifest.source.description.by
    if !merge.haveOneOrigin || !without.isEmpty {
      // Indexes of different origin, or parts of them: the merge says which ones it joined.
      by =
        Provenance(
          tool: "lir-index merge", settings: context.settings,
          inputs: digests(folders) + (try InputDigest.of(without, name: "without")), earlier: nil
        ).json
    }
    if keeping.resume {
      let tellsWork =
        !merge.haveOneOrigin || !without.isEmpty
        || by.flatMap { Provenance(json: $0) }?.namesInputs ?? false
      let standing = try merge.standing(
        at: output, originals: originals, by: tellsWork ? by : nil)
      if let count = standing.documents(in: output, context) {
        return context.report("documents", String(count))
      }
    }
    let documents = try merge.run(
      to: output, originals: originals, IndexWork(Kernels(), context.pool), by: by
    ) {
      context.count(records: $0)
    }
    context.report("documents", String(documents))
  }

  private func digests(_ folders: [IndexFolder]) -> [(String, String)] {
    folders.enumerated().map { i, folder in
      (folders.count == 1 ? "index" : "index\(i + 1)", folder.manifest.digest)
    }
  }
}

extension StandingIndex {
  /// Says what there is in the place of an index; its number of documents where it is left as it is.
  func documents(in output: String, _ context: ToolContext) -> Int? {
    switch self {
    case .nothing: return nil
    case .same(let count):
      context.diagnostics.say("\(output) is whole and of the same work: nothing is left to do")
      return count
    case .other(let why):
      context.diagnostics.say("\(output) is there already, and made again: \(why)")
      return nil
    }
  }
}

/// `lir-index verify`: says by its status whether indexes are whole.
struct Verify: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every file of an index; silent, the status says it.")

  static let isSilent = true

  @OptionGroup(title: "Common") var common: CommonOptions

  @Argument(help: ArgumentHelp("Indexes.", valueName: "dir"))
  var inputs: [String]

  func execute(_ context: ToolContext) throws {
    for input in inputs {
      let folder = try IndexFolder(input)
      try IndexTypes.of(folder.manifest, input).verify(folder)
    }
  }
}
