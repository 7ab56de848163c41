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
  @OptionGroup(title: "Output") var keeping: KeepingOptions

  @Argument(help: "Tensor streams, in order; - for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    try output.refuseTerminal()
    let operands = try Operands.resolve(inputs)
    try keeping.check(inputs: operands, output: output.output)
    if keeping.resume, try isThere(operands, context) { return }
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
    return TensorStreamWriter(
      bytes, schema: segment.schema, description: joined(segment.description))
  }

  /// What the joined stream says of itself.
  private func joined(_ first: StreamDescription) -> StreamDescription {
    var description = first
    description.shard = nil
    if output.noProvenance { description.by = nil }
    return description
  }

  /// Whether the joined stream is there already: what its parts say of themselves, and their records.
  private func isThere(_ operands: [String], _ context: ToolContext) throws(Failure) -> Bool {
    guard WholeFile.exists(output.output) else { return false }
    var first: StreamDescription?
    var isOne = true
    for operand in operands {
      let reader = try TensorStreamReader(operand)
      while let segment = try reader.next() {
        if segment.first != 0 { continue }
        let description = joined(segment.description)
        if let first, first.by != description.by { isOne = false }
        if first == nil { first = description }
      }
    }
    guard var first else { return false }
    // Parts that were made in several ways: the joined stream says so of the first alone.
    if !isOne { first.by = nil }
    return try FinishedOutput(output, shard: nil, context.diagnostics).isThere(
      stream: first, calling: [:]
    ) { () throws(Failure) in try FinishedStream.idsDigest(of: operands) }
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
  @OptionGroup(title: "Output") var keeping: KeepingOptions

  @Flag(help: "Show what each member says of itself in front of its records.")
  var header = false

  @Argument(help: "Tensor streams; - for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    let operands = try Operands.resolve(inputs)
    try keeping.check(inputs: operands, output: output.output)
    if keeping.resume {
      let finished = FinishedOutput(output, shard: nil, context.diagnostics)
      if try finished.isThere(text: nil, calling: [:]) { return }
    }
    let writer = try ByteWriter(
      output.output, compression: try output.compression(), checksumText: true)
    var records = 0
    for operand in operands {
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
