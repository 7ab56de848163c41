import Failures
import JSON

/// The special tokens of a checkpoint, as transformers puts them together from its files.
///
/// Source: `_from_pretrained` in `tokenization_utils_base.py` and `__init__` in
/// `tokenization_utils_fast.py` of transformers 4.57.
struct SpecialTokens {
  /// A special token as transformers holds it: a plain string, or with flags.
  private enum Value {
    case plain(String)
    case token(AddedToken)

    var content: String {
      switch self {
      case .plain(let content): content
      case .token(let token): token.content
      }
    }
  }

  /// `added_tokens_decoder`, by id.
  private var decoder: [Int: AddedToken] = [:]
  /// In the order of `TokenizerClass.attributes`, then the additional ones.
  private var values: [(name: String, value: Value)] = []

  /// - Parameters:
  ///   - files: the checkpoint's folder.
  ///   - tokenizerClass: whose defaults apply.
  ///   - serialized: the added tokens of `tokenizer.json`.
  ///   - padding: the section `padding` of `tokenizer.json`.
  /// - Throws: 65 for malformed configuration files.
  init(
    _ files: TokenizerFolder, _ tokenizerClass: TokenizerClass,
    serialized: [(id: Int, token: AddedToken)], padding: JSON?
  ) throws(Failure) {
    let path = files.path("tokenizer_config.json")
    var given: [String: JSON] = [:]
    for member in files.config?.members ?? [] { given[member.key] = member.value }
    let listed = given["added_tokens_decoder"]
    decoder = try Self.decoder(listed, path)
    var isFlagged: Set<String> = []
    if listed == nil {
      for member in files.specialTokensMap?.members ?? [] {
        given[member.key] = member.value
        isFlagged.insert(member.key)
      }
      try readLegacyTokens(files, given, serialized)
    }
    var byContent: [String: AddedToken] = [:]
    for (_, token) in decoder.sorted(by: { $0.key < $1.key }) { byContent[token.content] = token }
    func resolve(_ value: JSON?, _ name: String, _ path: String) throws(Failure) -> Value? {
      guard let value, !value.isNull else { return nil }
      let flags: AddedToken? = value.string == nil ? try Self.token(value, path) : nil
      let content = flags?.content ?? value.string ?? ""
      if content.isEmpty { return nil }
      // Only tokens that the configuration names take over the flags of added ones.
      if given[name] != nil, let known = byContent[content] { return .token(known) }
      if let flags { return .token(flags) }
      let (isMask, isConverted) = (name == "mask_token", files.tokenizer == nil)
      switch tokenizerClass.wrapping {
      case .all:
        return .token(
          AddedToken(content: content, stripsLeft: isMask, normalized: true, special: false))
      case .mask(var normalized) where isMask:
        // A slow tokenizer of SentencePiece, which is converted, makes it special at once.
        if tokenizerClass.sentencePiece != nil, isConverted { normalized = false }
        return .token(
          AddedToken(content: content, stripsLeft: true, normalized: normalized, special: false))
      case .unknown where name == "unk_token" && isConverted:
        return .token(AddedToken(content: content, normalized: true, special: true))
      case .none, .mask, .unknown: return .plain(content)
      }
    }
    for name in TokenizerClass.attributes {
      var value = given[name]
      if value == nil { value = tokenizerClass.defaults[name].map { .string($0) } }
      if value == nil, name == "pad_token" { value = padding?["pad_token"] }
      if let resolved = try resolve(value, name, path) { values.append((name, resolved)) }
    }
    let more =
      try Self.additional(given["additional_special_tokens"]?.array, tokenizerClass, files)
      + (given["extra_special_tokens"]?.members ?? []).map(\.value)
    for value in more {
      let flags: AddedToken? = value.string == nil ? try Self.token(value, path) : nil
      if let flags {
        values.append(("", .token(flags)))
      } else if let content = value.string {
        values.append(("", .plain(content)))
      }
    }
  }

  /// The tokens of `added_tokens_decoder`, by id.
  private static func decoder(
    _ listed: JSON?, _ path: String
  ) throws(Failure) -> [Int: AddedToken] {
    var decoder: [Int: AddedToken] = [:]
    for member in listed?.members ?? [] {
      guard let id = Int(member.key) else {
        throw .data(path, "added_tokens_decoder: expected an id, found \"\(member.key)\"")
      }
      decoder[id] = try token(member.value, path)
    }
    return decoder
  }

