import ArgumentParser
import Failures
import IndexBuilding
import IndexFormat
import Tensors
import ToolSupport

/// `--type`.
enum IndexKind: String, ExpressibleByArgument, CaseIterable {
  case flat, sparse
}

/// `lir-index build`: tensor streams to an index.
struct Build: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    abstract: "Build an index from tensor streams (the default).")

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    help:
      "Type of the index: flat (dense vectors) or sparse (learned sparse vectors). (default: as the stream's kind asks for)"
  )
  var type: IndexKind?

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Folder of the index.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp("Memory that building may take, such as 512M or 4G.", valueName: "size"))
  var maxMemory: MemorySize = MemorySize(bytes: 1 << 30)

  @Flag(help: "Leave out of the index what made it.")
  var noProvenance = false

  @Argument(help: "Tensor streams, in order; - or nothing for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    if output == "-" { throw Failure.usage("-o names the folder of the index, not -") }
    let operands = try Operands.resolve(inputs)
    var builder: (any IndexBuilder)?
    // One task of an array builds the index of its shard alone.
    var shards = ShardSequence(allowsLonePart: operands.count == 1)
    var previous: TensorSegment?
    for operand in operands {
      let reader = try TensorStreamReader(operand)
      while let segment = try reader.next() {
        if let previous { try Agreement.check(previous, segment, operand, context.diagnostics) }
        if segment.first == 0 { try shards.follow(segment.description.shard, operand) }
        if builder == nil { builder = try open(segment, operand, context, operands.count) }
        for index in 0..<segment.records { try builder?.append(segment, index) }
        context.count(records: segment.records)
        previous = segment
      }
    }
    if operands.count > 1, let missing = shards.missing {
      throw Failure.data(operands.joined(separator: " "), "\(missing) missing")
    }
    let documents = try builder?.finish() ?? 0
    context.report("documents", String(documents))
  }

  private func open(
    _ segment: TensorSegment, _ operand: String, _ context: ToolContext, _ streams: Int
  ) throws(Failure) -> any IndexBuilder {
    guard segment.description.role == .doc else {
      throw .config(
        operand, "expected embeddings of documents, found role \(segment.description.role.rawValue)"
      )
    }
    var description = segment.description
    // The shard of a single stream is the index's; several make a whole.
    if streams > 1 { description.shard = nil }
    // The stream itself says what made it; its bytes differ between a shard and the whole.
    let provenance = Provenance(
      tool: "lir-index", settings: context.settings, inputs: [], earlier: description.by)
    description.by = noProvenance ? nil : provenance.json
    switch try kind(segment, operand) {
    case .flat:
      guard segment.schema.kind == .dense else { throw wrongKind(segment, operand, "dense") }
      return try FlatIndexBuilder(
        output, schema: segment.schema, description: description, seed: common.seed)
    case .sparse:
      guard segment.schema.kind == .sparse, let dimension = description.dim else {
        throw wrongKind(segment, operand, "sparse")
      }
      return try SparseIndexBuilder(
        output, dimension: dimension, description: description, seed: common.seed,
        maxMemory: maxMemory.bytes)
    }
  }

  private func kind(_ segment: TensorSegment, _ operand: String) throws(Failure) -> IndexKind {
    if let type { return type }
    switch segment.schema.kind {
    case .dense: return .flat
    case .sparse: return .sparse
    default: throw wrongKind(segment, operand, "dense or sparse")
    }
  }

  private func wrongKind(_ segment: TensorSegment, _ operand: String, _ kind: String) -> Failure {
    .config(operand, "expected a \(kind) stream, found kind \(segment.schema.kind.rawValue)")
  }
}

/// Whether streams belong together.
enum Agreement {
  static func check(
    _ previous: TensorSegment, _ segment: TensorSegment, _ operand: String,
    _ diagnostics: Diagnostics
  ) throws(Failure) {
    if segment.schema != previous.schema {
      throw .data(operand, "holds another kind or element type than the streams before it")
    }
    if segment.first == 0,
      let (what, old, new) = previous.description.disagreement(with: segment.description)
    {
      throw .data(operand, "the streams disagree: \(what) \(old) is followed by \(what) \(new)")
    }
    if segment.first == 0,
      let (what, old, new) = previous.description.difference(from: segment.description)
    {
      diagnostics.warning("\(operand): \(what) \(old) is followed by \(what) \(new)")
    }
  }
}
