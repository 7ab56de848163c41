import Failures
import JSON
import Streams

/// A tokenizer as a checkpoint's folder describes it: exactly what transformers 4.57 makes of the
/// same files with its fast tokenizers.
///
/// Immutable once loaded: share it between threads, and give each thread its `TokenizerScratch`.
package final class Tokenizer: Sendable {
  /// Paths of the files that were read, for digests.
  package let files: [String]
  /// The class that transformers would load, without `Fast`: `BertTokenizer`.
  package let className: String
  /// Where texts are cut if nothing else is said; nil for no limit.
  package let modelMaxLength: Int?
  /// Most tokens of a text as `tokenizer.json` has it, which counts where nobody says another number.
  package let truncationLength: Int?
  /// Which end of texts truncation removes.
  package let truncationSide: TruncationSide
  /// `clean_up_tokenization_spaces`: whether decoding takes out spaces before punctuation.
  package let cleansUpSpaces: Bool

  package let padID: Int32?
  package let clsID: Int32?
  package let sepID: Int32?
  package let maskID: Int32?
  package let unkID: Int32?
  package let bosID: Int32?
  package let eosID: Int32?
  /// Whether models get the segments of a pair's texts; else all of it is of segment 0 for them, whatever
  /// the post-processor says.
  package let givesTypeIDs: Bool

  /// The model's token of what no other one stands for, whatever the configuration calls unknown.
  package var unknownID: Int32? { model.unknownID }

  /// Number of tokens, added ones included.
  package let count: Int
  /// The largest id, which holes in the vocabulary can make larger than `count - 1`.
  package let largestID: Int32

  let normalizer: Normalizer
  let preTokenizer: PreTokenizer
  let model: TokenizerModel
  let decoder: Decoder
  let postProcessor: PostProcessor
  let added: AddedVocabulary

  /// Loads `tokenizer.json`, or `vocab.txt` where there is none, with `tokenizer_config.json` and
  /// the other files that transformers looks at.
  ///
  /// - Throws: 66 where there is no tokenizer, 65 for malformed files and for those that are not what the
  ///   folder's list of digests says, 78 for components that this
  ///   version does not have.
  package static func load(folder: String) throws(Failure) -> Tokenizer {
    try FolderDigests(folder)?.verifyModel()
    let files = try TokenizerFolder(folder)
    let tokenizerClass = TokenizerClass(
      configured: files.config?["tokenizer_class"]?.string, model: files.model)
    guard tokenizerClass.isSupported else {
      throw .config(
        folder, "tokenizer class \(tokenizerClass.name) is not supported",
        hint: "it makes tokens in a way of its own, which no tokenizer.json describes")
    }
    let release5 = files.isOfRelease5 ? Release5Class(tokenizerClass) : nil
    var parts: TokenizerJSON
    if let bytes = files.tokenizer {
      parts = try TokenizerJSON(
        bytes, path: files.path("tokenizer.json"),
        scoresAreExact: release5?.scoresAreExact ?? false)
    } else if let layout = tokenizerClass.sentencePiece, let bytes = files.sentencePiece {
      parts = try TokenizerJSON(sentencePiece: bytes, files, layout)
    } else if tokenizerClass.convertsMerges, let pairs = files.pairs {
      parts = try TokenizerJSON(
        vocabulary: pairs.vocabulary, merges: pairs.merges, files, tokenizerClass)
    } else {
      parts = try TokenizerJSON(vocabulary: files, tokenizerClass)
    }
    if let release5, let config = files.config {
      parts.preTokenizer = release5.preTokenizer(parts.preTokenizer, config)
    }
    return try Tokenizer(files, tokenizerClass, parts)
  }

  private init(
    _ files: TokenizerFolder, _ tokenizerClass: TokenizerClass, _ parts: TokenizerJSON
  ) throws(Failure) {
    let config = files.config ?? .object([])
    self.files = files.files
    className = tokenizerClass.name
    modelMaxLength = try Self.maximumLength(config, files.path("tokenizer_config.json"))
    truncationLength = parts.truncation?["max_length"]?.integer
    truncationSide = try Self.truncationSide(config, parts, files.path("tokenizer_config.json"))
    // The slow classes that are converted have another default than the fast ones.
    let isConverted = files.tokenizer == nil && tokenizerClass.converted != nil
    cleansUpSpaces = config["clean_up_tokenization_spaces"]?.bool ?? isConverted
    let ownNormalizer = tokenizerClass.applied(config, to: parts.normalizer)
    normalizer = files.lowersCase ? ownNormalizer.behindLowerCase : ownNormalizer
    (preTokenizer, model) = Self.fused(
      tokenizerClass.applied(config, to: parts.preTokenizer), parts.model)
    decoder = parts.decoder

    var added = AddedVocabulary()
    added.add(parts.addedTokens.map(\.token), model: parts.model.vocabulary)
    let specials = try SpecialTokens(
      files, tokenizerClass, serialized: files.tokenizer == nil ? [] : parts.addedTokens,
      padding: parts.padding)
    added.add(specials.missing(from: added), model: parts.model.vocabulary)
    // As the reference: with the normalizer of the file, before the class changes it.
    try added.finish(place: files.folder) { content throws(Failure) in
      try parts.normalizer.normalize(content)
    }
    if config["split_special_tokens"]?.bool == true { added.splitSpecialTokens() }
    self.added = added

    let vocabulary = parts.model.vocabulary
    let new = added.tokens.filter { vocabulary.id(of: $0.value.content) == nil }
    count = vocabulary.count + new.count
    largestID = max(Int32(vocabulary.spans.count - 1), added.tokens.keys.max() ?? 0)
    func id(_ name: String) -> Int32? {
      guard let content = specials.content(name) else { return nil }
      return added.ids[Array(content.utf8)] ?? vocabulary.id(of: content)
    }
    padID = id("pad_token")
    clsID = id("cls_token")
    sepID = id("sep_token")
    maskID = id("mask_token")
    unkID = id("unk_token")
    let (bosID, eosID) = (id("bos_token"), id("eos_token"))
    (self.bosID, self.eosID) = (bosID, eosID)
    var processor =
      files.isOfRelease5 && files.tokenizer != nil
      ? Release5Class(tokenizerClass).postProcessor(parts.postProcessor)
      : tokenizerClass.applied(config, to: parts.postProcessor, bos: bosID, eos: eosID)
    if tokenizerClass.sentencePiece == .mbart, let eosID {
      let name = config["src_lang"]?.string ?? "en_XX"
      let language = added.ids[Array(name.utf8)] ?? vocabulary.id(of: name)
      processor = .mbart(end: eosID, language: try Self.language(language, name, files))
    }
    givesTypeIDs = try tokenizerClass.givesTypeIDs(
      config, files.path("tokenizer_config.json"), isOfRelease5: files.isOfRelease5)
    postProcessor = Self.isGeneral(config) && !givesTypeIDs ? processor.withoutTypeIDs : processor
  }

  /// The id of MBart's language, which its class puts behind texts whatever the file says.
  ///
  /// - Throws: 78 where the tokenizer has no such token.
  private static func language(
    _ id: Int32?, _ name: String, _ files: TokenizerFolder
  ) throws(Failure) -> Int32 {
    guard let id else {
      throw .config(
        files.path("tokenizer_config.json"), "src_lang: the tokenizer has no token \(name)")
    }
    return id
  }

  /// Whether the class is that of transformers 5 for tokenizers that are no model's own, which has no
  /// segments where models get none.
  private static func isGeneral(_ config: JSON) -> Bool {
    config["tokenizer_class"]?.string == "TokenizersBackend"
  }

  /// BPE reads bytes itself where nothing comes between.
  private static func fused(
    _ preTokenizer: PreTokenizer, _ model: TokenizerModel
  ) -> (PreTokenizer, TokenizerModel) {
    guard case .bpe(let bpe) = model, case .byteLevel(var level)? = preTokenizer.steps.last else {
      return (preTokenizer, model)
    }
    level.writesCharacters = false
    return (
      PreTokenizer(steps: preTokenizer.steps.dropLast() + [.byteLevel(level)]),
      .bpe(bpe.readingBytes())
    )
  }

  /// transformers writes 10^30 for "no limit".
  private static func maximumLength(_ config: JSON, _ path: String) throws(Failure) -> Int? {
    for name in ["model_max_length", "max_len"] {
      guard let found = config[name], !found.isNull else { continue }
      guard let value = found.double else {
        throw .config(path, "\(name): expected a number, found \(found.kindName)")
      }
      guard value >= 1 else {
        throw .config(path, "\(name): expected 1 or more, found \(found.serialized())")
      }
      return value < 1e9 ? Int(value) : nil
    }
    return nil
  }

  private static func truncationSide(
    _ config: JSON, _ parts: TokenizerJSON, _ path: String
  ) throws(Failure) -> TruncationSide {
    let name =
      config["truncation_side"]?.string ?? parts.truncation?["direction"]?.string?.lowercased()
    guard let name else { return .right }
    guard let side = TruncationSide(rawValue: name) else {
      throw .config(path, "truncation_side: expected left or right, found \(name)")
    }
    return side
  }

  // MARK: Vocabulary

  /// The id of a token given by its UTF-8 bytes.
  package func id(of token: UnsafeRawBufferPointer) -> Int32? {
    added.ids[Array(token)] ?? model.vocabulary.id(of: token)
  }

  /// The id of a token.
  package func id(of token: String) -> Int32? {
    var token = token
    return token.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  /// The UTF-8 bytes of the token `id`, nil where no token has it.
  package func bytes(of id: Int32) -> [UInt8]? {
    if let token = added.tokens[id] { return Array(token.content.utf8) }
    return model.vocabulary.bytes(of: id).map { Array($0) }
  }

  /// The token `id`, nil where no token has it.
  package func token(of id: Int32) -> String? {
    bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether `id` is a special token, which decoding can leave out.
  package func isSpecial(_ id: Int32) -> Bool {
    guard let bytes = bytes(of: id) else { return false }
    return added.isSpecial(bytes[...])
  }

  /// Number of special tokens that encoding puts around a single text, or around a pair.
  package func specialTokenCount(pair: Bool) -> Int { postProcessor.specialCount(pair: pair) }
}

extension TokenizerClass {
  /// The normalizer of the file, changed as the class does by the configuration.
  fileprivate func applied(_ config: JSON, to normalizer: Normalizer) -> Normalizer {
    guard override != .none, case .bert(var bert) = normalizer else { return normalizer }
    bert.lowercase = config["do_lower_case"]?.bool ?? true
    bert.stripAccents = config["strip_accents"]?.bool
    if override == .all {
      bert.handleChineseCharacters = config["tokenize_chinese_chars"]?.bool ?? true
    }
    return .bert(bert)
  }
}

extension TokenizerClass {
  /// The pre-tokenizer of the file: transformers sets `add_prefix_space` of one that is `ByteLevel`
  /// alone, to false where the configuration does not say.
  fileprivate func applied(_ config: JSON, to preTokenizer: PreTokenizer) -> PreTokenizer {
    guard preTokenizer.steps.count == 1, !preTokenizer.isSequence,
      case .byteLevel(var level) = preTokenizer.steps[0]
    else { return preTokenizer }
    level.addPrefixSpace = config["add_prefix_space"]?.bool ?? false
    return PreTokenizer(steps: [.byteLevel(level)])
  }

  /// The post-processor of the file, or for GPT-NeoX and Llama's kin one that puts the ends of texts, if asked to.
  fileprivate func applied(
    _ config: JSON, to postProcessor: PostProcessor, bos: Int32?, eos: Int32?
  ) -> PostProcessor {
    guard buildsPostProcessor else { return postProcessor }
    let addsStart = config["add_bos_token"]?.bool ?? addsStart
    func text(_ piece: (UInt8) -> PostProcessor.Piece, _ typeID: UInt8) -> [PostProcessor.Piece] {
      var pieces = [piece(typeID)]
      if addsStart, let bos {
        pieces.insert(.special(ids: [bos], typeID: typeID), at: 0)
      }
      if config["add_eos_token"]?.bool == true, let eos {
        pieces.append(.special(ids: [eos], typeID: typeID))
      }
      return pieces
    }
    let single = text({ .first(typeID: $0) }, 0)
    return PostProcessor(single: single, pair: single + text({ .second(typeID: $0) }, 1))
  }
}

extension Normalizer {
  /// The normalized form of one short text.
  fileprivate func normalize(_ text: [UInt8]) throws(Failure) -> [UInt8] {
    let scratch = TokenizerScratch()
    scratch.growth.reset(text.count)
    text.withUnsafeBytes { normalize($0, scratch) }
    if scratch.growth.isExceeded || scratch.matcher.refusal != nil {
      throw .config(
        nil,
        "expected added tokens that the normalizer can take, found "
          + "\"\(String(decoding: text, as: UTF8.self))\"")
    }
    return Array(scratch.normalized.elements)
  }
}
