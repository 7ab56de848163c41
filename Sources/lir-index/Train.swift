import ArgumentParser
import Failures
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import Tensors
import ToolSupport

/// `lir-index train`: what the indexes of a collection's shards must share.
struct Train: ToolCommand, TakesDeclaredOptions {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract:
      "Learn the codebook of a type from a sample of documents: an index of no document, for build --codebook.",
    usage: "lir-index train --type TYPE [OPTIONS] -o CODEBOOK [STREAM...]")

  static let outputIsFolder = true

  static let examples = [
    "lir-index train --type ivf --num-centroids 4096 -o docs.codebook docs.lirt.zst",
    "lir-index build --codebook docs.codebook --shard 1/4 -o part-1.index docs.lirt.zst",
  ]

  static let withoutEffect = ["output", "max-memory", "no-provenance", "tmp-dir"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Vectors of other programs") var vectors: VectorOptions

  @Option(
    help: ArgumentHelp("Type of the indexes.", valueName: "type"),
    completion: .list(IndexTypes.all.map { $0.name }))
  var type: String

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Folder of the codebook.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp("Memory that learning may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: IndexWork.usualMemory)

  @Option(
    help: ArgumentHelp(
      "Folder of scratch files. (default: the environment's TMPDIR, else /tmp)", valueName: "dir"))
  var tmpDir: String?

  @Option(help: ArgumentHelp("Learn from the first documents alone.", valueName: "n"))
  var limit: Int?

  @Flag(help: "Leave out of the codebook what made it.")
  var noProvenance = false

  @Argument(
    help:
      "Tensor streams, .npy, .safetensors, JSON lines or pickles of vectors, in order; - or nothing for the standard input. They are read three times, and what comes through a pipe is copied to --tmp-dir."
  )
  var inputs: [String] = []

  var ownerOfOptions: String? { type }

  func execute(_ context: ToolContext) throws {
    if output == "-" { throw Failure.usage("-o names the folder of the codebook, not -") }
    try RecordLimit.check(limit)
    let type = try IndexTypes.named(type)
    guard type.takes != .texts else {
      throw Failure.usage("--type \(type.name): it learns nothing from documents")
    }
    let operands = try VectorInputs.files(of: Operands.resolve(inputs))
    let claims = try vectors.claims()
    var foreign: [String] = []
    for operand in operands where try VectorInputs.isForeign(operand) { foreign.append(operand) }
    let digests =
      try InputDigest.of(VectorInputs.parts(of: foreign))
      + InputDigest.of(vectors.ids, name: "ids")
    let build = IndexBuild(
      output, type: type, of: IndexTypes.all, given: context.declared,
      scratch: tmpDir ?? ShardSelection.variable("TMPDIR") ?? "/tmp",
      IndexWork(Kernels(), context.pool, memory: maxMemory.bytes, seed: common.seed.value),
      provenance: { earlier, parameters in
        noProvenance
          ? nil
          : Provenance(
            tool: "lir-index train", settings: context.settings, parameters: parameters,
            inputs: digests, earlier: earlier
          ).json
      },
      warn: { context.diagnostics.warning($0) })
    try build.train(
      .streams(operands, documents: RecordLimit.range(limit), claims: claims))
  }
}
