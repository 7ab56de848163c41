import Failures
import JSON
import ModelSupport
import Models
import Records
import ToolSupport

/// `--calibrate`: how each layer's products of bytes agree with those in single precision, on the
/// texts of a file.
struct Calibration {
  /// What the file is called among the inputs of the provenance.
  static let inputName = "calibrate"

  /// The file's digest.
  let inputs: [(String, String)]
  private let layers: [[JSON.Member]]
  let precisions: LayerPrecisions

  /// Runs the texts of a file.
  ///
  /// - Throws: 64 where other options do not go with it; 65 where the file holds no text.
  init(_ file: String, _ options: Encode, _ context: ToolContext) throws(Failure) {
    try Self.check(file, options)
    guard let role = options.role?.role else {
      throw .usage("--role is missing", hint: "say --role query or --role doc")
    }
    inputs = try InputDigest.of([file], name: Self.inputName)
    guard !inputs.isEmpty else {
      throw .usage("--calibrate: expected a file that can be read again, found \(file)")
    }
    let loaded = try options.modelOptions.load(
      for: role, LayerPrecisions.calibrating, context.diagnostics)
    let embedder = try TextEmbedder(
      loaded, role, context.pool, try options.modelOptions.kernels(),
      batchTokens: options.batchTokens, maxLength: options.maxLength, prompt: options.prompt)
    guard case .texts(let reader) = try EncodeInput([file], options: options.records.records())
    else { throw .usage("--calibrate: expected texts, \(file) is a tensor stream") }
    while let batch = try reader.next() {
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      _ = try embedder.embed(try embedder.window(batch))
    }
    let agreements = embedder.encoder.agreements()
    guard agreements.contains(where: { $0.rows > 0 }) else {
      throw .data(file, "expected texts to calibrate with, found none")
    }
    precisions = LayerPrecisions(agreements)
    layers = agreements.map { agreement in
      [
        JSON.Member("layer", .string(agreement.layer)),
        JSON.Member("tensors", .array(agreement.tensors.map { .string($0) })),
        JSON.Member("rows", .integer(agreement.rows)),
        JSON.Member("cosine", .double(agreement.cosine)),
        JSON.Member("lowest", .double(agreement.lowest)),
        JSON.Member("precision", .string(agreement.suitsBytes ? "int8" : "bf16")),
      ]
    }
  }

  private static func check(_ file: String, _ options: Encode) throws(Failure) {
    if options.inspect { throw .usage("--calibrate and --inspect are two questions") }
    if options.batchTokens < 1 { throw .usage("--batch-tokens: expected at least 1") }
    if file == "-" { throw .usage("--calibrate: expected a file, not the standard input") }
    switch options.computation.precision {
    case .int8: break
    case .bf16: throw .usage("--calibrate is for int8, found --precision bf16")
    case .f32:
      if options.inputs.isEmpty { break }
      throw .usage(
        "--calibrate by itself encodes nothing, found \(options.inputs[0])",
        hint: "--precision int8 --calibrate \(file) encodes with what it finds")
    }
  }

  /// A JSON object for each layer, in the order in which they are computed.
  var lines: String {
    layers.map { JSON.object($0).serialized() + "\n" }.joined()
  }

  /// Names the layers that stay in bfloat16.
  func report(_ diagnostics: Diagnostics) {
    let kept = precisions.kept
    if kept.isEmpty {
      return diagnostics.note("--calibrate: int8 suits all \(layers.count) layers")
    }
    diagnostics.warning(
      "--calibrate: \(kept.count) of \(layers.count) layers stay in bf16: "
        + kept.joined(separator: ", "))
  }
}
