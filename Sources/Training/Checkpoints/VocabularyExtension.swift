import Autograd
import Failures
import JSON
import Kernels
import Models
import Streams
import Tensors
import Tokenizers

/// Tokens that a model puts into texts and the tokenizer of its backbone lacks: markers of queries
/// and documents, viewers.
///
/// They get rows of their own in the embedding table (Lightning IR `bi_encoder_module.py`), and in a
/// language model's head that shares it (transformers `modeling_utils.py`,
/// `_tie_or_clone_weights`).
package struct VocabularyExtension {
  package let names: [String]
  private let folder: ModelFolder
  private let tokenizer: Tokenizer
  /// The language model's outputs, which are the embedding table where weights are tied.
  private let head: LanguageModelNames?
  /// Names that the embedding table may have behind the checkpoint's prefix.
  private let tables: [String]
  private let isTied: Bool
  private let firstID: Int
  private let rows: Int

  private static let tokenizerFile = "tokenizer.json"
  /// Lightning IR rounds the number of rows up to multiples of this.
  private static let multiple = 8
  /// transformers draws new rows with the variance of the old ones times this
  /// (`modeling_utils.py`, `_init_added_embeddings_weights_with_mean`).
  private static let shareOfVariance = 1e-9

  /// Tokens that a model lacks; nil where it lacks none.
  ///
  /// - Throws: 78 where the tokenizer is not of a kind that can get more tokens.
  package init?(_ description: ModelDescription) throws(Failure) {
    folder = description.folder
    let wanted = [Role.query, .doc].flatMap { description.roles[$0]?.inserted ?? [] }
      .filter { $0.id == nil }.map(\.name)
    guard !wanted.isEmpty, WeightNaming(description).isConverted else { return nil }
    let tokenizer = try Tokenizer.load(folder: folder.modelPath)
    var names: [String] = []
    for name in wanted where tokenizer.id(of: name) == nil && !names.contains(name) {
      names.append(name)
    }
    if names.isEmpty { return nil }
    self.names = names
    self.tokenizer = tokenizer
    let file = "\(folder.modelPath)/\(Self.tokenizerFile)"
    guard WholeFile.exists(file) || tokenizer.converted != nil else {
      throw .config(
        folder.modelPath,
        "there is no \(Self.tokenizerFile) or vocab.txt that could get \(names[0])",
        hint: "transformers writes one: AutoTokenizer.from_pretrained(…).save_pretrained(…)")
    }
    head = description.family?.languageModel?.names
    tables = description.family?.wordEmbeddings ?? []
    isTied = try folder.bool("tie_word_embeddings", default: true)
    firstID = Int(tokenizer.largestID) + 1
    let before = try folder.integer("vocab_size", in: FieldRanges.count)
    let needed = firstID + names.count
    rows =
      needed > before ? (needed + Self.multiple - 1) / Self.multiple * Self.multiple : before
    if description.head.tiedWeight != nil, !isTied, rows > before {
      // The reference fails there, too.
      throw .config(
        folder.configPlace,
        "tie_word_embeddings is false, and the head has no output for \(names[0])",
        hint: "leave add_marker_tokens out")
    }
  }

  /// Names of what `write` writes.
  package func contents() throws(Failure) -> [String] {
    var names: [String] = []
    for name in try FolderListing.names(folder.modelPath).sorted()
    where [".json", ".txt", ".model"].contains(where: name.hasSuffix)
      && !ModelFolder.adapterFiles.contains(name)
    {
      // An index of shards would stand before the one file that is written.
      if !name.hasSuffix(".index.json"), !ModelFolder.saysWhatItIs(name) { names.append(name) }
    }
    if !names.contains(Self.tokenizerFile) { names.append(Self.tokenizerFile) }
    return names + ["model.safetensors"]
  }

  /// Writes the backbone with the tokens into a folder.
  ///
  /// - Parameters:
  ///   - target: The folder.
  ///   - seed: Chooses the values of the new rows.
  /// - Throws: 73 or 74 where a file cannot be read or written.
  package func write(into target: String, seed: UInt64) throws(Failure) {
    for name in try contents().dropLast() {
      let bytes =
        switch name {
        case "config.json": config()
        case Self.tokenizerFile: try extendedTokenizer()
        default: try WholeFile.read("\(folder.modelPath)/\(name)")
        }
      let writer = try ByteWriter("\(target)/\(name)", compression: Compression.none)
      try writer.write(bytes)
      try writer.finish()
    }
    let checkpoint = try Checkpoint(folder.modelPath, adapter: folder.openAdapter())
    let table = tables.first { table in checkpoint.names.contains { $0.hasSuffix(table) } }
    var parameters: [Parameter] = []
    // Numbers from 0 on that older transformers saved with the weights are left out.
    for name in checkpoint.names where !name.hasSuffix("position_ids") {
      // Older transformers saved tied weights twice.
      if isTied, name == head?.decoder { continue }
      let parameter = try checkpoint.parameter(name, checkpoint.shape(name) ?? [])
      if let table, name.hasSuffix(table) {
        parameters.append(extended(parameter, seed))
      } else if head?.biases.contains(name) == true {
        parameters.append(extended(bias: parameter))
      } else {
        parameters.append(parameter)
      }
    }
    try SafeTensorsWriter.write(
      "\(target)/model.safetensors", metadata: ["format": "pt"],
      parameters.map { ModelFolderWriter.tensor($0.name, $0) })
  }

  /// `config.json`, as it was before anybody added to it, but for the number of rows.
  private func config() -> [UInt8] {
    var members = folder.config.members ?? []
    members.removeAll { $0.key == "vocab_size" || folder.overriddenKeys.contains($0.key) }
    members.append(JSON.Member("vocab_size", .integer(rows)))
    if let type = folder.originalModelType {
      members.append(JSON.Member("model_type", .string(type)))
    }
    return Array((JSON.object(members).indented() + "\n").utf8)
  }

  /// `tokenizer.json` with the tokens; of a folder with `vocab.txt` alone what it is converted to.
  private func extendedTokenizer() throws(Failure) -> [UInt8] {
    var file = TokenizerFiles(folder.modelPath, tokenizer)
    file.add(names.enumerated().map { ($1, Int32(firstID + $0)) })
    try file.lowerCase()
    return Array((try file.changed() ?? .object([])).serialized().utf8)
  }

  /// The biases of a language model's outputs, with 0 for the tokens.
  private func extended(bias: Parameter) -> Parameter {
    let buffer = AlignedBuffer(count: max(rows, bias.count))
    buffer.pointer.update(repeating: 0, count: buffer.count)
    buffer.pointer.update(from: bias.values, count: bias.count)
    return Parameter(
      name: bias.name, shape: [buffer.count], values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  /// The table with rows about the mean of those that it has.
  private func extended(_ table: Parameter, _ seed: UInt64) -> Parameter {
    let (before, columns) = (table.matrix.rows, table.matrix.columns)
    let buffer = AlignedBuffer(count: max(rows, before) * columns)
    buffer.pointer.update(from: table.values, count: table.count)
    var random = CounterRandom(seed: seed)
    var means = [Double](repeating: 0, count: columns)
    var squares = means
    for row in 0..<before {
      for column in 0..<columns {
        let value = Double(table.values[row * columns + column])
        means[column] += value / Double(before)
        squares[column] += value * value / Double(before)
      }
    }
    for row in stride(from: before, to: rows, by: 1) {
      for column in 0..<columns {
        let variance = max(0, squares[column] - means[column] * means[column])
        let deviation = (Self.shareOfVariance * variance).squareRoot()
        buffer.pointer[row * columns + column] = Float(
          means[column] + deviation * Double(random.nextNormal()))
      }
    }
    return Parameter(
      name: table.name, shape: [buffer.count / columns, columns],
      values: UnsafePointer(buffer.pointer), owner: buffer)
  }
}
