import Failures
import JSON

/// Reads the components of `tokenizer.json` by their `type`.
struct ComponentReader {
  let path: String

  func normalizer(_ value: JSON) throws(Failure) -> Normalizer {
    if value.isNull { return .none }
    let type = try self.type(value, "normalizer")
    switch type {
    case "BertNormalizer":
      return .bert(
        BertNormalizer(
          cleanText: try bool(value["clean_text"], "normalizer.clean_text"),
          handleChineseCharacters: try bool(
            value["handle_chinese_chars"], "normalizer.handle_chinese_chars"),
          stripAccents: value["strip_accents"]?.bool,
          lowercase: try bool(value["lowercase"], "normalizer.lowercase")))
    case "NFC": return .unicode(UnicodeNormalizer(isCompatible: false, composes: true))
    case "NFD": return .unicode(UnicodeNormalizer(isCompatible: false, composes: false))
    case "NFKC": return .unicode(UnicodeNormalizer(isCompatible: true, composes: true))
    case "NFKD": return .unicode(UnicodeNormalizer(isCompatible: true, composes: false))
    case "Lowercase": return .scalars(.lowercase)
    case "StripAccents": return .scalars(.stripAccents)
    case "ByteLevel": return .byteLevel
    case "Nmt": return .scalars(.nmt)
    case "Strip":
      return .strings(
        .strip(
          left: try bool(value["strip_left"], "normalizer.strip_left"),
          right: try bool(value["strip_right"], "normalizer.strip_right")))
    case "Prepend":
      return .strings(.prepend(Array(try string(value["prepend"], "normalizer.prepend").utf8)))
    case "Replace": return try replacement(value)
    case "Precompiled":
      let text = try string(value["precompiled_charsmap"], "normalizer.precompiled_charsmap")
      guard let bytes = Base64.decode(text.utf8) else {
        throw wrong("normalizer.precompiled_charsmap", "base 64", value["precompiled_charsmap"])
      }
      return .charsmap(try PrecompiledCharsmap(bytes, place: path))
    case "Sequence":
      guard let steps = value["normalizers"]?.array else {
        throw wrong("normalizer.normalizers", "a list", value["normalizers"])
      }
      try check(steps: steps.count, "normalizer.normalizers")
      let flat = Normalizer.flattened(
        try steps.map { step throws(Failure) in try normalizer(step) })
      if case .sequence(let all) = flat { try check(steps: all.count, "normalizer") }
      return flat
    default: throw unsupported("normalizer", type, "")
    }
  }

  private func replacement(_ value: JSON) throws(Failure) -> Normalizer {
    let content = Array(try string(value["content"], "normalizer.content").utf8)
    if let text = value["pattern"]?["String"]?.string, !text.isEmpty {
      return .strings(.replace(Array(text.utf8), with: content))
    }
    if value["pattern"]?["Regex"]?.string == " {2,}" {
      return .strings(.replaceSpaces(with: content))
    }
    let regex = try pattern(value["pattern"], "normalizer.pattern")
    return .regex(regex, with: content)
  }

  func postProcessor(_ value: JSON) throws(Failure) -> PostProcessor {
    if value.isNull { return .none }
    let type = try self.type(value, "post_processor")
    switch type {
    case "TemplateProcessing":
      let tokens = value["special_tokens"] ?? .object([])
      return PostProcessor(
        single: try template(value["single"], tokens, "post_processor.single"),
        pair: try template(value["pair"], tokens, "post_processor.pair"))
    case "BertProcessing":
      return .bert(cls: try tokenID(value["cls"], "cls"), sep: try tokenID(value["sep"], "sep"))
    case "RobertaProcessing":
      return .roberta(cls: try tokenID(value["cls"], "cls"), sep: try tokenID(value["sep"], "sep"))
    // It changes offsets only.
    case "ByteLevel": return .none
    case "Sequence": return try sequence(value["processors"])
    default:
      throw unsupported(
        "post_processor", type,
        "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence")
    }
  }

  /// Processors one after another, of which at most one may put tokens.
  private func sequence(_ value: JSON?) throws(Failure) -> PostProcessor {
    let name = "post_processor.processors"
    guard let steps = value?.array else { throw wrong(name, "a list", value) }
    var result = PostProcessor.none
    for step in steps {
      let processor = try postProcessor(step)
      if processor == .none { continue }
      guard result == .none else {
        throw .config(path, "\(name): more than one that adds tokens is not supported")
      }
      result = processor
    }
    return result
  }

