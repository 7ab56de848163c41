import ArgumentParser
import Failures
import Streams
import Tensors
import ToolSupport

/// `lir-encode cat`: one member out of many.
struct Cat: ToolCommand {
  static let tool = LirEncode.name

  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Join tensor streams into one member; shards 1 to n give the unsharded stream.",
    usage: "lir-encode cat [OPTIONS] STREAM... [-o FILE]")

  static let examples = ["lir-encode cat part-1.lirt.zst part-2.lirt.zst -o docs.lirt.zst"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  @Argument(help: "Tensor streams, in order; - for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    try output.refuseTerminal()
    let operands = try Operands.resolve(inputs)
    var writer: TensorStreamWriter?
    var agreement = StreamAgreement()
    for operand in operands {
      let reader = try TensorStreamReader(operand)
      while let segment = try reader.next() {
        if let warning = try agreement.follow(segment, operand) {
          context.diagnostics.warning(warning)
        }
        if writer == nil { writer = try open(segment) }
        for index in 0..<segment.records { try writer?.append(segment, index) }
        if operands.count == 1 { context.progress.reading(reader.extent) }
        context.count(records: segment.records)
      }
    }
    if let missing = agreement.missing { context.diagnostics.warning("\(missing) not there") }
    try writer?.finish()
  }

  private func open(_ segment: TensorSegment) throws(Failure) -> TensorStreamWriter {
    let bytes = try ByteWriter(output.output, compression: try output.compression())
    var description = segment.description
    description.shard = nil
    if output.noProvenance { description.by = nil }
    return TensorStreamWriter(bytes, schema: segment.schema, description: description)
  }
}

/// `lir-encode verify`: says by its status whether streams are whole.
struct Verify: ToolCommand {
  static let tool = LirEncode.name

  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check tensor streams; silent, the status says it.",
    usage: "lir-encode verify [OPTIONS] STREAM...")

  static let examples = ["lir-encode verify part-?.lirt.zst"]

  static let isSilent = true

  @OptionGroup(title: "Common") var common: CommonOptions

  @Argument(help: "Tensor streams; - for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    for operand in try Operands.resolve(inputs) {
      let reader = try TensorStreamReader(operand)
      while try reader.next() != nil {}
    }
  }
}

/// `lir-encode view`: a tensor stream as JSON lines.
struct View: ToolCommand {
  static let tool = LirEncode.name

  static let configuration = CommandConfiguration(
    commandName: "view",
    abstract: "Show tensor streams as JSON lines, one a record.",
    usage: "lir-encode view [OPTIONS] STREAM... [-o FILE]")

  static let examples = ["lir-encode view docs.lirt.zst | head -n 1 | cut -c 1-60"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  @Flag(help: "Show what each member says of itself in front of its records.")
  var header = false

  @Argument(help: "Tensor streams; - for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    let writer = try ByteWriter(
      output.output, compression: try output.compression(), checksumText: true)
    var records = 0
    for operand in try Operands.resolve(inputs) {
      let reader = try TensorStreamReader(operand)
      while let segment = try reader.next() {
        if header, segment.first == 0 { try writer.write(StreamView.header(segment) + "\n") }
        for index in 0..<segment.records {
          try writer.write(try StreamView.record(segment, index) + "\n")
        }
        records += segment.records
        context.count(records: segment.records)
      }
    }
    try writer.finishText(records: records, provenance: nil)
  }
}
