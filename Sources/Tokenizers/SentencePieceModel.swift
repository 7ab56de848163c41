import Failures
import JSON

/// A SentencePiece model file: what of `ModelProto` transformers converts.
///
/// Source: `sentencepiece_model.proto` of SentencePiece 0.2.
struct SentencePieceModel {
  enum Kind: UInt64 {
    case unigram = 1, bpe, word, char
  }

  enum PieceKind: UInt64 {
    case normal = 1, unknown, control, userDefined, unused, byte
  }

  struct Piece {
    var bytes: [UInt8]
    var score: Float = 0
    var kind = PieceKind.normal
  }

  private(set) var pieces: [Piece] = []
  private(set) var kind = Kind.unigram
  private(set) var unknownID = 0
  private(set) var unknownPiece = "<unk>"
  /// Empty for no rules.
  private(set) var charsmap: [UInt8] = []

  /// - Throws: 65 where the bytes are no such model, or cut.
  init(_ bytes: [UInt8], path: String) throws(Failure) {
    var reader = WireReader(bytes[...], path: path)
    var seen: Set<UInt64> = []
    while let (number, value) = try reader.next() {
      seen.insert(number)
      switch (number, value) {
      case (1, .bytes(let message)): try readPiece(reader.message(message))
      case (2, .bytes(let message)): try readTrainerSpec(reader.message(message))
      case (3, .bytes(let message)): try readNormalizerSpec(reader.message(message))
      case (1...3, _): throw .data(path, "expected field \(number) to be a message")
      default: break
      }
    }
    // Trainers write the pieces first and these two behind them: without them the file is cut.
    guard seen.isSuperset(of: [1, 2, 3]) else {
      throw .data(
        path,
        "expected a SentencePiece model with pieces and both specifications, found "
          + (seen.isEmpty ? "nothing" : "fields \(seen.sorted())"))
    }
  }

  private mutating func readPiece(_ message: WireReader) throws(Failure) {
    var message = message
    var piece = Piece(bytes: [])
    while let (number, value) = try message.next() {
      switch (number, value) {
      case (1, .bytes(let text)):
        try Self.check(text, message)
        piece.bytes = Array(text)
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      // What is newer than this reader counts as the default, as protocol buffers have it.
      case (3, .varint(let kind)): piece.kind = PieceKind(rawValue: kind) ?? .normal
      default: break
      }
    }
    guard piece.score.isFinite else {
      throw message.damage(0, "a finite score of piece \(pieces.count)", "\(piece.score)")
    }
    pieces.append(piece)
  }

  private mutating func readTrainerSpec(_ message: WireReader) throws(Failure) {
    var message = message
    while let (number, value) = try message.next() {
      switch (number, value) {
      case (3, .varint(let kind)): self.kind = Kind(rawValue: kind) ?? .unigram
      case (40, .varint(let id)): unknownID = Int(Int32(truncatingIfNeeded: id))
      case (45, .bytes(let text)):
        try Self.check(text, message)
        unknownPiece = String(decoding: text, as: UTF8.self)
      default: break
      }
    }
  }

  private mutating func readNormalizerSpec(_ message: WireReader) throws(Failure) {
    var message = message
    while let (number, value) = try message.next() {
      if number == 2, case .bytes(let bytes) = value { charsmap = Array(bytes) }
    }
  }

  private static func check(_ text: ArraySlice<UInt8>, _ message: WireReader) throws(Failure) {
    if let bad = text.withUnsafeBytes({ UTF8Validation.firstInvalid($0) }) {
      throw message.damage(
        text.startIndex + bad, "valid UTF-8", "byte \(text[text.startIndex + bad])")
    }
  }
}
