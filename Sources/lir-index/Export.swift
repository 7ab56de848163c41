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

/// `lir-index export`: an index in another program's format.
struct Export: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write an index for other programs: CIFF, NumPy, safetensors or faiss.",
    usage: "lir-index export --format FORMAT -o FILE [OPTIONS] INDEX")

  static let examples = [
    "lir-index export --format ciff -o docs.ciff words.index",
    "lir-index export --format npy -o docs.npy docs.index",
  ]

  static let withoutEffect = ["output", "max-memory", "tmp-dir"]

  private static let formats = ["ciff", "npy", "safetensors", "faiss"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "Format: ciff for words and sparse vectors, npy or faiss (with the ids in FILE.ids) for dense vectors, safetensors for vectors.",
      valueName: "format"), completion: .list(Self.formats))
  var format: String

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Output file, written beside its place and renamed.", valueName: "file"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "CIFF: bits of the impact that the largest weight becomes, 1 to 30. (default: 8)",
      valueName: "n"))
  var impactBits: Int?

  @Option(
    help: ArgumentHelp(
      "CIFF: what weights are multiplied by to be impacts, in place of --impact-bits.",
      valueName: "x"))
  var impactScale: Double?

  @Option(
    help: ArgumentHelp(
      "CIFF: texts of the terms of sparse vectors, as of build. (default: their numbers)",
      valueName: "path"))
  var vocabulary: String?

  @Option(
    help: ArgumentHelp("Memory that sorting may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: IndexWork.usualMemory)

  @Option(
    help: ArgumentHelp(
      "Folder of scratch files. (default: the environment's TMPDIR, else /tmp)", valueName: "dir"))
  var tmpDir: String?

  @Argument(help: ArgumentHelp("Index.", valueName: "dir"))
  var input: String

  func execute(_ context: ToolContext) throws {
    guard Self.formats.contains(format) else {
      throw Failure.usage(
        "--format: expected \(Self.formats.joined(separator: " or ")), found '\(format)'")
    }
    if output == "-" { throw Failure.usage("-o names a file, not -") }
    if format != "ciff", impactBits != nil || impactScale != nil || vocabulary != nil {
      throw Failure.usage("--impact-bits, --impact-scale and --vocabulary are for --format ciff")
    }
    let folder = try IndexFolder(input)
    let work = IndexWork(Kernels(), context.pool, memory: maxMemory.bytes)
    let documents =
      switch format {
      case "npy": try VectorExport(folder, work).writeNPY(output)
      case "faiss": try VectorExport(folder, work).writeFaiss(output)
      case "safetensors": try VectorExport(folder, work).writeSafeTensors(output)
      default: try writeCIFF(folder, work)
      }
    context.count(records: documents)
    context.report("documents", String(documents))
  }

  private func writeCIFF(_ folder: IndexFolder, _ work: IndexWork) throws(Failure) -> Int {
    let impacts = try impacts()
    let isWords = folder.manifest.type == BM25.name
    guard isWords || folder.manifest.source.schema?.kind == .sparse else {
      throw .config(
        input,
        "CIFF is for words and sparse vectors, found an index of type \(folder.manifest.type)")
    }
    if isWords, let flag = impactFlags.first {
      throw .usage("\(flag) is for sparse vectors: words have frequencies")
    }
    let terms = try vocabulary.map { path throws(Failure) in try TermVocabulary(path) }
    let writer = try ByteWriter(output, compression: Compression(suffixOf: output))
    var export = CIFFExport(folder, to: writer)
    let documents =
      isWords
      ? try export.writeWords()
      : try export.writeVectors(
        impacts, vocabulary: terms, work,
        scratch: tmpDir ?? ShardSelection.variable("TMPDIR") ?? "/tmp")
    try writer.finish()
    return documents
  }

  private var impactFlags: [String] {
    [
      ("--impact-bits", impactBits != nil), ("--impact-scale", impactScale != nil),
      ("--vocabulary", vocabulary != nil),
    ].filter(\.1).map(\.0)
  }

  private func impacts() throws(Failure) -> CIFFExport.Impacts {
    if let impactScale {
      guard impactBits == nil else {
        throw .usage("--impact-bits and --impact-scale exclude each other")
      }
      guard impactScale > 0, impactScale.isFinite else {
        throw .usage("--impact-scale: expected a number above 0, found \(impactScale)")
      }
      return .scale(impactScale)
    }
    guard (1...30).contains(impactBits ?? 8) else {
      throw .usage("--impact-bits: expected 1 to 30, found \(impactBits ?? 8)")
    }
    return .bits(impactBits ?? 8)
  }
}
