import Foundation
import JSON
import TestSupport
import Tokenizers

/// One folder of `Tests/Fixtures/tokenizers`.
struct GoldenCase {
  let name: String
  let tokenizer: Tokenizer
  let inputs: JSON
  let expected: JSON
  let tensors: SafeTensorsFile
  let texts: [String]
  let pairs: [(Int, Int)]

  static let names = [
    "bert_cased", "bert_cased_strip_accents", "bert_uncased_keep_accents", "bert_uncased_no_cjk",
    "bert_uncased_real", "bert_uncased_tiny", "bert_vocab_txt_only", "mpnet_wordpiece",
  ]

  init(_ name: String) throws {
    self.name = name
    let folder = "tokenizers/\(name)"
    tokenizer = try Tokenizer.load(folder: fixture("\(folder)/model"))
    inputs = try Fixtures.json("\(folder)/inputs.json")
    expected = try Fixtures.json("\(folder)/expected.json")
    tensors = try Fixtures.tensors("\(folder)/expected.safetensors")
    texts = (inputs["texts"]?.array ?? []).compactMap(\.string)
    pairs = (inputs["pairs"]?.array ?? []).compactMap { pair in
      guard let a = pair.array?.first?.integer, let b = pair.array?.last?.integer else {
        return nil
      }
      return (a, b)
    }
  }

  func integers(_ key: String) -> [Int] { (inputs[key]?.array ?? []).compactMap(\.integer) }

  /// The rows of an array that shares its offsets with the ids of `key`.
  func rows(_ key: String, _ field: String) throws -> [[Int32]] {
    try tensors.ragged("\(key).\(field)", offsets: "\(key).offsets")
  }
}

/// One encoded text or pair.
struct Encoded: Equatable {
  var ids: [Int32]
  var typeIDs: [Int32]
  var specialTokensMask: [Int32]
  var counts: EncodedCounts
}

extension Tokenizer {
  func encoded(
    _ first: String, pair second: String? = nil, addSpecialTokens: Bool = true,
    maxLength: Int? = nil, truncation: TruncationStrategy = .longestFirst
  ) throws -> Encoded {
    var buffer = TokenBuffer()
    var scratch = TokenizerScratch()
    let counts = try Array(first.utf8).withUnsafeBytes { first in
      guard let second else {
        return try encode(
          first, addSpecialTokens: addSpecialTokens, maxLength: maxLength, into: &buffer,
          scratch: &scratch)
      }
      return try Array(second.utf8).withUnsafeBytes { second in
        try encode(
          first, pair: second, addSpecialTokens: addSpecialTokens, maxLength: maxLength,
          truncation: truncation, into: &buffer, scratch: &scratch)
      }
    }
    return Encoded(
      ids: buffer.ids, typeIDs: buffer.typeIDs.map { Int32($0) },
      specialTokensMask: buffer.specialTokensMask.map { Int32($0) }, counts: counts)
  }
}
