import JSON

extension Tokenizer {
  /// What transformers writes as `tokenizer.json` of a folder that has `vocab.txt` alone; nil for
  /// tokenizers that come from another file.
  ///
  /// Source: `save_pretrained` of the fast tokenizers after `convert_slow_tokenizer.py`,
  /// transformers 4.57.
  package var converted: JSON? {
    guard files.contains(where: { $0.hasSuffix("/vocab.txt") }), case .wordPiece(let model) = model,
      case .bert(let normalizer) = normalizer
    else { return nil }
    return [
      "version": "1.0", "truncation": .null, "padding": .null,
      "added_tokens": .array(
        added.tokens.sorted { $0.key < $1.key }.map { Self.written($0.value, $0.key) }),
      "normalizer": [
        "type": "BertNormalizer", "clean_text": .bool(normalizer.cleanText),
        "handle_chinese_chars": .bool(normalizer.handleChineseCharacters),
        "strip_accents": normalizer.stripAccents.map { JSON.bool($0) } ?? .null,
        "lowercase": .bool(normalizer.lowercase),
      ],
      "pre_tokenizer": ["type": "BertPreTokenizer"], "post_processor": template,
      "decoder": [
        "type": "WordPiece", "prefix": .string(model.continuationPrefix), "cleanup": true,
      ],
      "model": Self.written(model),
    ]
  }

  private static func written(_ token: AddedToken, _ id: Int32) -> JSON {
    [
      "id": .integer(Int(id)), "content": .string(token.content),
      "single_word": .bool(token.singleWord), "lstrip": .bool(token.stripsLeft),
      "rstrip": .bool(token.stripsRight), "normalized": .bool(token.normalized),
      "special": .bool(token.special),
    ]
  }

  private static func written(_ model: WordPiece) -> JSON {
    let vocabulary = model.vocabulary
    var members: [JSON.Member] = []
    for id in vocabulary.spans.indices {
      guard let bytes = vocabulary.bytes(of: Int32(id)) else { continue }
      members.append(JSON.Member(String(decoding: bytes, as: UTF8.self), .integer(id)))
    }
    return [
      "type": "WordPiece", "unk_token": .string(model.unknownToken),
      "continuing_subword_prefix": .string(model.continuationPrefix),
      "max_input_chars_per_word": .integer(model.maximumScalarsPerWord),
      "vocab": .object(members),
    ]
  }

  /// The post-processor, whose special tokens are single ones.
  private var template: JSON {
    var used: Set<Int32> = []
    func written(_ pieces: [PostProcessor.Piece]) -> JSON {
      func piece(_ kind: String, _ id: String, _ typeID: UInt8) -> JSON {
        .object([JSON.Member(kind, ["id": .string(id), "type_id": .integer(Int(typeID))])])
      }
      var all: [JSON] = []
      for part in pieces {
        switch part {
        case .first(let typeID): all.append(piece("Sequence", "A", typeID))
        case .second(let typeID): all.append(piece("Sequence", "B", typeID))
        case .special(let ids, let typeID):
          for id in ids {
            used.insert(id)
            all.append(piece("SpecialToken", token(of: id) ?? "", typeID))
          }
        }
      }
      return .array(all)
    }
    let (single, pair) = (written(postProcessor.single), written(postProcessor.pair))
    let specials = used.sorted().map { id -> JSON.Member in
      let name = JSON.string(token(of: id) ?? "")
      return JSON.Member(
        token(of: id) ?? "", ["id": name, "ids": [.integer(Int(id))], "tokens": [name]])
    }
    return [
      "type": "TemplateProcessing", "single": single, "pair": pair,
      "special_tokens": .object(specials),
    ]
  }
}
