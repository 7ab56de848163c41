import Foundation
import JSON
import TestSupport
import Tokenizers

/// One folder of `tokenizers` in the fixtures.
struct GoldenCase {
  let name: String
  let tokenizer: Tokenizer
  let inputs: JSON
  let expected: JSON
  let tensors: SafeTensorsFile
  let texts: [String]
  let pairs: [(Int, Int)]

  /// The folders of `tokenizers` in the fixtures, and those of the same layout under
  /// `LIR_TEST_CASES=DIR:DIR`, each as `DIR/tokenizers/NAME`.
  static let names: [String] = {
    let others = (ProcessInfo.processInfo.environment["LIR_TEST_CASES"] ?? "").split(separator: ":")
    let folders = [Fixtures.folder] + others.map(String.init)
    return folders.flatMap { folder in
      let path = "\(folder)/tokenizers"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return names.sorted().map { "\(path)/\($0)" }
        .filter { FileManager.default.fileExists(atPath: "\($0)/inputs.json") }
    }
  }()

  init(_ name: String) throws {
    self.name = name
    let folder = name.contains("/") ? name : Fixtures.path("tokenizers/\(name)")
    tokenizer = try Tokenizer.load(folder: "\(folder)/model")
    inputs = try Self.json("\(folder)/inputs.json")
    expected = try Self.json("\(folder)/expected.json")
    tensors = try SafeTensorsFile.load("\(folder)/expected.safetensors")
    texts = (inputs["texts"]?.array ?? []).compactMap(\.string)
    pairs = (inputs["pairs"]?.array ?? []).compactMap { pair in
      guard let a = pair.array?.first?.integer, let b = pair.array?.last?.integer else {
        return nil
      }
      return (a, b)
    }
  }

  private static func json(_ path: String) throws -> JSON {
    try JSONParser.parse([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
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
