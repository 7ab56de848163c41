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
    abstract: "Join indexes of one form; shards 1 to n give the index of the whole.",
    usage: "lir-index merge [OPTIONS] -o DIR INDEX...")

  static let examples = ["lir-index merge -o whole.index part-1.index part-2.index"]

  static let outputIsFolder = true
  static let withoutEffect = ["output"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Folder of the new index.", valueName: "dir"))
  var output: String

  @Argument(help: ArgumentHelp("Indexes, in order.", valueName: "dir"))
  var inputs: [String]

  func execute(_ context: ToolContext) throws {
    if output == "-" { throw Failure.usage("-o names the folder of the index, not -") }
    var folders: [IndexFolder] = []
    for input in inputs { folders.append(try IndexFolder(input)) }
    guard let first = folders.first else { throw Failure.usage("nothing to merge") }
    let merge = try IndexMerge(folders, try IndexTypes.of(first.manifest, first.path))
    for difference in merge.differences { context.diagnostics.warning(difference) }
    var by = first.manifest.source.description.by
    if !merge.haveOneOrigin {
      // Indexes of different origin: the merge says which ones it joined.
      by =
        Provenance(
          tool: "lir-index merge", settings: context.settings, inputs: digests(folders),
          earlier: nil
        ).json
    }
    let documents = try merge.run(to: output, IndexWork(Kernels(), context.pool), by: by) {
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

/// `lir-index verify`: says by its status whether indexes are whole.
struct Verify: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
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

/// `lir-index info`: what an index is.
struct Info: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(abstract: "Print an index's manifest as JSON.")

  static let isSilent = true

  @OptionGroup(title: "Common") var common: CommonOptions

  @Argument(help: ArgumentHelp("Index.", valueName: "dir"))
  var input: String

  func execute(_ context: ToolContext) throws {
    _ = try IndexManifest(folder: input)
    // As it stands there, whatever the version.
    try StandardOutput.write(
      try JSONFile.read("\(input)/\(IndexManifest.fileName)").indented() + "\n")
  }
}
