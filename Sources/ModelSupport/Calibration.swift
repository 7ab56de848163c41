import Autograd
import Encoding
import Failures
import JSON
import Models
import Streams
import Tensors
import ToolSupport

/// `--calibrate`: how each layer's products of bytes agree with those in single precision, on the
/// texts of a file.
package struct Calibration: Sendable {
  /// What the file is called among the inputs of the provenance.
  package static let inputName = "calibrate"

  /// The layers of one model.
  package struct Part: Sendable {
    /// Whose texts it encodes; nil where there is no other model.
    let role: Role?
    let agreements: [LayerAgreement]

    /// - Parameters:
    ///   - role: Whose texts the model encodes; nil where there is no other model.
    ///   - agreements: The layers of each run of the model.
    package init(_ role: Role?, _ agreements: [[LayerAgreement]]) {
      self.role = role
      var all: [String: LayerAgreement] = [:]
      for agreement in agreements.joined() {
        if all[agreement.layer]?.add(agreement) == nil { all[agreement.layer] = agreement }
      }
      self.agreements = all.values.sorted { ($0.place, $0.layer) < ($1.place, $1.layer) }
    }
  }

  /// The file's digest.
  package let inputs: [(String, String)]
  private let parts: [Part]

  /// Runs the texts of a file.
  ///
  /// - Parameters:
  ///   - file: Where they are.
  ///   - run: Does it, by models that are `LayerPrecisions.calibrating`.
  /// - Throws: 64 where the file cannot be read again; 65 where it holds no text.
  package init(_ file: String, _ run: () throws(Failure) -> [Part]) throws(Failure) {
    guard !WholeFile.isDirectory(file) else {
      throw Failure(.noInput, at: file, "expected a file, found a folder")
    }
    inputs = try InputDigest.of([file], name: Self.inputName)
    guard !inputs.isEmpty else {
      throw .usage("--calibrate: expected a file that can be read again, found \(file)")
    }
    parts = try run()
    guard parts.contains(where: { $0.agreements.contains { $0.rows > 0 } }) else {
      throw .data(file, "expected texts to calibrate with, found none")
    }
  }

  /// Refuses what does not go with it.
  ///
  /// - Parameters:
  ///   - file: Its texts.
  ///   - computation: Where its option stands.
  ///   - batchTokens: Tokens a batch.
  ///   - operands: Those of the command.
  ///   - others: Options of the command that are about its output, where they are given.
  /// - Throws: 64.
  private static func check(
    _ file: String, _ computation: PrecisionOptions, batchTokens: Int, operands: [String],
    others: [(name: String, isGiven: Bool)]
  ) throws(Failure) {
    try BatchTokens.check(batchTokens)
    if file == "-" { throw .usage("--calibrate: expected a file, not the standard input") }
    switch computation.precision {
    case .int8: break
    case .bf16: throw .usage("--calibrate is for int8, found --precision bf16")
    case .f32:
      let option = (others + [("--cache", computation.cache != nil)]).first { $0.isGiven }?.name
      guard let found = operands.first ?? option else { break }
      throw .usage(
        "--calibrate by itself computes nothing, found \(found)",
        hint: "--precision int8 --calibrate \(file) computes with what it finds")
    }
  }

  /// Answers `--calibrate`.
  ///
  /// - Parameters:
  ///   - computation: Where its option stands.
  ///   - batchTokens: Tokens a batch.
  ///   - operands: Those of the command.
  ///   - others: Options of the command that are about its output, where they are given.
  ///   - diagnostics: Told of layers that stay in bfloat16.
  ///   - calibrate: Calibrates on a file.
  /// - Returns: What it finds; nil where the option is not given.
  /// - Throws: 64 for what does not go with it, 65 where a layer's output is not finite; as `calibrate`
  ///   does.
  package static func ask(
    _ computation: PrecisionOptions, batchTokens: Int, operands: [String],
    others: [(name: String, isGiven: Bool)], _ diagnostics: Diagnostics,
    _ calibrate: (String) throws(Failure) -> Calibration
  ) throws(Failure) -> Calibration? {
    guard let file = computation.calibrate else { return nil }
    try check(
      file, computation, batchTokens: batchTokens, operands: operands, others: others)
    let found = try calibrate(file)
    for agreement in found.parts.flatMap(\.agreements) where !agreement.isFinite {
      throw .data(
        agreement.layer, "the layer's output is not a finite number",
        hint: "its weights are damaged, or a text of \(file) drives it out of range")
    }
    if computation.precision == .int8 { found.report(diagnostics) }
    return found
  }

  /// What the file advises for the layers of a role's model.
  package func precisions(_ role: Role) -> LayerPrecisions {
    LayerPrecisions((parts.first { $0.role == role } ?? parts[0]).agreements)
  }

  /// A JSON object for each layer, in the order in which they are computed.
  package var lines: String {
    parts.flatMap { part in
      part.agreements.map { agreement in
        let role = part.role.map { [JSON.Member("role", .string($0.rawValue))] } ?? []
        let members = [
          JSON.Member("layer", .string(agreement.layer)),
          JSON.Member("tensors", .array(agreement.tensors.map { .string($0) })),
          JSON.Member("rows", .integer(agreement.rows)),
          JSON.Member("cosine", .double(agreement.cosine)),
          JSON.Member("lowest", .double(agreement.lowest)),
          JSON.Member("precision", .string(agreement.suitsBytes ? "int8" : "bf16")),
        ]
        return JSON.object(role + members).serialized() + "\n"
      }
    }.joined()
  }

  /// Names the layers that stay in bfloat16.
  private func report(_ diagnostics: Diagnostics) {
    for part in parts {
      let kept = LayerPrecisions(part.agreements).kept
      let count = part.agreements.count
      let layers = part.role.map { "layers for role \($0.rawValue)" } ?? "layers"
      if kept.isEmpty {
        diagnostics.note("--calibrate: int8 suits all \(count) \(layers)")
      } else {
        diagnostics.warning(
          "--calibrate: \(kept.count) of \(count) \(layers) stay in bf16: "
            + kept.joined(separator: ", "))
      }
    }
  }
}

extension Calibration {
  /// Runs the texts of a file through the model of a role.
  ///
  /// - Parameters:
  ///   - file: Where they are.
  ///   - records: How they are read.
  ///   - diagnostics: Told of records that are skipped.
  ///   - embedder: Makes the model ready.
  /// - Throws: 64 where the file cannot be read again; 65 where it holds no text.
  package init(
    texts file: String, _ records: RecordOptionsGroup, _ diagnostics: Diagnostics,
    _ embedder: () throws(Failure) -> TextEmbedder
  ) throws(Failure) {
    try self.init(file) { () throws(Failure) in
      let embedder = try embedder()
      guard case .texts(let reader) = try TextsOrStream([file], options: records.records())
      else { throw .usage("--calibrate: expected texts, \(file) is a tensor stream") }
      while var batch = try reader.next() {
        let records = try embedder.tokens(of: &batch)
        if let failure = batch.firstSkipped { diagnostics.warning("\(failure), skipped") }
        _ = try embedder.embed(records)
      }
      return [Part(nil, [embedder.encoder.agreements()])]
    }
  }
}

extension ToolContext {
  /// Writes what a calibration found, which was all that was asked for.
  package func answer(
    _ calibration: Calibration, into output: OutputOptions
  ) throws(Failure) {
    omitSummary()
    let writer = try ByteWriter(output.output, compression: try output.compression())
    try writer.write(Array(calibration.lines.utf8))
    try writer.finish()
  }
}
