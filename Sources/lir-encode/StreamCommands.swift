import ArgumentParser
import Failures
import JSON
import Streams
import Tensors
import ToolSupport

/// `lir-encode cat`: one member out of many.
struct Cat: ToolCommand {
  static let tool = "lir-encode"

  static let configuration = CommandConfiguration(
    abstract: "Join tensor streams into one member; shards 1 to n give the unsharded stream.")

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  @Argument(help: "Tensor streams, in order; - for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    try output.refuseTerminal()
    let operands = try Operands.resolve(inputs)
    var writer: TensorStreamWriter?
    var shards = ShardSequence()
    for operand in operands {
      let reader = try TensorStreamReader(operand)
      while let segment = try reader.next() {
        if writer == nil { writer = try open(segment) }
        guard let writer else { continue }
        try check(segment, against: writer, operand, context)
        if segment.first == 0 {
          try shards.follow(segment.description.shard, operand)
        }
        for index in 0..<segment.records { try writer.append(segment, index) }
        context.count(records: segment.records)
      }
    }
    if let missing = shards.missing { context.diagnostics.warning("\(missing) not there") }
    try writer?.finish()
  }

  private func open(_ segment: TensorSegment) throws(Failure) -> TensorStreamWriter {
    let bytes = try ByteWriter(output.output, compression: try output.compression())
    var description = segment.description
    description.shard = nil
    if output.noProvenance { description.by = nil }
    return TensorStreamWriter(bytes, schema: segment.schema, description: description)
  }

  private func check(
    _ segment: TensorSegment, against writer: TensorStreamWriter, _ operand: String,
    _ context: ToolContext
  ) throws(Failure) {
    if segment.schema != writer.schema {
      throw .data(operand, "holds another kind or element type than the streams before it")
    }
    if let (what, old, new) = writer.description.disagreement(with: segment.description) {
      throw .data(operand, "the streams disagree: \(what) \(old) is followed by \(what) \(new)")
    }
    if segment.first == 0,
      let (what, old, new) = writer.description.difference(from: segment.description)
    {
      context.diagnostics.warning("\(operand): \(what) \(old) is followed by \(what) \(new)")
    }
  }
}

/// `lir-encode verify`: says by its status whether streams are whole.
struct Verify: ToolCommand {
  static let tool = "lir-encode"

  static let configuration = CommandConfiguration(
    abstract: "Check tensor streams; silent, the status says it.")

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
  static let tool = "lir-encode"

  static let configuration = CommandConfiguration(
    abstract: "Show tensor streams as JSON lines, one a record.")

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
          try writer.write(StreamView.record(segment, index) + "\n")
        }
        records += segment.records
        context.count(records: segment.records)
      }
    }
    try writer.finishText(records: records, provenance: nil)
  }
}

/// Records of tensor streams as JSON.
enum StreamView {
  static func header(_ segment: TensorSegment) -> String {
    let description = segment.description
    var members = [
      JSON.Member("kind", .string(segment.schema.kind.rawValue)),
      JSON.Member("role", .string(description.role.rawValue)),
    ]
    let texts = [
      ("model", description.model), ("tokenizer", description.tokenizer),
      ("similarity", description.similarity), ("dim", description.dim.map(String.init)),
      ("precision", description.precision), ("isa", description.isa),
      ("max_length", description.maxLength.map(String.init)), ("prompt", description.prompt),
      ("shard", description.shard), ("by", description.by),
    ]
    for (key, value) in texts {
      guard let value else { continue }
      if key == "by", let json = try? JSONParser.parse(value) {
        members.append(JSON.Member(key, json))
      } else {
        members.append(JSON.Member(key, Int(value).map { .integer($0) } ?? .string(value)))
      }
    }
    return JSON.object(members).serialized()
  }

  static func record(_ segment: TensorSegment, _ index: Int) -> String {
    var line = "{\"id\":"
    JSON.quote(String(decoding: segment.id(index), as: UTF8.self), to: &line)
    for (i, column) in segment.schema.columns.enumerated() {
      line += ",\"\(column.name)\":" + values(segment, index, i, column)
    }
    return line + "}"
  }

  private static func values(
    _ segment: TensorSegment, _ index: Int, _ column: Int, _ form: StreamColumn
  ) -> String {
    let texts: [String]
    switch form.type {
    case .f32: texts = segment.values(index, column: column, as: Float.self).map(\.description)
    case .f16:
      texts = segment.values(index, column: column, as: UInt16.self).map {
        Float(Float16(bitPattern: $0)).description
      }
    case .bf16:
      texts = segment.values(index, column: column, as: UInt16.self).map {
        Float(bitPattern: UInt32($0) << 16).description
      }
    case .i32: texts = segment.values(index, column: column, as: Int32.self).map(\.description)
    case .i8: texts = segment.values(index, column: column, as: Int8.self).map(\.description)
    default: texts = segment.values(index, column: column, as: UInt8.self).map(\.description)
    }
    if !form.isRagged, form.width == nil { return texts.first ?? "null" }
    guard form.isRagged, let width = form.width else {
      return "[" + texts.joined(separator: ",") + "]"
    }
    let rows = stride(from: 0, to: texts.count, by: width).map {
      "[" + texts[$0..<$0 + width].joined(separator: ",") + "]"
    }
    return "[" + rows.joined(separator: ",") + "]"
  }
}
