import ArgumentParser
import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import ToolSupport

/// `lir-index compact`: the segments of an index to one, without deleted documents.
struct Compact: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract:
      "Write an index anew without its deleted documents, as one that is built of the others.",
    usage: "lir-index compact [OPTIONS] INDEX")

  static let examples = ["lir-index compact docs.index"]

  static let withoutEffect = ["max-memory", "resume"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    help: ArgumentHelp("Memory that building may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: IndexWork.usualMemory)

  @Flag(help: "Of a type with a codebook: learn it anew from the documents that are left.")
  var retrain = false

  @Flag(
    help:
      "Leave an index as it is that this command has made already, in a run that was killed late."
  )
  var resume = false

  @Argument(help: ArgumentHelp("Index.", valueName: "dir"))
  var index: String

  func execute(_ context: ToolContext) throws {
    let edit = try IndexEdit(
      index, ofAnyFormat: true, waiting: { context.sayWaiting(index) })
    let manifest = edit.index.manifest
    let type = try IndexTypes.of(manifest, index)
    let isMade = manifest.isCompact && (!retrain || (resume && edit.isMade(by: context.settings)))
    if isMade {
      if resume { try type.verify(edit.index) }
      context.diagnostics.say("\(index) is compact: nothing is left to do")
      edit.sweep()
      return context.report("documents", String(manifest.documents))
    }
    let merge = try IndexMerge(compacting: edit.index, type)
    let documents = try merge.run(
      in: edit, IndexWork(Kernels(), context.pool, memory: maxMemory.bytes), retrains: retrain,
      by: edit.provenance("compact", context.settings, inputs: [])
    ) {
      context.count(records: $0)
    }
    context.report("documents", String(documents))
  }
}

extension IndexEdit {
  /// Whether the last change of the index was to compact it with the same settings.
  fileprivate func isMade(by settings: [Setting]) -> Bool {
    guard let by = index.manifest.source.description.by,
      let last = Provenance(json: by)?.entry,
      let wanted = provenance("compact", settings, inputs: []).flatMap({ Provenance(json: $0) })
    else { return false }
    return ["tool", "options", "version"].allSatisfy { key in
      last[key]?.serialized(sortingKeys: true) == wanted.entry[key]?.serialized(sortingKeys: true)
    }
  }
}
