import Failures

/// What is put around and between texts: a sequence of special tokens and texts, each with its
/// segment.
///
/// Sources: `processors/template.rs`, `bert.rs` and `roberta.rs` of Hugging Face `tokenizers`
/// 0.22.2, all of which are such sequences.
struct PostProcessor: Sendable, Equatable {
  enum Piece: Sendable, Equatable {
    case special(ids: [Int32], typeID: UInt8)
    case first(typeID: UInt8)
    case second(typeID: UInt8)
  }

  var single: [Piece]
  var pair: [Piece]

  /// Nothing but the texts.
  static let none = PostProcessor(
    single: [.first(typeID: 0)], pair: [.first(typeID: 0), .second(typeID: 1)])

  /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`.
  static func bert(cls: Int32, sep: Int32) -> PostProcessor {
    let head: [Piece] = [
      .special(ids: [cls], typeID: 0), .first(typeID: 0), .special(ids: [sep], typeID: 0),
    ]
    return PostProcessor(
      single: head, pair: head + [.second(typeID: 1), .special(ids: [sep], typeID: 1)])
  }

  /// `<s> A </s>` and `<s> A </s></s> B </s>`, all of segment 0.
  static func roberta(cls: Int32, sep: Int32) -> PostProcessor {
    let end = Piece.special(ids: [sep], typeID: 0)
    let head: [Piece] = [.special(ids: [cls], typeID: 0), .first(typeID: 0), end]
    return PostProcessor(single: head, pair: head + [end, .second(typeID: 0), end])
  }

  /// As `bert`, with the two separators and segments of MPNet.
  static func mpnet(cls: Int32, sep: Int32) -> PostProcessor {
    let end = Piece.special(ids: [sep], typeID: 0)
    let head: [Piece] = [.special(ids: [cls], typeID: 0), .first(typeID: 0), end]
    return PostProcessor(
      single: head, pair: head + [end, .second(typeID: 1), .special(ids: [sep], typeID: 1)])
  }

  /// A post-processor that puts all in segment 0.
  var withoutTypeIDs: PostProcessor {
    func zero(_ piece: Piece) -> Piece {
      switch piece {
      case .special(let ids, _): .special(ids: ids, typeID: 0)
      case .first: .first(typeID: 0)
      case .second: .second(typeID: 0)
      }
    }
    return PostProcessor(single: single.map(zero), pair: pair.map(zero))
  }

  /// Number of special tokens that a single text or a pair gets.
  func specialCount(pair isPair: Bool) -> Int {
    (isPair ? pair : single).reduce(0) { sum, piece in
      if case .special(let ids, _) = piece { sum + ids.count } else { sum }
    }
  }
}