  /// A token as processors write it: `["[CLS]", 101]`.
  private func tokenID(_ value: JSON?, _ name: String) throws(Failure) -> Int32 {
    guard let parts = value?.array, parts.count == 2 else {
      throw wrong("post_processor.\(name)", "a token and its id", value)
    }
    return try id(parts[1], "post_processor.\(name)")
  }

  private func template(
    _ value: JSON?, _ tokens: JSON, _ name: String
  ) throws(Failure) -> [PostProcessor.Piece] {
    guard let elements = value?.array else { throw wrong(name, "an array", value) }
    var pieces: [PostProcessor.Piece] = []
    for element in elements {
      if let special = element["SpecialToken"] {
        let token = try string(special["id"], name)
        guard let values = tokens[token]?["ids"]?.array else {
          throw .data(path, "\(name): expected the ids of \(token), found none")
        }
        var ids: [Int32] = []
        for value in values { ids.append(try id(value, name)) }
        pieces.append(.special(ids: ids, typeID: try typeID(special, name)))
      } else if let sequence = element["Sequence"] {
        let typeID = try typeID(sequence, name)
        let which = try string(sequence["id"], name)
        pieces.append(which == "A" ? .first(typeID: typeID) : .second(typeID: typeID))
      } else {
        throw wrong(name, "a SpecialToken or a Sequence", element)
      }
    }
    return pieces
  }

  private func typeID(_ value: JSON, _ name: String) throws(Failure) -> UInt8 {
    guard let id = UInt8(exactly: try integer(value["type_id"], name)) else {
      throw wrong(name, "a type_id of 0...255", value["type_id"])
    }
    return id
  }

  private func id(_ value: JSON?, _ name: String) throws(Failure) -> Int32 {
    Int32(try integer(value, name, 0...Vocabulary.largestID))
  }

  func addedToken(
    _ value: JSON, _ name: String
  ) throws(Failure) -> (id: Int, token: AddedToken) {
    let token = AddedToken(
      content: try string(value["content"], "\(name).content"),
      singleWord: try bool(value["single_word"], "\(name).single_word"),
      stripsLeft: try bool(value["lstrip"], "\(name).lstrip"),
      stripsRight: try bool(value["rstrip"], "\(name).rstrip"),
      normalized: try bool(value["normalized"], "\(name).normalized"),
      special: try bool(value["special"], "\(name).special"))
    return (Int(try id(value["id"], "\(name).id")), token)
  }

  // MARK: Fields

  func type(_ value: JSON, _ name: String) throws(Failure) -> String {
    try string(value["type"], "\(name).type")
  }

  func string(_ value: JSON?, _ name: String) throws(Failure) -> String {
    guard let string = value?.string else { throw wrong(name, "a string", value) }
    return string
  }

  func bool(_ value: JSON?, _ name: String) throws(Failure) -> Bool {
    guard let bool = value?.bool else { throw wrong(name, "a boolean", value) }
    return bool
  }

  /// An integer of a range.
  func integer(
    _ value: JSON?, _ name: String, _ range: ClosedRange<Int> = 0...Int(Int32.max)
  ) throws(Failure) -> Int {
    guard let integer = value?.integer else { throw wrong(name, "an integer", value) }
    guard range.contains(integer) else {
      throw .data(
        path,
        "\(name): expected \(range.lowerBound)...\(range.upperBound), found \(integer)")
    }
    return integer
  }

  /// Steps of a sequence at most: twenty times those of any known tokenizer.
  private static let mostSteps = 100

  /// Refuses sequences that are too long.
  func check(steps: Int, _ name: String) throws(Failure) {
    guard steps <= Self.mostSteps else {
      throw .config(
        path, "\(name): expected at most \(Self.mostSteps) steps, found \(steps)")
    }
  }

  func wrong(_ name: String, _ expected: String, _ found: JSON?) -> Failure {
    .data(path, "\(name): expected \(expected), found \(found?.kindName ?? "nothing")")
  }

  func unsupported(_ section: String, _ type: String, _ known: String) -> Failure {
    .config(path, "\(section) \(type) is not supported", hint: "supported: \(known)")
  }
}
