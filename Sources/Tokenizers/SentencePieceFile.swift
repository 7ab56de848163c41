import Failures
import JSON

/// How transformers converts the SentencePiece file of a tokenizer class.
///
/// Source: `SpmConverter` and the classes made of it in `convert_slow_tokenizer.py` of transformers 4.57.
enum SentencePieceLayout: Sendable {
  /// Pieces as they are, then `<extra_id_N>` down to `<extra_id_0>`; `</s>` at the end of texts.
  case t5
  /// The ids of fairseq: four special tokens for the first three pieces, and `<mask>` at the end.
  case xlmRoberta
  /// Those of fairseq's CamemBERT, which has names for pieces that are not used.
  case camembert
  /// As `xlmRoberta`, and the languages' tokens in front of `<mask>`; one of them ends texts.
  case mbart
  /// Pieces as they are; `[CLS]` and `[SEP]` around texts, which are cleaned as SentencePiece would.
  case deberta
  /// As `deberta`, and quotes, accents and large letters are made plain.
  case albert

  /// The name of the file.
  var fileName: String {
    switch self {
    case .t5, .albert: "spiece.model"
    case .xlmRoberta, .camembert, .mbart: "sentencepiece.bpe.model"
    case .deberta: "spm.model"
    }
  }

  /// The names of the files of all layouts.
  static let fileNames = ["spiece.model", "sentencepiece.bpe.model", "spm.model"]

  /// The id of the unknown piece; nil for that which the file says.
  var unknownID: Int? {
    switch self {
    case .t5, .deberta, .albert: nil
    case .xlmRoberta, .camembert, .mbart: 3
    }
  }

  /// The tokens of MBart's languages, in the order of their ids.
  static let languages = [
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN", "hi_IN",
    "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO",
    "ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN",
  ]
}

extension TokenizerJSON {
  /// What transformers converts a folder with a SentencePiece file to.
  ///
  /// - Throws: 65 for a damaged file, 78 for one that transformers does not convert.
  init(
    sentencePiece bytes: [UInt8], _ files: TokenizerFolder, _ layout: SentencePieceLayout
  ) throws(Failure) {
    let path = files.path(layout.fileName)
    let proto = try SentencePieceModel(bytes, path: path)
    let config = files.config ?? .object([])
    let pieces = try Self.pieces(proto, layout, config, files)
    model = try Self.model(proto, layout, pieces, path)
    // Of control pieces and of those that a user defined; ids are found by content.
    for piece in proto.pieces where piece.kind == .control || piece.kind == .userDefined {
      let content = String(decoding: piece.bytes, as: UTF8.self)
      let token = AddedToken(
        content: content, normalized: false, special: piece.kind == .control)
      addedTokens.append((0, token))
    }
    let mark = Array("\u{2581}".utf8)
    var map: Normalizer?
    if !proto.charsmap.isEmpty {
      map = .charsmap(try PrecompiledCharsmap(proto.charsmap, place: path))
    }
    normalizer = .sequence(layout.normalizers(config, map, mark: mark))
    let metaspace = Metaspace(
      replacement: mark, prependScheme: Self.prependScheme(layout, config), splits: true)
    preTokenizer = PreTokenizer(
      steps: layout.splitters(config) + [.metaspace(metaspace)], isSequence: layout == .deberta)
    decoder = Decoder(steps: [.metaspace(metaspace)])
    postProcessor = try layout.postProcessor(model.vocabulary, path)
  }

  /// Pieces and scores by id.
  private static func pieces(
    _ proto: SentencePieceModel, _ layout: SentencePieceLayout, _ config: JSON,
    _ files: TokenizerFolder
  ) throws(Failure) -> [(bytes: [UInt8], score: Double)] {
    var pieces = proto.pieces.map { (bytes: $0.bytes, score: Double($0.score)) }
    switch layout {
    case .t5:
      let count = try SpecialTokens.extraIDs(config, files.path("tokenizer_config.json"))
      for id in (0..<count).reversed() { pieces.append((Array("<extra_id_\(id)>".utf8), 0)) }
    case .xlmRoberta:
      let first = ["<s>", "<pad>", "</s>", "<unk>"].map { (bytes: Array($0.utf8), score: 0.0) }
      pieces = first + pieces.dropFirst(3) + [(Array("<mask>".utf8), 0)]
    case .camembert:
      let first = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"]
      pieces =
        first.enumerated().map { (bytes: Array($1.utf8), score: $0 == 4 ? -100 : 0) }
        + pieces.dropFirst() + [(Array("<mask>".utf8), 0)]
    case .mbart:
      let first = ["<s>", "<pad>", "</s>", "<unk>"].map { (bytes: Array($0.utf8), score: 0.0) }
      let last = SentencePieceLayout.languages + ["<mask>"]
      pieces = first + pieces.dropFirst(3) + last.map { (bytes: Array($0.utf8), score: 0.0) }
    case .deberta: break
    case .albert:
      for i in pieces.indices where SentencePieceLayout.isNumberWithComma(pieces[i].bytes) {
        pieces[i].score -= 100
      }
    }
    return pieces
  }

