import Failures
import JSON

extension SentencePieceLayout {
  /// What is done to texts before they are split.
  ///
  /// - Parameters:
  ///   - config: tokenizer_config.json.
  ///   - map: The rules of the file; nil for none.
  ///   - mark: What stands for a space.
  /// - Returns: The steps, in order.
  func normalizers(_ config: JSON, _ map: Normalizer?, mark: [UInt8]) -> [Normalizer] {
    func isTrue(_ field: String, _ fallback: Bool) -> Bool { config[field]?.bool ?? fallback }
    let rules = map.map { [$0] } ?? []
    let oneSpace = Normalizer.strings(.replaceSpaces(with: [0x20]))
    switch self {
    case .t5, .xlmRoberta, .camembert, .mbart:
      return rules + [
        .strings(.strip(left: false, right: true)), .strings(.replaceSpaces(with: mark)),
      ]
    case .deberta:
      let lowercase: [Normalizer] = isTrue("do_lower_case", false) ? [.scalars(.lowercase)] : []
      return lowercase + [.strings(.strip(left: true, right: true))] + rules + [oneSpace]
    case .albert:
      var steps: [Normalizer] = ["``", "''"].map {
        .strings(.replace(Array($0.utf8), with: [0x22]))
      }
      if !isTrue("keep_accents", false) {
        steps += [
          .unicode(UnicodeNormalizer(isCompatible: true, composes: false)), .scalars(.stripAccents),
        ]
      }
      if isTrue("do_lower_case", true) { steps.append(.scalars(.lowercase)) }
      return steps + rules + [oneSpace]
    }
  }

  /// How texts are split in front of the marks of spaces.
  func splitters(_ config: JSON) -> [PreTokenizer.Step] {
    guard self == .deberta, config["split_by_punct"]?.bool == true else { return [] }
    return [.scalars(.punctuation(.isolated))]
  }

  /// What is put around and between texts; MBart's is up to its class.
  ///
  /// - Throws: 78 where the pieces lack one of the tokens.
  func postProcessor(_ vocabulary: Vocabulary, _ path: String) throws(Failure) -> PostProcessor {
    func id(_ piece: String) throws(Failure) -> Int32 {
      guard let id = vocabulary.id(of: piece) else {
        throw .config(path, "expected the piece \(piece), found none")
      }
      return id
    }
    switch self {
    case .t5:
      let end = PostProcessor.Piece.special(ids: [try id("</s>")], typeID: 0)
      return PostProcessor(
        single: [.first(typeID: 0), end],
        pair: [.first(typeID: 0), end, .second(typeID: 0), end])
    case .xlmRoberta: return .roberta(cls: 0, sep: try id("</s>"))
    case .camembert: return .roberta(cls: try id("<s>"), sep: try id("</s>"))
    case .deberta, .albert: return .bert(cls: try id("[CLS]"), sep: try id("[SEP]"))
    case .mbart: return .mbart(end: try id("</s>"), language: try id("en_XX"))
    }
  }

  /// Whether a piece is a digit and a comma behind it, perhaps behind more: `check_number_comma`.
  static func isNumberWithComma(_ piece: [UInt8]) -> Bool {
    guard piece.last == UInt8(ascii: ",") else { return false }
    let text = String(decoding: piece.dropLast(), as: UTF8.self)
    guard let kind = text.unicodeScalars.last?.properties.numericType else { return false }
    return kind == .decimal || kind == .digit
  }
}

extension PostProcessor {
  /// The text, or both, then the end and the language, all of segment 0.
  static func mbart(end: Int32, language: Int32) -> PostProcessor {
    let last = Piece.special(ids: [end, language], typeID: 0)
    return PostProcessor(
      single: [.first(typeID: 0), last],
      pair: [.first(typeID: 0), .second(typeID: 0), last])
  }
}
