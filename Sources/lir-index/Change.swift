import ArgumentParser
import Failures
import IndexFormat
import IndexSupport
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import Tensors
import ToolSupport

/// `lir-index append`: documents to an index that stands.
struct Append: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "append",
    abstract: "Add documents to an index, as a segment of their own.",
    usage: "lir-index append [OPTIONS] INDEX [STREAM...]")

  static let examples = ["lir-index append docs.index more.lirt"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Texts") var records: RecordOptionsGroup
  @OptionGroup var addition: AdditionOptions

  func execute(_ context: ToolContext) throws {
    try addition.run(.refused, "append", records, context)
  }
}

/// `lir-index replace`: documents in the place of those of the same ids.
struct Replace: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "replace",
    abstract: "Add documents to an index, and delete those that it has of the same ids.",
    usage: "lir-index replace [OPTIONS] INDEX [STREAM...]")

  static let examples = ["lir-index replace docs.index corrected.lirt"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Texts") var records: RecordOptionsGroup
  @OptionGroup var addition: AdditionOptions

  func execute(_ context: ToolContext) throws {
    try addition.run(.replaced, "replace", records, context)
  }
}

/// What `append` and `replace` share.
struct AdditionOptions: ParsableArguments, OptionsWithoutEffect {
  static let withoutEffect = ["max-memory", "resume"]

  @Option(
    help: ArgumentHelp("Read the first N documents and no more. (default: all)", valueName: "n"))
  var limit: Int?

  @Option(
    help: ArgumentHelp("Memory that building may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: IndexWork.usualMemory)

  @Flag(
    help:
      "Leave an index as it is that has the very same documents already, from a run that was killed late."
  )
  var resume = false

  @OptionGroup(title: "Vectors of other programs") var vectors: VectorOptions

  @Argument(help: ArgumentHelp("Index.", valueName: "dir"))
  var index: String

  @Argument(
    help:
      "Tensor streams, other programs' vectors or text records, in order; - or nothing for the standard input."
  )
  var inputs: [String] = []

  func run(
    _ repetition: IndexChange.Repetition, _ command: String, _ records: RecordOptionsGroup,
    _ context: ToolContext
  ) throws(Failure) {
    try RecordLimit.check(limit)
    // Whatever it is, an index is looked for before documents are waited for.
    let manifest = try IndexManifest(folder: index)
    let takesTexts = try IndexTypes.of(manifest, index).takes == .texts
    if !takesTexts, records.isSaid {
      throw .usage("--record-format, --fields and --on-error are for types that take texts")
    }
    var claims = try vectors.claims()
    if takesTexts, let flag = claims.flags.first {
      throw .usage("\(flag) is for types that take vectors")
    }
    let operands = try VectorInputs.files(of: Operands.resolve(inputs))
    let digests =
      try InputDigest.of(VectorInputs.parts(of: operands))
      + InputDigest.of(vectors.ids, name: "ids")
    let edit = try IndexEdit(index, waiting: { context.sayWaiting(index) })
    claims.terms = try edit.index.vocabulary()
    var change = try IndexChange(
      edit, IndexTypes.of(edit.index.manifest, index),
      IndexWork(Kernels(), context.pool, memory: maxMemory.bytes))
    let documents: DocumentInput =
      takesTexts
      ? .texts(operands, records.records(limit: limit))
      : .streams(operands, documents: RecordLimit.range(limit), claims: claims)
    let outcome = try change.append(
      documents, repetition, mayStand: resume,
      IndexReports(
        warn: { context.diagnostics.warning($0) }, count: { context.count(records: $0) },
        skip: { context.count(skipped: $0) }, reading: { context.progress.reading($0()) }))
    var total = edit.index.manifest.documents
    switch outcome {
    case .standing:
      context.diagnostics.say("\(index) has these documents already: nothing is left to do")
      edit.sweep()
    case .added(0): context.diagnostics.warning("no documents: \(index) stays as it is")
    case .added:
      total = try change.commit(
        by: edit.provenance(command, context.settings, inputs: digests))
    }
    context.report("deleted", String(change.deletions))
    context.report("documents", String(total))
  }
}

/// `lir-index delete`: documents from an index.
struct Delete: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete documents from an index by their ids.",
    usage: "lir-index delete [OPTIONS] INDEX --ids FILE")

  static let examples = ["lir-index delete docs.index --ids gone.txt"]

  static let withoutEffect = ["ids"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    help: ArgumentHelp("Ids of the documents, one a line; may be repeated.", valueName: "file"))
  var ids: [String]

  @Argument(help: ArgumentHelp("Index.", valueName: "dir"))
  var index: String

  func execute(_ context: ToolContext) throws {
    guard !ids.isEmpty else { throw Failure.usage("--ids is missing: which documents?") }
    _ = try IndexManifest(folder: index)
    let digests = try InputDigest.of(ids, name: "ids")
    let lists = try ids.map { path throws(Failure) in (path, try DocumentIDList.read(path)) }
    let edit = try IndexEdit(index, waiting: { context.sayWaiting(index) })
    var change = try IndexChange(
      edit, IndexTypes.of(edit.index.manifest, index), IndexWork(Kernels(), context.pool))
    for (path, ids) in lists {
      let unknown = ids.filter { !change.delete($0) }
      context.count(records: ids.count)
      context.warn(unknown, of: path)
    }
    var total = edit.index.manifest.documents
    if change.deletions > 0 {
      total = try change.commit(
        by: edit.provenance("delete", context.settings, inputs: digests))
    } else {
      edit.sweep()
    }
    context.report("deleted", String(change.deletions))
    context.report("documents", String(total))
  }
}

extension IndexEdit {
  /// JSON of what will have made the index; nil where it does not say so now.
  func provenance(
    _ command: String, _ settings: [Setting], inputs: [(String, String)]
  ) -> String? {
    Provenance.changing(
      index.manifest.source.description.by,
      ["append", "replace", "delete", "compact"].map { "lir-index \($0)" },
      tool: "lir-index \(command)", settings: settings,
      inputs: [("index", index.manifest.digest)] + inputs)
  }
}

extension ToolContext {
  /// Says that another process has the index.
  func sayWaiting(_ index: String) {
    diagnostics.say("\(index): another process changes it: waiting")
  }

  /// Warns of ids that no index has.
  func warn(_ unknown: [[UInt8]], of path: String) {
    guard !unknown.isEmpty else { return }
    diagnostics.warning(
      "\(path): \(unknown.count) ids are not in the index: \(DocumentIDList.words(unknown))")
  }
}
