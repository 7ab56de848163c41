import Failures
import JSON
import Models
import Streams
import Tensors
import Tokenizers

/// `tokenizer.json` of a folder with what it does not say itself: more special tokens, lower case.
struct TokenizerFiles {
  static let name = "tokenizer.json"
  static let configuration = "tokenizer_config.json"
  /// Files of a tokenizer.
  static let names: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt",
    "spiece.model", "sentencepiece.bpe.model", "spm.model", "special_tokens_map.json",
    "added_tokens.json",
  ]

  private let folder: String
  private let tokenizer: Tokenizer
  private var tokens: [(name: String, id: Int32)] = []
  private var isLower = false

  init(_ folder: String, _ tokenizer: Tokenizer) {
    self.folder = folder
    self.tokenizer = tokenizer
  }

  /// Makes special tokens of tokens, so that they are found in texts.
  mutating func add(_ tokens: [(name: String, id: Int32)]) {
    for token in tokens where !self.tokens.contains(where: { $0.name == token.name }) {
      self.tokens.append(token)
    }
  }

  /// Puts texts in lower case where a file of sentence-transformers says it, which is left behind.
  mutating func lowerCase() throws(Failure) {
    isLower = try ModuleFiles.lowerCase(in: folder) != nil
  }

  /// The file with the changes; nil where there are none.
  ///
  /// - Throws: 78 where the tokenizer has no such file and no other that it can be made of.
  func changed() throws(Failure) -> JSON? {
    if tokens.isEmpty, !isLower { return nil }
    let file = "\(folder)/\(Self.name)"
    var json = tokenizer.converted
    if WholeFile.exists(file) { json = .object(try JSONFile.readObject(file)) }
    guard let json, var members = json.members else {
      throw .config(
        folder, "there is no \(Self.name) or vocab.txt that could be changed",
        hint: "transformers writes one: AutoTokenizer.from_pretrained(…).save_pretrained(…)")
    }
    let known = json["added_tokens"]?.array ?? []
    let new = tokens.filter { token in !known.contains { $0["content"]?.string == token.name } }
    if !new.isEmpty {
      let added = (known + new.map(Self.special)).sorted {
        ($0["id"]?.integer ?? 0) < ($1["id"]?.integer ?? 0)
      }
      Self.set("added_tokens", .array(added), &members)
    }
    if isLower {
      let before = json["normalizer"].flatMap { $0.isNull ? nil : $0 }
      let steps: [JSON] = [["type": "Lowercase"]] + (before.map { [$0] } ?? [])
      Self.set("normalizer", ["type": "Sequence", "normalizers": .array(steps)], &members)
    }
    return .object(members)
  }

  /// `tokenizer_config.json` as transformers reads it, without what Lightning IR adds; nil where there
  /// is none.
  ///
  /// - Parameter length: Most tokens of a text; nil for what the file says.
  /// - Returns: The file.
  /// - Throws: 65 for malformed JSON.
  func configuration(length: Int?) throws(Failure) -> JSON? {
    let file = "\(folder)/\(Self.configuration)"
    guard WholeFile.exists(file) else { return nil }
    var members = try JSONFile.readObject(file)
    func value(_ key: String) -> JSON? { members.first { $0.key == key }?.value }
    if let own = value("backbone_tokenizer_class") {
      Self.set("tokenizer_class", own, &members)
    } else if let name = value("tokenizer_class")?.string, Self.classes.contains(name) {
      members.removeAll { $0.key == "tokenizer_class" }
    }
    members.removeAll { Self.fieldsOfLightningIR.contains($0.key) }
    if let length { Self.set("model_max_length", .integer(length), &members) }
    // transformers 5 makes some tokenizers anew, and knows of these tokens by this alone.
    if !tokens.isEmpty {
      var added = value("added_tokens_decoder")?.members ?? []
      for token in tokens {
        let fields = Self.special(token).members?.filter { $0.key != "id" } ?? []
        added.removeAll { $0.key == "\(token.id)" }
        added.append(JSON.Member("\(token.id)", .object(fields)))
      }
      Self.set("added_tokens_decoder", .object(added), &members)
    }
    return .object(members)
  }

  /// Tokenizers of Lightning IR.
  private static let classes: Set<String> = [
    "BiEncoderTokenizer", "ColTokenizer", "CrossEncoderTokenizer", "MvrTokenizer",
    "SetEncoderTokenizer", "SpladeTokenizer", "LightningIRTokenizer",
  ]
  private static let fieldsOfLightningIR: Set<String> = [
    "backbone_tokenizer_class", "query_length", "doc_length", "scoring_strategy",
    "tokenizer_pattern", "add_marker_tokens", "query_expansion", "doc_expansion",
    "attend_to_query_expanded_tokens", "attend_to_doc_expanded_tokens", "add_extra_token",
    "num_viewer_tokens",
  ]

  private static func set(_ key: String, _ value: JSON, _ members: inout [JSON.Member]) {
    if let place = members.firstIndex(where: { $0.key == key }) {
      members[place].value = value
    } else {
      members.append(JSON.Member(key, value))
    }
  }

  private static func special(_ token: (name: String, id: Int32)) -> JSON {
    [
      "id": .integer(Int(token.id)), "content": .string(token.name), "single_word": false,
      "lstrip": false, "rstrip": false, "normalized": false, "special": true,
    ]
  }
}
