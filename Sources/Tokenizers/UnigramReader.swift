import Failures
import JSON

/// Reads the vocabulary of a Unigram model from tokenizer.json: pairs of a piece and its score.
struct UnigramReader {
  private let path: String
  private var vocabulary: Vocabulary
  private var scores: [Double] = []
  private let scoresAreExact: Bool

  /// - Parameters:
  ///   - path: the file, for messages.
  ///   - byteCount: its size.
  ///   - scoresAreExact: whether scores are the nearest numbers to their texts.
  init(path: String, byteCount: Int, scoresAreExact: Bool) {
    self.path = path
    self.scoresAreExact = scoresAreExact
    // About thirty bytes an entry; the table grows where they are shorter.
    vocabulary = Vocabulary(expected: byteCount / 30, bytes: byteCount)
  }

  /// Reads the array of pairs that starts here.
  mutating func read(_ parser: inout JSONParser) throws(Failure) {
    let path = path
    let wrap = { (error: JSONError) in Failure.data(path, error.description) }
    var scratch: [UInt8] = []
    try parser.array(
      { (parser: inout JSONParser) throws(Failure) in
        var part = 0
        try parser.array(
          { (parser: inout JSONParser) throws(Failure) in
            part += 1
            do throws(JSONError) {
              switch part {
              case 1:
                scratch.removeAll(keepingCapacity: true)
                try addPiece(&parser, &scratch)
              case 2: scores.append(try score(&parser))
              default: _ = try parser.value()
              }
            } catch { throw wrap(error) }
          }, wrap: wrap)
        guard part == 2, scores.count <= Vocabulary.largestID else {
          throw .data(
            "\(path): byte \(parser.position)",
            "expected a piece and its score, found \(part) values")
        }
      }, wrap: wrap)
  }

  private mutating func addPiece(
    _ parser: inout JSONParser, _ scratch: inout [UInt8]
  ) throws(JSONError) {
    let id = scores.count
    if let range = try parser.string(into: &scratch) {
      _ = vocabulary.add(parser.slice(range), id: id)
    } else {
      scratch.withUnsafeBytes { _ = vocabulary.add($0, id: id) }
    }
  }

  private func score(_ parser: inout JSONParser) throws(JSONError) -> Double {
    let range = try parser.numberRange()
    if scoresAreExact, let exact = Double(String(decoding: parser.slice(range), as: UTF8.self)) {
      return exact
    }
    return SerdeNumber.parse(parser.slice(range))
  }

  /// The model, with the other fields of its section.
  func finish(_ fields: [String: JSON]) throws(Failure) -> Unigram {
    let unknown = fields["unk_id"] ?? .null
    guard unknown.isNull || unknown.integer != nil else {
      throw .data(path, "model.unk_id: expected an integer, found \(unknown.kindName)")
    }
    let fallback = fields["byte_fallback"] ?? .bool(false)
    guard let byteFallback = fallback.bool else {
      throw .data(path, "model.byte_fallback: expected a boolean, found \(fallback.kindName)")
    }
    return try Unigram(
      vocabulary: vocabulary, scores: scores, unknownID: unknown.integer,
      byteFallback: byteFallback, place: path)
  }
}

/// Numbers as serde_json 1.0 reads them.
enum SerdeNumber {
  /// The value of a JSON number, with the rounding of serde_json without its feature
  /// `float_roundtrip`: the digits as an integer, as far as 64 bits hold them, then one division or
  /// multiplication by a power of ten.
  static func parse(_ text: some Collection<UInt8>) -> Double {
    var significand: UInt64 = 0
    var exponent = 0
    var isNegative = false
    var isFraction = false
    var isFull = false
    var rest = text[...]
    while let byte = rest.first, byte | 0x20 != UInt8(ascii: "e") {
      rest = rest.dropFirst()
      switch byte {
      case UInt8(ascii: "-"): isNegative = true
      case UInt8(ascii: "."): isFraction = true
      default:
        let (tens, overflow) = significand.multipliedReportingOverflow(by: 10)
        let (sum, more) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
        isFull = isFull || overflow || more
        if isFull {
          if !isFraction { exponent += 1 }
        } else {
          significand = sum
          if isFraction { exponent -= 1 }
        }
      }
    }
    exponent += writtenExponent(rest.dropFirst())
    var value = Double(significand)
    // Powers beyond the largest are taken in steps.
    while exponent < -308, value != 0 {
      value /= 1e308
      exponent += 308
    }
    value = exponent < 0 ? value / power(-exponent) : value * power(exponent)
    return isNegative ? -value : value
  }

  /// The exponent as it is written; beyond a million, all are alike.
  private static func writtenExponent(_ text: some Collection<UInt8>) -> Int {
    var value = 0
    for byte in text where byte &- 0x30 < 10 {
      value = min(10 * value + Int(byte - 0x30), 1_000_000)
    }
    return text.first == UInt8(ascii: "-") ? -value : value
  }

  private static func power(_ exponent: Int) -> Double {
    Double("1e\(min(exponent, 308))") ?? .infinity
  }
}
