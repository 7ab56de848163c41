import Encoding
import Failures
import JSON
import Kernels
import Models
import Streams
import Tensors
import Tokenizers
import ToolSupport

extension ModelOptions {
  /// The folder of a role, with `--model-config` on top: `--query-model` for queries where it is
  /// said, else `--model`.
  ///
  /// - Parameters:
  ///   - role: Role of the texts.
  ///   - prompt: `--prompt`, which may name a task that the weights have updates for.
  /// - Returns: The folder.
  /// - Throws: 64 where `--model` is missing.
  package func folder(for role: Role, prompt: String? = nil) throws(Failure) -> ModelFolder {
    guard let model else { throw .usage("--model is missing", hint: "name a model folder") }
    if role == .query, let queryModel {
      return try ModelFolder(queryModel, overrides: try overrides(), role: role)
        .choosing(task: prompt)
    }
    return try ModelFolder(model, overrides: try overrides(), adapter: adapter, role: role)
      .choosing(task: prompt)
  }

  /// Whether queries have a folder of their own, or modules or weights of their own in that of documents.
  ///
  /// - Throws: 65 where the list of modules is damaged.
  package func hasQueryModel(beside folder: ModelFolder) throws(Failure) -> Bool {
    let differs = try folder.differsByRole()
    return differs || queryModel != nil
  }

  /// The digest of the model, or of the pair of them.
  ///
  /// - Parameters:
  ///   - cache: Knows digests of files that were read before.
  ///   - role: Whose texts are read.
  ///   - prompt: `--prompt`, which may name a task that the weights have updates for.
  ///   - modelType: The `model_type` that the folders are read as; nil for their own.
  /// - Returns: 32 hexadecimal digits.
  /// - Throws: 64 where `--model` is missing; as reading the files does.
  package func digest(
    _ cache: ModelCache? = nil, for role: Role = .doc, prompt: String? = nil,
    as modelType: String? = nil
  ) throws(Failure) -> String {
    func digest(_ own: Role) throws(Failure) -> String {
      let folder = try folder(for: own, prompt: own == role ? prompt : nil)
      return try (modelType.map { folder.reading(as: $0) } ?? folder).digest(cache?.notes)
    }
    if queryModel == nil { return try digest(role) }
    return ModelFolder.digest(query: try digest(.query), doc: try digest(.doc))
  }

  /// The model of a role and its tokenizer.
  ///
  /// - Parameters:
  ///   - role: Whose model.
  ///   - precisions: How precisely each layer will run.
  ///   - diagnostics: Told where precision may cost quality, and of a damaged cache.
  ///   - cache: Keeps the packed weights.
  ///   - prompt: `--prompt`, which may name a task that the weights have updates for.
  /// - Returns: Both, read.
  /// - Throws: 65 for files that are not those that were fetched or that the folder's list of digests
  ///   names, 78 where model and tokenizer do not fit each other, or are not supported.
  package func load(
    for role: Role, _ precisions: LayerPrecisions, _ diagnostics: Diagnostics,
    _ cache: ModelCache? = nil, prompt: String? = nil
  ) throws(Failure) -> LoadedModel {
    let folder = try folder(for: role, prompt: prompt)
    do throws(Failure) {
      return try load(folder, precisions, diagnostics, cache)
    } catch {
      // Damaged files may look like those of something else.
      do throws(Failure) {
        _ = try folder.digest()
      } catch {
        if error.status == .data { throw error }
      }
      throw error
    }
  }

  private func load(
    _ folder: ModelFolder, _ precisions: LayerPrecisions, _ diagnostics: Diagnostics,
    _ cache: ModelCache?
  ) throws(Failure) -> LoadedModel {
    let description = try ModelDescription(recognizing: folder)
    if precisions.precision == .int8, !description.isMeasuredInBytes {
      diagnostics.warning(
        "\(description.folder.path): what --precision int8 costs \(description.head.modelType) "
          + "models on \(description.backboneType) has not been measured; bf16 is the safe choice")
    }
    let tokenizer = try Tokenizer.load(folder: description.folder.modelPath)
    func read(_ packed: PackedWeights?) throws(Failure) -> Model {
      try Model(description, tokenizer: tokenizer, precisions: precisions, packed: packed)
    }
    guard let cache else { return try LoadedModel(try read(nil), tokenizer) }
    return try LoadedModel(try cache.load(description, precisions, diagnostics, read), tokenizer)
  }

  /// What `--model-config` says: a JSON object, or a file that holds one.
  private func overrides() throws(Failure) -> JSON? {
    guard let modelConfig else { return nil }
    guard modelConfig.first == "{" else { return .object(try JSONFile.readObject(modelConfig)) }
    do throws(JSONError) {
      return try JSONParser.parse(modelConfig)
    } catch {
      throw .usage("--model-config: \(error.description)")
    }
  }
}

extension InstructionOptions {
  /// The kernels that `--isa` asks for.
  ///
  /// - Throws: 78 where the processor does not have them.
  package func kernels() throws(Failure) -> Kernels {
    guard let family = InstructionFamily(rawValue: isa.rawValue) else { return Kernels(.best) }
    guard let wanted = InstructionSet.best(of: family) else {
      throw .config("--isa \(isa.rawValue)", "this processor does not run it")
    }
    return Kernels(wanted)
  }
}

extension PrecisionOptions {
  /// The precision as the kernels call it.
  package var kernelPrecision: Precision {
    switch precision {
    case .f32: .f32
    case .bf16: .bf16
    case .int8: .int8
    }
  }

  /// Every layer as `--precision` says.
  package var layers: LayerPrecisions { LayerPrecisions(kernelPrecision) }

  /// What `--cache` names; nil where it is not said.
  ///
  /// - Throws: 73 where the folder cannot be made.
  package func openCache() throws(Failure) -> ModelCache? {
    try cache.map { folder throws(Failure) in try ModelCache(folder) }
  }

  /// The instruction set to be recorded beside results; nil where they do not depend on it.
  package func recordedInstructionSet(_ kernels: Kernels) -> String? {
    precision == .f32 ? nil : kernels.instructionSet.name
  }
}

extension ModelDescription {
  /// Whether the quality of int8 is known for models of this sort, by `scripts/reference/precision.py`.
  fileprivate var isMeasuredInBytes: Bool {
    family?.measuredInBytes.contains(head.modelType) ?? false
  }
}