  private static func model(
    _ proto: SentencePieceModel, _ layout: SentencePieceLayout,
    _ pieces: [(bytes: [UInt8], score: Double)], _ path: String
  ) throws(Failure) -> TokenizerModel {
    var vocabulary = Vocabulary(
      expected: pieces.count, bytes: pieces.reduce(0) { $0 + $1.bytes.count })
    for (id, piece) in pieces.enumerated() {
      piece.bytes.withUnsafeBytes { _ = vocabulary.add($0, id: id) }
    }
    switch proto.kind {
    case .unigram:
      return .unigram(
        try Unigram(
          vocabulary: vocabulary, scores: pieces.map(\.score),
          unknownID: layout.unknownID ?? proto.unknownID, byteFallback: false, place: path))
    case .bpe:
      if let long = proto.pieces.first(where: { $0.bytes.count > 4096 }) {
        throw .data(
          path, "expected pieces of at most 4096 bytes, found one of \(long.bytes.count)")
      }
      let merges = SentencePieceMerges(proto, pieces, vocabulary)
      var settings = BPE.Settings()
      settings.unknownToken = proto.unknownPiece
      settings.fusesUnknown = true
      return .bpe(BPE(vocabulary: vocabulary, merges: merges.table, settings: settings))
    case .word, .char:
      throw .config(
        path, "expected a SentencePiece model of type unigram or bpe, found \(proto.kind)")
    }
  }

  /// T5's slow tokenizer has `add_prefix_space` and `legacy`, the others have neither.
  private static func prependScheme(
    _ layout: SentencePieceLayout, _ config: JSON
  ) -> Metaspace.PrependScheme {
    guard case .t5 = layout else { return .always }
    if let prefix = config["add_prefix_space"], prefix.bool != true { return .never }
    return config["legacy"]?.bool == false ? .first : .always
  }
}

/// The merges of a SentencePiece model of type bpe, which has them as scores.
///
/// Source: `generate_merges` in `convert_slow_tokenizer.py` of transformers 4.57.
private struct SentencePieceMerges {
  private(set) var table: MergeTable

  private struct Merge {
    var left: Int32
    var right: Int32
    var id: Int32
    var score: Double
    /// Scalars of both parts.
    var lengths: (Int, Int)
  }

  init(
    _ proto: SentencePieceModel, _ pieces: [(bytes: [UInt8], score: Double)],
    _ vocabulary: Vocabulary
  ) {
    // Parts are looked up among the pieces of the file.
    var ids: [[UInt8]: Int32] = [:]
    for (id, piece) in proto.pieces.enumerated() { ids[piece.bytes] = Int32(id) }
    var merges: [Merge] = []
    for piece in pieces {
      guard let id = piece.bytes.withUnsafeBytes({ vocabulary.id(of: $0) }) else { continue }
      merges += Self.merges(of: piece.bytes, piece.score, id, ids)
    }
    let order = merges.indices.sorted {
      let (a, b) = (merges[$0], merges[$1])
      // Descending, and stable.
      return (b.score, b.lengths.0, b.lengths.1, $0) < (a.score, a.lengths.0, a.lengths.1, $1)
    }
    table = MergeTable(expected: merges.count)
    for (rank, index) in order.enumerated() {
      let merge = merges[index]
      func token(_ id: Int32) -> Int32 {
        proto.pieces[Int(id)].bytes.withUnsafeBytes { vocabulary.id(of: $0) } ?? id
      }
      table.insert(token(merge.left), token(merge.right), rank: rank, id: merge.id)
    }
  }

  /// The ways to put a piece together, by the ids of the parts.
  private static func merges(
    of piece: [UInt8], _ score: Double, _ id: Int32, _ ids: [[UInt8]: Int32]
  ) -> [Merge] {
    let cuts = piece.indices.dropFirst().filter { piece[$0] & 0xC0 != 0x80 }
    var found: [Merge] = []
    for (number, cut) in cuts.enumerated() {
      guard let left = ids[Array(piece[..<cut])], let right = ids[Array(piece[cut...])] else {
        continue
      }
      found.append(
        Merge(
          left: left, right: right, id: id, score: score,
          lengths: (number + 1, cuts.count - number)))
    }
    return found.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
  }
}
