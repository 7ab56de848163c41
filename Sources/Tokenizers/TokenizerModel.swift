/// How words are cut into tokens.
enum TokenizerModel: Sendable {
  case wordPiece(WordPiece)
  case unigram(Unigram)
  case bpe(BPE)
  case wordLevel(WordLevel)

  var vocabulary: Vocabulary {
    switch self {
    case .wordPiece(let model): model.vocabulary
    case .unigram(let model): model.vocabulary
    case .bpe(let model): model.vocabulary
    case .wordLevel(let model): model.vocabulary
    }
  }

  /// The token of what no other one stands for; nil where there is none.
  var unknownID: Int32? {
    switch self {
    case .wordPiece(let model): model.unknownID
    case .unigram(let model): model.unknownID.map { Int32($0) }
    case .bpe(let model): model.unknownID < 0 ? nil : model.unknownID
    case .wordLevel(let model): model.unknownID < 0 ? nil : model.unknownID
    }
  }
}

/// A model with its tables opened.
protocol WordReader {
  /// Appends the tokens of a word; `ids` has room for one a byte.
  func append(_ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>)
}

extension WordPiece.Reader: WordReader {}
extension Unigram.Reader: WordReader {}
extension BPE.Reader: WordReader {}
extension WordLevel.Reader: WordReader {}
