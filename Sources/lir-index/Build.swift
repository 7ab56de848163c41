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

/// `lir-index build`: documents to an index.
struct Build: ToolCommand, TakesDeclaredOptions {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract:
      "Build an index from tensor streams, other programs' vectors or texts.",
    usage: "lir-index build [--type TYPE] [OPTIONS] -o DIR [STREAM...]",
    discussion: IndexTypes.all.map { "\($0.name): \($0.summary)." }.joined(separator: "\n"))

  static let outputIsFolder = true

  static let examples = [
    "lir-index build -o docs.index docs.lirt.zst",
    "lir-encode --model models/minilm --role doc docs.tsv | lir-index build -o docs.index",
    "lir-index build -o words.index docs.tsv",
  ]

  static let withoutEffect = ["output", "max-memory", "no-provenance", "codebook", "tmp-dir"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Texts") var records: RecordOptionsGroup
  @OptionGroup(title: "Vectors of other programs") var vectors: VectorOptions

  @OptionGroup(title: "Input") var shards: ShardOptions

  @Option(
    help: ArgumentHelp(
      "Type of the index, \(IndexTypes.all.map { $0.name }.joined(separator: " or ")). (default: what the documents ask for)",
      valueName: "type"),
    completion: .list(IndexTypes.all.map { $0.name }))
  var type: String?

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Folder of the index.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Take over what lir-index train, or an index of the same form, has learned.",
      valueName: "dir"))
  var codebook: String?

  @Option(
    help: ArgumentHelp("Memory that building may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: IndexWork.usualMemory)

  @Option(
    help: ArgumentHelp(
      "Folder of scratch files. (default: the environment's TMPDIR, else /tmp)", valueName: "dir"))
  var tmpDir: String?

  @Flag(help: "Leave out of the index what made it.")
  var noProvenance = false

  @OptionGroup var resumption: ResumeOptions

  @Argument(
    help:
      "Tensor streams, vectors or indexes of other programs, or text records, in order; - or nothing for the standard input."
  )
  var inputs: [String] = []

  /// The type that is asked for, or that the documents in the first file ask for.
  var ownerOfOptions: String? {
    if let type { return type }
    if let codebook { return try? IndexManifest(folder: codebook).type }
    guard let file = inputs.first(where: { WholeFile.isRegular($0) }) else { return nil }
    if (try? DocumentSort([file]))?.areTexts == true {
      return IndexTypes.all.first { $0.takes == .texts }?.name
    }
    if vectors.vocabulary == nil, (try? VectorInputs.haveTerms(file)) == true {
      return IndexTypes.all.first { $0.takes.includes(.sparse) }?.name
    }
    guard
      let segment = try? VectorInputs([file], vectors.claims(), as: .doc).open(0).next()
    else { return nil }
    return IndexTypes.all.first { $0.takes.usual == segment.schema.kind }?.name
  }

  func execute(_ context: ToolContext) throws {
    if output == "-" { throw Failure.usage("-o names the folder of the index, not -") }
    try RecordLimit.check(shards.limit)
    let operands = try VectorInputs.files(of: Operands.resolve(inputs))
    let learned = try codebook.map { path throws(Failure) in try IndexFolder(path) }
    let type =
      try self.type.map { name throws(Failure) in try IndexTypes.named(name) }
      ?? learned.map { folder throws(Failure) in
        try IndexTypes.of(folder.manifest, folder.path)
      }
    let sort = try type == nil ? DocumentSort(operands) : nil
    let takesTexts = sort?.areTexts ?? (type?.takes == .texts)
    if !takesTexts, records.isSaid {
      throw Failure.usage("--record-format, --fields and --on-error are for types that take texts")
    }
    var claims = try vectors.claims()
    if takesTexts, let flag = claims.flags.first {
      throw Failure.usage("\(flag) is for types that take vectors")
    }
    if !takesTexts, claims.vocabulary == nil, let first = operands.first,
      try VectorInputs.haveTerms(first)
    {
      claims.terms = try TermVocabulary(collecting: operands)
    }
    let inputs =
      try digests(operands, takesTexts)
      + (learned.map { [("codebook", $0.manifest.codebook ?? "none")] } ?? [])
    let settings = context.settings.filter {
      takesTexts || !RecordOptionsGroup.flags.contains($0.key)
    }
    let build = IndexBuild(
      output, type: type, of: IndexTypes.all, given: context.declared,
      shard: try shards.selection()?.description, codebook: learned,
      scratch: tmpDir ?? ShardSelection.variable("TMPDIR") ?? "/tmp",
      IndexWork(Kernels(), context.pool, memory: maxMemory.bytes, seed: common.seed.value),
      provenance: { earlier, parameters in
        noProvenance
          ? nil
          : Provenance(
            tool: Self.tool, settings: settings, parameters: parameters, inputs: inputs,
            earlier: earlier
          ).json
      },
      warn: { context.diagnostics.warning($0) }, count: { context.count(records: $0) },
      skip: { context.count(skipped: $0) }, reading: { context.progress.reading($0()) })
    let documents = try documents(operands, areTexts: takesTexts, claims, sort?.opened ?? [:])
    if resumption.resume, let count = try standing(build, documents, context) {
      return context.report("documents", String(count))
    }
    context.report("documents", String(try build.run(documents)))
  }

  /// The documents that the options ask for.
  private func documents(
    _ operands: [String], areTexts: Bool, _ claims: VectorClaims, _ opened: [String: ByteReader]
  ) throws(Failure) -> DocumentInput {
    let options = records.records(limit: shards.limit)
    guard let selection = try shards.selection() else {
      return areTexts
        ? .texts(operands, options, opened: opened)
        : .streams(
          operands, documents: RecordLimit.range(shards.limit), claims: claims, opened: opened)
    }
    guard !areTexts else {
      let count = try TextRecordReader.countRecords(operands, options: options)
      return .texts(operands, options, documents: selection.range(of: count))
    }
    var count = 0
    let inputs = VectorInputs(operands, claims, as: .doc)
    for place in operands.indices { count += try inputs.countRecords(place) }
    let wanted = selection.range(of: min(count, RecordLimit.range(shards.limit).upperBound))
    return .streams(operands, documents: wanted, claims: claims)
  }

  /// Digests of the inputs that do not say themselves what made them: the bytes of a stream differ
  /// between a shard and the whole.
  private func digests(
    _ operands: [String], _ takesTexts: Bool
  ) throws(Failure) -> [(String, String)] {
    if takesTexts { return try InputDigest.of(operands) }
    var foreign: [String] = []
    for operand in operands where try VectorInputs.isForeign(operand) { foreign.append(operand) }
    return try InputDigest.of(VectorInputs.parts(of: foreign))
      + InputDigest.of(vectors.ids, name: "ids")
  }

  /// Number of documents of an index that is there already, and the same; nil where it is to be built.
  private func standing(
    _ build: IndexBuild, _ documents: DocumentInput, _ context: ToolContext
  ) throws(Failure) -> Int? {
    try resumption.check(inputs: documents.operands, output: output)
    let standing = try build.standing(for: documents) {
      $0.flatMap { Provenance(json: $0) }?.namesInputs ?? false
    }
    return standing.documents(in: output, context)
  }
}