  /// The additional special tokens, in T5 with its extra ids, in MBart behind the languages.
  ///
  /// Source: `__init__` in `models/t5/tokenization_t5_fast.py` of transformers 4.57.
  private static func additional(
    _ given: [JSON]?, _ tokenizerClass: TokenizerClass, _ files: TokenizerFolder
  ) throws(Failure) -> [JSON] {
    if !tokenizerClass.hasExtraIDs {
      let own = tokenizerClass.additional
      guard let given, !own.isEmpty else { return given ?? own.map { .string($0) } }
      if tokenizerClass.sentencePiece != .mbart { return given }
      let others = given.filter { !own.contains($0.string ?? $0["content"]?.string ?? "") }
      return own.map { .string($0) } + others
    }
    let path = files.path("tokenizer_config.json")
    let count = try extraIDs(files.config ?? .object([]), path)
    let extra = (0..<count).map { JSON.string("<extra_id_\($0)>") }
    let listed = (given ?? []).count { token in
      (token.string ?? token["content"]?.string ?? "").contains("<extra_id_")
    }
    if listed > 0, count > 0, listed != count {
      throw .config(
        path, "extra_ids is \(count), and additional_special_tokens has \(listed) of them")
    }
    return (given ?? []) + (listed == 0 ? extra : [])
  }

  /// `extra_ids` of a T5 tokenizer's configuration.
  static func extraIDs(_ config: JSON, _ path: String) throws(Failure) -> Int {
    guard let value = config["extra_ids"] else { return 100 }
    guard let count = value.integer, (0...100_000).contains(count) else {
      throw .data(path, "extra_ids: expected an integer from 0 on, found \(value.kindName)")
    }
    return count
  }

  /// Checkpoints of before transformers 4.34: `added_tokens.json`, then `tokenizer.json`.
  private mutating func readLegacyTokens(
    _ files: TokenizerFolder, _ given: [String: JSON],
    _ serialized: [(id: Int, token: AddedToken)]
  ) throws(Failure) {
    var specials: Set<String> = []
    for name in TokenizerClass.attributes {
      if let text = given[name]?.string ?? given[name]?["content"]?.string { specials.insert(text) }
    }
    for value in given["additional_special_tokens"]?.array ?? [] {
      if let text = value.string ?? value["content"]?.string { specials.insert(text) }
    }
    for member in files.addedTokens?.members ?? [] {
      guard let id = member.value.integer else {
        throw .data(
          files.path("added_tokens.json"),
          "\"\(member.key)\": expected an id, found \(member.value.kindName)")
      }
      let isSpecial = specials.contains(member.key)
      decoder[id] = AddedToken(content: member.key, normalized: !isSpecial, special: isSpecial)
    }
    for (id, token) in serialized { decoder[id] = token }
  }

  /// An added token as the configuration files write it.
  private static func token(_ value: JSON, _ path: String) throws(Failure) -> AddedToken {
    guard let content = value["content"]?.string else {
      throw .data(path, "expected an added token with its content, found \(value.kindName)")
    }
    let special = value["special"]?.bool ?? false
    return AddedToken(
      content: content, singleWord: value["single_word"]?.bool ?? false,
      stripsLeft: value["lstrip"]?.bool ?? false, stripsRight: value["rstrip"]?.bool ?? false,
      normalized: value["normalized"]?.bool ?? !special, special: special)
  }

  /// The tokens that transformers adds to those of `vocabulary`, in its order.
  func missing(from vocabulary: AddedVocabulary) -> [AddedToken] {
    let known = Set(vocabulary.tokens.values)
    let specials = Set(values.map { Array($0.value.content.utf8) })
    var new: [AddedToken] = []
    var contents = Set(vocabulary.ids.keys)
    for id in decoder.keys.sorted() {
      guard var token = decoder[id] else { continue }
      let content = Array(token.content.utf8)
      // A token that is special only now is another one.
      if specials.contains(content) { token.special = true }
      if known.contains(token) { continue }
      contents.insert(content)
      new.append(token)
    }
    var seen: Set<[UInt8]> = []
    for (_, value) in values where seen.insert(Array(value.content.utf8)).inserted {
      switch value {
      case .plain(let content):
        if contents.contains(Array(content.utf8)) { continue }
        new.append(AddedToken(content: content, normalized: false, special: true))
      case .token(var token):
        // Its flags are compared, not its content: it may be known under others.
        token.special = true
        if !new.contains(token) { new.append(token) }
      }
    }
    return new
  }

  /// The content of the special token called `name`: `pad_token`.
  func content(_ name: String) -> String? {
    values.first { $0.name == name }?.value.content
  }
}
