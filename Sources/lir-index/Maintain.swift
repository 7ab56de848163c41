import ArgumentParser
import Failures
import IndexBuilding
import IndexFormat
import Tensors
import ToolSupport

/// `lir-index merge`: several indexes to one.
struct Merge: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    abstract: "Join indexes of one form; shards 1 to n give the index of the whole.")

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
    var shards = ShardSequence()
    for input in inputs {
      let folder = try IndexFolder(input)
      try folder.verify()
      try shards.follow(folder.manifest.stream.shard, input)
      if let first = folders.first { try check(first, folder, context.diagnostics) }
      folders.append(folder)
    }
    if let missing = shards.missing {
      throw Failure.data(inputs.joined(separator: " "), "\(missing) missing")
    }
    guard let manifest = folders.first?.manifest else { throw Failure.usage("nothing to merge") }
    var description = manifest.stream
    description.shard = nil
    if folders.contains(where: { $0.manifest.stream.by != description.by }) {
      // Indexes of different origin: the merge says which ones it joined.
      let manifests = folders.map { "\($0.path)/\(IndexManifest.fileName)" }
      description.by =
        Provenance(
          tool: "lir-index merge", settings: context.settings,
          inputs: try InputDigest.of(manifests, name: "index"), earlier: nil
        ).json
    }
    var builder: any IndexBuilder
    switch manifest.kind {
    case .flat:
      builder = try FlatIndexBuilder(
        output, schema: .dense(manifest.element, dimension: manifest.dimension),
        description: description, seed: manifest.seed)
    case .sparse:
      builder = try SparseIndexBuilder(
        output, dimension: manifest.dimension, description: description, seed: manifest.seed)
    }
    for folder in folders {
      try builder.append(contentsOf: folder)
      context.count(records: folder.manifest.documents)
    }
    let documents = try builder.finish()
    context.report("documents", String(documents))
  }

  private func check(
    _ first: IndexFolder, _ other: IndexFolder, _ diagnostics: Diagnostics
  ) throws(Failure) {
    let (a, b) = (first.manifest, other.manifest)
    let pairs = [
      ("type", a.kind.rawValue, b.kind.rawValue), ("dim", "\(a.dimension)", "\(b.dimension)"),
      ("element", a.element.rawValue, b.element.rawValue),
      ("model", a.stream.model ?? "none", b.stream.model ?? "none"),
      ("similarity", a.stream.similarity ?? "none", b.stream.similarity ?? "none"),
    ]
    for (what, x, y) in pairs where x != y {
      throw .config(
        other.path, "the indexes disagree: \(what) \(x) of \(first.path) and \(y)")
    }
    if let (what, x, y) = a.stream.difference(from: b.stream) {
      diagnostics.warning("\(other.path): \(what) \(x) of \(first.path) and \(y)")
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
    for input in inputs { try IndexFolder(input).verify() }
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
    try StandardOutput.write(try IndexManifest(folder: input).json.indented() + "\n")
  }
}
