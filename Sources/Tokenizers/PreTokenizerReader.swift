import Failures
import JSON

extension ComponentReader {
  /// The section `pre_tokenizer`.
  ///
  /// - Throws: 65 for fields of a wrong kind, 78 for components that this version does not have, by
  ///   name.
  func preTokenizer(_ value: JSON) throws(Failure) -> PreTokenizer {
    if value.isNull { return .none }
    let steps = try steps(value)
    try check(steps: steps.count, "pre_tokenizer")
    return PreTokenizer(steps: steps, isSequence: value["type"]?.string == "Sequence")
  }

  private func steps(_ value: JSON) throws(Failure) -> [PreTokenizer.Step] {
    let name = "pre_tokenizer"
    let type = try self.type(value, name)
    switch type {
    case "BertPreTokenizer": return [.bert]
    case "WhitespaceSplit": return [.whitespaceSplit]
    case "Whitespace": return [.scalars(.wordsAndSymbols)]
    case "Metaspace": return [.metaspace(try Metaspace(value, name, self))]
    case "Digits":
      let isEach = try bool(value["individual_digits"], "\(name).individual_digits")
      return [.scalars(.digits(isEach ? .isolated : .contiguous))]
    case "Punctuation":
      return [.scalars(.punctuation(try behavior(value["behavior"] ?? "Isolated")))]
    // The first is what the crate writes, which it cannot read again itself.
    case "CharDelimiterSplit", "Delimiter":
      let text = try string(value["delimiter"], "\(name).delimiter")
      guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first else {
        throw .data(path, "\(name).delimiter: expected one character, found \"\(text)\"")
      }
      return [.scalars(.delimiter(scalar.value))]
    case "FixedLength":
      return [
        .scalars(
          .fixedLength(
            try integer(value["length"] ?? 5, "\(name).length", 1...Int(Int32.max))))
      ]
    case "ByteLevel":
      return [
        .byteLevel(
          ByteLevel(
            addPrefixSpace: try bool(value["add_prefix_space"], "\(name).add_prefix_space"),
            usesRegex: try bool(value["use_regex"] ?? true, "\(name).use_regex")))
      ]
    case "Split": return [.pattern(try split(value))]
    case "Sequence":
      guard let parts = value["pretokenizers"]?.array else {
        throw wrong("\(name).pretokenizers", "a list", value["pretokenizers"])
      }
      var all: [PreTokenizer.Step] = []
      for part in parts { all += try steps(part) }
      return all
    default:
      throw unsupported(
        name, type,
        "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, FixedLength, Metaspace, "
          + "Punctuation, Sequence, Split, Whitespace, WhitespaceSplit")
    }
  }

  private func behavior(_ value: JSON?) throws(Failure) -> SplitBehavior {
    let name = try string(value, "pre_tokenizer.behavior")
    guard let behavior = SplitBehavior(rawValue: name) else {
      throw .config(path, "pre_tokenizer.behavior \(name) is not supported")
    }
    return behavior
  }

  private func split(_ value: JSON) throws(Failure) -> PatternSplitter {
    let name = "pre_tokenizer.pattern"
    let behavior = try behavior(value["behavior"])
    let isInverted = try bool(value["invert"], "pre_tokenizer.invert")
    let (source, isLiteral) = try source(value["pattern"], name)
    do throws(RegexError) {
      return try PatternSplitter(
        source, isLiteral: isLiteral, behavior, isInverted: isInverted)
    } catch { throw unsupported(error, source, name) }
  }

  /// A pattern as components write it: `{"Regex": …}`, `{"String": …}`.
  private func source(
    _ value: JSON?, _ name: String
  ) throws(Failure) -> (text: String, isLiteral: Bool) {
    if let text = value?["String"] { return (try string(text, name), true) }
    if let text = value?["Regex"] { return (try string(text, name), false) }
    throw wrong(name, "a String or a Regex", value)
  }

  /// The regular expression of a pattern.
  func pattern(_ value: JSON?, _ name: String) throws(Failure) -> Regex {
    let (source, isLiteral) = try source(value, name)
    do throws(RegexError) {
      return isLiteral ? try Regex(literal: source) : try Regex(source)
    } catch { throw unsupported(error, source, name) }
  }

  /// At most a line of a pattern, for messages.
  private static func shortened(_ source: String) -> String {
    source.unicodeScalars.count <= 200
      ? source : String(String.UnicodeScalarView(source.unicodeScalars.prefix(200))) + "…"
  }

  private func unsupported(_ error: RegexError, _ source: String, _ name: String) -> Failure {
    .config(
      path,
      "\(name): \(error.reason), found in the regular expression \(Self.shortened(source))")
  }
}
