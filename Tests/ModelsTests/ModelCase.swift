import Failures
import Foundation
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Tokenizers
import Vectors
import Workers

/// One folder of `Tests/Fixtures/models`: a checkpoint, texts, and what the reference made of them.
struct ModelCase: CustomStringConvertible {
  /// `native/dpr_bert_00`.
  let name: String
  let inputs: JSON
  let tensors: TestSupport.SafeTensorsFile

  var description: String { name }
  var modelPath: String { Self.folder(of: name) + "/model" }

  init(_ name: String) throws {
    self.name = name
    let folder = Self.folder(of: name)
    inputs = try JSONParser.parse(try Self.bytes(folder + "/inputs.json"))
    tensors = try TestSupport.SafeTensorsFile.load(folder + "/expected.safetensors")
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  // MARK: Finding cases

  /// Folders of the same layout whose cases are run too: `LIR_TEST_CASES=DIR:DIR`, each as
  /// `scripts/golden/make_golden.py --seed N --out DIR` or `make_transformers5.py DIR` writes them.
  private static let roots: [String] =
    [fixture("models")]
    + (ProcessInfo.processInfo.environment["LIR_TEST_CASES"] ?? "").split(separator: ":")
    .map(String.init)

  /// Folder of a case: names of other roots end in `@` and the root's number.
  private static func folder(of name: String) -> String {
    let parts = name.split(separator: "@")
    return roots[parts.count > 1 ? Int(parts[1]) ?? 0 : 0] + "/" + parts[0]
  }

  /// Names of the cases with one of the prefixes, of every root.
  static func named(_ prefixes: String...) -> [String] {
    var names: [String] = []
    for (number, root) in roots.enumerated() {
      for family in ["native", "native_wheel", "external", "backbones", "transformers5"] {
        let cases =
          (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(family)")) ?? []
        for name in cases.sorted() where prefixes.contains(where: "\(family)/\(name)".hasPrefix) {
          let isWhole = FileManager.default.fileExists(
            atPath: "\(root)/\(family)/\(name)/expected.safetensors")
          if isWhole { names.append("\(family)/\(name)" + (number == 0 ? "" : "@\(number)")) }
        }
      }
    }
    return names
  }

  // MARK: Inputs

  var queries: [String] { strings(inputs["queries"]) }
  /// The documents of each query.
  var documents: [[String]] { (inputs["docs"]?.array ?? []).map { strings($0) } }
  var texts: [String] { strings(inputs["texts"]) }
  var pairs: [[String]] { (inputs["pairs"]?.array ?? []).map { strings($0) } }

  private func strings(_ json: JSON?) -> [String] { (json?.array ?? []).compactMap(\.string) }

  // MARK: Models

  /// The model that a user would get with `--model-config OVERRIDES`.
  func model(
    overrides: JSON? = nil, _ precision: Precision = .f32, folder: String? = nil,
    packed: PackedWeights? = nil
  ) throws -> Model {
    try Model(
      ModelDescription(recognizing: ModelFolder(folder ?? modelPath, overrides: overrides)),
      precisions: LayerPrecisions(precision), packed: packed)
  }

  /// Fields that the case was made with, by which a plain checkpoint is the model that Lightning IR
  /// loaded it as.
  func overrides(_ modelType: String) -> JSON {
    var members = (inputs["lir_config"]?.members ?? []).filter {
      $0.key != "embedding_dim" && $0.key != "_bert_pool"
    }
    members.append(JSON.Member("model_type", .string(modelType)))
    return .object(members)
  }

  func tokenizer() throws -> Tokenizer {
    try Tokenizer.load(folder: ModelFolder.modelPath(of: modelPath))
  }

  // MARK: Expected values

  /// The rows of a padded matrix of integers up to where the attention mask says they end.
  func unpadded(_ key: String, _ field: String) throws -> [[Int32]] {
    let masks = try rows("\(key).attention_mask")
    return try zip(rows("\(key).\(field)"), masks).map { row, mask in
      Array(row[..<((mask.lastIndex(of: 1) ?? -1) + 1)])
    }
  }

  /// The rows of a matrix of integers.
  func rows(_ name: String) throws -> [[Int32]] {
    let width = try tensors.tensor(name).shape[1]
    let values = try tensors.integers(name)
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }
}

extension Model {
  /// The head of a bi-encoder; nil for a cross-encoder.
  var biEncoderHead: (any BiEncoderHead)? {
    if case .biEncoder(let head) = head { head } else { nil }
  }

  /// Shape of the vector sets; nil where a text has one vector.
  var vectorShape: VectorShape? {
    if case .vectors(let shape) = form { shape } else { nil }
  }

  /// Tokens of texts as `lir-encode` makes them.
  func window(
    _ texts: [String], _ role: Role, _ tokenizer: Tokenizer, prompt: String? = nil,
    _ pool: WorkerPool = WorkerPool(threads: 1)
  ) throws -> TokenWindow {
    var settings = description.roles[role] ?? RoleSettings()
    if let prompt { settings.prompt = prompt }
    let tokenizer = try RoleTokenizer(tokenizer, settings, maximumLength: maximumTokens(role))
    return try WindowTokenizer(pool).tokenize(texts.count) {
      index, buffer, scratch throws(Failure) in
      try Array(texts[index].utf8).withBytes { bytes throws(Failure) in
        try tokenizer.append(bytes, to: &buffer, &scratch)
      }
    }
  }

  /// Tokens of pairs, and the texts that stand for the queries.
  func window(
    pairs: [(String, String)], _ tokenizer: Tokenizer
  ) throws -> (tokens: TokenWindow, queries: [String]) {
    let tokenizer = try PairTokenizer(
      tokenizer, description, maximumTokens: backbone.maximumTokens)
    var queries: [String] = []
    var buffer = TokenBuffer()
    var scratch = TokenizerScratch()
    var window = TokenWindow()
    for (query, document) in pairs {
      let prepared = try Array(query.utf8).withBytes { bytes throws(Failure) in
        try tokenizer.prepared(query: bytes, &scratch)
      }
      queries.append(String(decoding: prepared.text, as: UTF8.self))
      let counts = try Array(document.utf8).withBytes { bytes throws(Failure) in
        try tokenizer.append(query: prepared.text, document: bytes, to: &buffer, &scratch)
      }
      if counts.removed + prepared.removed > 0 { window.truncated += 1 }
      window.offsets.append(buffer.count)
    }
    window.attended = [UInt8](repeating: 1, count: buffer.count)
    window.ids = buffer.ids
    window.typeIDs = buffer.typeIDs
    return (window, queries)
  }

  /// One row of all dimensions a text, sparse vectors spread out.
  func embed(
    _ window: TokenWindow, _ role: Role, promptTokens: Int = 0, threads: Int = 1,
    batchTokens: Int = 512, _ isa: InstructionSet = .best
  ) throws -> [[Float]] {
    let encoder = BatchEncoder(
      self, WorkerPool(threads: threads), Kernels(isa), batchTokens: batchTokens)
    switch try encoder.encode(window, role: role, promptTokens: promptTokens) {
    case .dense(let values, let dimension):
      return stride(from: 0, to: values.count, by: dimension).map {
        Array(values[$0..<$0 + dimension])
      }
    case .sparse(let vectors):
      return vectors.map { vector in
        var row = [Float](repeating: 0, count: backbone.vocabularySize)
        for (index, value) in zip(vector.indices, vector.values) { row[Int(index)] = value }
        return row
      }
    // What counts of several vectors, one after the other.
    case .vectors(let sets, _): return sets.map { $0.cls + $0.values }
    case .texts: return []
    }
  }

  /// The vectors of every text.
  func vectors(_ window: TokenWindow, _ role: Role) throws -> [VectorSet] {
    let encoder = BatchEncoder(self, WorkerPool(threads: 1), Kernels())
    guard case .vectors(let sets, _) = try encoder.encode(window, role: role) else { return [] }
    return sets
  }

  /// Scores pairs; `counts` has the pairs of each query, nil for all of one.
  func score(
    _ window: TokenWindow, _ activation: ScoreActivation, counts: [Int]? = nil, threads: Int = 1,
    batchTokens: Int = 512, _ isa: InstructionSet = .best
  ) throws -> [Float] {
    var groups: [PairGroup] = []
    for count in counts ?? [window.count] {
      let start = groups.last?.pairs.upperBound ?? 0
      groups.append(PairGroup(pairs: start..<start + count))
    }
    return try BatchEncoder(
      self, WorkerPool(threads: threads), Kernels(isa), batchTokens: batchTokens
    ).score(window, groups, activation).map(\.score)
  }
}

extension [UInt8] {
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> R) throws(Failure) -> R {
    try withUnsafeBufferPointer { bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(bytes))
    }
  }
}

extension TokenWindow {
  var rows: [[Int32]] { (0..<count).map { Array(ids[range($0)]) } }
  var typeRows: [[Int32]] { (0..<count).map { typeIDs[range($0)].map { Int32($0) } } }
  var attendedRows: [[Int32]] { (0..<count).map { attended[range($0)].map { Int32($0) } } }
}
