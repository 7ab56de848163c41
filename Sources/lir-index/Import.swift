import ArgumentParser
import Failures
import IndexFormat
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import Tensors
import ToolSupport

/// `lir-index import`: an index of another program.
struct Import: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract:
      "Make an index of another program's: CIFF, faiss, fast-plaid, Lightning IR or Pyserini.",
    usage: "lir-index import [OPTIONS] -o DIR FILE")

  static let outputIsFolder = true

  static let examples = [
    "lir-index import -o words.index robust04.ciff.gz",
    "lir-index import --vocabulary models/splade --impact-scale 100 -o sparse.index splade.ciff",
    "lir-index import --model-label minilm -o docs.index lightning-ir/index",
  ]

  static let withoutEffect = ["output", "max-memory", "no-provenance"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Folder of the index.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Numbers of the terms, as of build: then impacts are the weights of sparse vectors. (default: an index of words)",
      valueName: "path"))
  var vocabulary: String?

  @Option(
    help: ArgumentHelp("What impacts are divided by to be weights. (default: 1)", valueName: "x"))
  var impactScale: Double?

  @Option(
    help: ArgumentHelp(
      "Name of the model of weights or vectors, as of build.", valueName: "name"))
  var modelLabel: String?

  @Option(
    help: ArgumentHelp(
      "Ids of vectors, one a line. (default: those in the index, or beside it)", valueName: "file"))
  var ids: String?

  @Option(
    help: ArgumentHelp("Memory that building may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: IndexWork.usualMemory)

  @Flag(help: "Leave out of the index what made it.")
  var noProvenance = false

  @Argument(
    help: ArgumentHelp(
      "File in CIFF, perhaps compressed, a faiss index or other vectors, or their folder.",
      valueName: "file"))
  var input: String

  func execute(_ context: ToolContext) throws {
    if output == "-" { throw Failure.usage("-o names the folder of the index, not -") }
    let file = try VectorInputs.file(of: input)
    let documents =
      try VectorInputs.isForeign(file) ? importVectors(file, context) : importCIFF(context)
    context.report("documents", String(documents))
  }

  private func importVectors(_ file: String, _ context: ToolContext) throws -> Int {
    if vocabulary != nil || impactScale != nil {
      throw Failure.usage("--vocabulary and --impact-scale are for CIFF, found vectors")
    }
    var claims = VectorClaims()
    claims.label = modelLabel
    claims.ids = ids.map { [$0] } ?? []
    let files = try VectorInputs.parts(of: [file])
    let inputs = try InputDigest.of(files) + InputDigest.of(claims.ids, name: "ids")
    return try build(nil, inputs, context).run(
      .streams([file], documents: RecordLimit.range(nil), claims: claims))
  }

  private func build(
    _ type: (any IndexType.Type)?, _ inputs: [(String, String)], _ context: ToolContext
  ) -> IndexBuild {
    IndexBuild(
      output, type: type, of: IndexTypes.all, given: context.declared,
      IndexWork(Kernels(), context.pool, memory: maxMemory.bytes, seed: common.seed.value),
      provenance: { _, parameters in
        noProvenance
          ? nil
          : Provenance(
            tool: "lir-index import", settings: context.settings, parameters: parameters,
            inputs: inputs, earlier: nil
          ).json
      },
      warn: { context.diagnostics.warning($0) }, count: { context.count(records: $0) })
  }

  private func importCIFF(_ context: ToolContext) throws -> Int {
    if ids != nil { throw Failure.usage("--ids is for vectors: CIFF has the ids of its documents") }
    if vocabulary == nil, impactScale != nil || modelLabel != nil {
      throw Failure.usage("--impact-scale and --model-label are for sparse vectors: --vocabulary")
    }
    let scale = impactScale ?? 1
    guard scale > 0, scale.isFinite else {
      throw Failure.usage("--impact-scale: expected a number above 0, found \(scale)")
    }
    let terms = try vocabulary.map { path throws(Failure) in try TermVocabulary(path) }
    let type = try IndexTypes.named(terms == nil ? BM25.name : Sparse.name)
    let file = try CIFFImport(input, vocabulary: terms, scale: Float(scale))
    for warning in file.warnings { context.diagnostics.warning(warning) }
    var claims = VectorClaims()
    claims.label = modelLabel
    return try build(type, InputDigest.of([input]), context).run(file.source(claims), input) {
      builder, _ throws(Failure) in
      try file.fill(&builder, memory: maxMemory.bytes) { context.count(records: $0) }
    }
  }
}
