import Failures
import JSON
import Models
import Streams
import Tensors
import Tokenizers
import ToolSupport

/// Where tokens go.
protocol TokenSink {
  mutating func append(ids: [[UInt8]], _ tokens: TokenWindow) throws(Failure)
  mutating func flush() throws(Failure)
  mutating func finish() throws(Failure)
}

/// A token stream.
struct TensorTokenSink: TokenSink {
  private let output: ByteWriter
  private let writer: TensorStreamWriter

  init(
    _ output: ByteWriter, _ description: StreamDescription, after done: FinishedSegments? = nil
  ) {
    self.output = output
    writer =
      done.map {
        TensorStreamWriter(output, schema: .tokens, description: description, after: $0)
      } ?? TensorStreamWriter(output, schema: .tokens, description: description)
  }

  mutating func append(ids: [[UInt8]], _ tokens: TokenWindow) throws(Failure) {
    for (i, id) in ids.enumerated() {
      let range = tokens.range(i)
      try writer.append(
        id: id, items: range.count,
        [
          tokens.ids[range].withUnsafeBytes { Array($0) },
          Array(tokens.attended[range]), Array(tokens.typeIDs[range]),
        ])
    }
  }

  mutating func flush() throws(Failure) { try output.flush() }
  mutating func finish() throws(Failure) { try writer.finish() }
}

/// A line a record: a JSON object as transformers names its parts, or the tokens' texts.
struct JSONLTokenSink: TokenSink {
  private let output: ByteWriter
  private let tokenizer: Tokenizer
  private let asTokens: Bool
  private let provenance: String?
  private var records = 0

  init(_ output: ByteWriter, _ tokenizer: Tokenizer, asTokens: Bool, provenance: String?) {
    self.output = output
    self.tokenizer = tokenizer
    self.asTokens = asTokens
    self.provenance = provenance
  }

  mutating func append(ids: [[UInt8]], _ tokens: TokenWindow) throws(Failure) {
    for (i, id) in ids.enumerated() {
      let range = tokens.range(i)
      try output.write(asTokens ? tokenLine(id, tokens, range) : jsonLine(id, tokens, range))
      records += 1
    }
  }

  private func tokenLine(_ id: [UInt8], _ tokens: TokenWindow, _ range: Range<Int>) -> [UInt8] {
    var line = id + [0x09]
    for (j, token) in tokens.ids[range].enumerated() {
      if j > 0 { line.append(0x20) }
      line += tokenizer.bytes(of: token) ?? Array("#\(token)".utf8)
    }
    return line + [0x0A]
  }

  private func jsonLine(_ id: [UInt8], _ tokens: TokenWindow, _ range: Range<Int>) -> [UInt8] {
    var line = "{\"id\":"
    JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
    line += ",\"input_ids\":[" + tokens.ids[range].map(\.description).joined(separator: ",")
    line += "],\"token_type_ids\":["
    line += tokens.typeIDs[range].map(\.description).joined(separator: ",")
    line += "],\"attention_mask\":["
    line += tokens.attended[range].map(\.description).joined(separator: ",") + "]}\n"
    return Array(line.utf8)
  }

  mutating func flush() throws(Failure) { try output.flush() }

  mutating func finish() throws(Failure) {
    try output.finishText(records: records, provenance: provenance)
  }
}

/// Counts instead of tokens: `--stats`.
struct TokenStatistics: TokenSink {
  private let path: String
  private let tokenizer: Tokenizer
  /// Number of texts of each length.
  private var lengths: [Int: Int] = [:]
  private var records = 0
  private var tokens = 0
  private var truncated = 0
  private var unknown = 0

  init(_ path: String, _ tokenizer: Tokenizer) {
    self.path = path
    self.tokenizer = tokenizer
  }

  mutating func append(ids: [[UInt8]], _ window: TokenWindow) throws(Failure) {
    records += ids.count
    tokens += window.ids.count
    truncated += window.truncated
    if let unk = tokenizer.unkID { unknown += window.ids.count { $0 == unk } }
    for i in 0..<window.count { lengths[window.range(i).count, default: 0] += 1 }
  }

  mutating func flush() throws(Failure) {}

  mutating func finish() throws(Failure) {
    let quantiles = [
      ("min", 0.0), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95),
      ("p99", 0.99), ("max", 1.0),
    ]
    let json: JSON = .object([
      JSON.Member("records", .integer(records)), JSON.Member("tokens", .integer(tokens)),
      JSON.Member(
        "length", .object(quantiles.map { JSON.Member($0.0, .integer(quantile($0.1))) })),
      JSON.Member("truncated", .integer(truncated)),
      JSON.Member("unknown_rate", .double(tokens == 0 ? 0 : Double(unknown) / Double(tokens))),
    ])
    let output = try ByteWriter(path)
    try output.write(json.serialized() + "\n")
    try output.finish()
  }

  /// The smallest length that at least this share of the texts does not exceed.
  private func quantile(_ share: Double) -> Int {
    var seen = 0
    let needed = max(1, Int((Double(records) * share).rounded(.up)))
    for (length, count) in lengths.sorted(by: { $0.key < $1.key }) {
      seen += count
      if seen >= needed { return length }
    }
    return 0
  }
}
