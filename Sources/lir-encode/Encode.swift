import ArgumentParser
import Encoding
import Failures
import ModelSupport
import Models
import Tensors
import ToolSupport

/// `lir-encode`: text records or a token stream to a tensor stream.
struct Encode: ToolCommand {
  static let tool = LirEncode.name

  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Turn texts or tokens into embeddings with a model.",
    usage: """
      lir-encode --model DIR --role query|doc [OPTIONS] [INPUT...] [-o FILE]
      lir-encode --model DIR --inspect
      """)

  static let examples = ["lir-encode --model models/minilm --role doc docs.tsv -o docs.lirt.zst"]

  static let withoutEffect = ["batch-tokens"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Input") var records: RecordOptionsGroup
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var resumption: ResumeOptions
  @OptionGroup(title: "Input") var shards: ShardOptions

  @Option(help: "Whose texts these are: query or doc.")
  var role: EncoderRole?

  @Option(
    help: ArgumentHelp(
      "Most tokens of a text, special ones included. (default: what the model says)", valueName: "n"
    ))
  var maxLength: Int?

  @Option(
    help: ArgumentHelp(
      "Text in front of every text, or the name of one of the model's prompts. (default: what the model says for the role)",
      valueName: "text|name"))
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Tokens that are computed at once. The output does not depend on it.", valueName: "n"))
  var batchTokens: Int = BatchEncoder.defaultBatchTokens

  @OptionGroup(title: "Model") var computation: PrecisionOptions

  @Option(help: "Element type of the embeddings: f32, f16, bf16 or int8 (with a scale a vector).")
  var dtype: StoredType = .f32

  @Option(
    help: ArgumentHelp(
      "Keep the first N dimensions, and normalise again where the model does.", valueName: "n"))
  var dims: Int?

  @Option(help: ArgumentHelp("Keep the N heaviest terms of each sparse vector.", valueName: "n"))
  var topTerms: Int?

  @Option(help: "Form of the output: tensor, jsonl or npy (with -o; ids in FILE.ids).")
  var format: EncodeFormat = .tensor

  @Flag(help: "Say what the model folder was recognised as, and stop.")
  var inspect = false

  @Argument(help: "Text records or a token stream; - or nothing for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    let calibration = try calibrate(context)
    if let calibration, computation.precision == .f32 {
      return try context.answer(calibration, into: output)
    }
    let cache = try computation.openCache()
    let role = self.role?.role ?? .doc
    let precisions = calibration?.precisions(role) ?? computation.layers
    let loaded = try modelOptions.load(
      for: role, precisions, context.diagnostics, cache, prompt: prompt)
    let digest = try self.digest(cache)
    if inspect {
      context.omitSummary()
      let inspection = Inspection(loaded.model, digest: digest)
      let text = isTerminal(1) ? inspection.table : inspection.json.serialized() + "\n"
      return try StandardOutput.write(text)
    }
    try EncodeJob(self, context, loaded, modelDigest: digest, calibration).run()
  }

  /// The digest of the model, whose folder is read as `modelType`, or as its own where that is nil.
  func digest(
    _ cache: ModelCache? = nil, as modelType: String? = nil
  ) throws(Failure) -> String {
    try modelOptions.digest(cache, for: role?.role ?? .doc, prompt: prompt, as: modelType)
  }

  /// What `--calibrate` finds; nil where it is not said.
  private func calibrate(_ context: ToolContext) throws(Failure) -> Calibration? {
    if inspect, computation.calibrate != nil {
      throw .usage("--calibrate and --inspect are two questions")
    }
    return try Calibration.ask(
      computation, batchTokens: batchTokens, operands: inputs,
      others: [
        ("--shard", shards.shard != nil), ("--resume", resumption.resume),
        ("--format", format != .tensor), ("--dtype", dtype != .f32), ("--dims", dims != nil),
        ("--top-terms", topTerms != nil),
      ], context.diagnostics
    ) { file throws(Failure) in
      guard let role = self.role?.role else {
        throw .usage("--role is missing", hint: "say --role query or --role doc")
      }
      return try Calibration(texts: file, records, context.diagnostics) { () throws(Failure) in
        try TextEmbedder(
          modelOptions.load(
            for: role, LayerPrecisions.calibrating, context.diagnostics, prompt: prompt), role,
          context.pool, modelOptions.instructions.kernels(), batchTokens: batchTokens,
          maxLength: maxLength, prompt: prompt)
      }
    }
  }
}

/// `--role` of an encoder.
enum EncoderRole: String, ExpressibleByArgument, CaseIterable {
  case query, doc

  var role: Role { self == .query ? .query : .doc }
}

/// `--dtype`.
enum StoredType: String, ExpressibleByArgument, CaseIterable {
  case f32, f16, bf16, int8

  var elementType: ElementType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .int8: .i8
    }
  }
}

/// `--format`.
enum EncodeFormat: String, ExpressibleByArgument, CaseIterable { case tensor, jsonl, npy }
