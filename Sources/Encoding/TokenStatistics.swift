import Failures
import JSON
import Models
import Records
import Streams

/// Counts of tokens instead of them: `lir-tokenize --stats`.
package struct TokenStatistics: TokenSink {
  private let path: String
  private let unknownID: Int32?
  /// Number of texts of each length.
  private var lengths: [Int: Int] = [:]
  private var records = 0
  private var tokens = 0
  private var truncated = 0
  private var unknown = 0
  private var repeated = RepeatedIDs()

  /// - Parameters:
  ///   - path: File of the JSON object, which is opened at the end.
  ///   - unknownID: The token that stands for unknown words; nil where there is none.
  package init(_ path: String, unknownID: Int32?) {
    self.path = path
    self.unknownID = unknownID
  }

  package mutating func append(ids: [[UInt8]], _ window: TokenWindow) throws(Failure) {
    records += ids.count
    for id in ids { _ = id.withUnsafeBytes { repeated.note($0) } }
    tokens += window.ids.count
    truncated += window.truncated
    if let unknownID { unknown += window.ids.count { $0 == unknownID } }
    for i in 0..<window.count { lengths[window.range(i).count, default: 0] += 1 }
  }

  package mutating func flush() throws(Failure) {}

  package mutating func finish() throws(Failure) {
    let output = try ByteWriter(path)
    try output.write(json.serialized() + "\n")
    try output.finish()
  }

  /// The counts so far.
  package var json: JSON {
    let quantiles = [
      ("min", 0.0), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95),
      ("p99", 0.99), ("max", 1.0),
    ]
    return .object([
      JSON.Member("records", .integer(records)), JSON.Member("tokens", .integer(tokens)),
      JSON.Member(
        "length", .object(quantiles.map { JSON.Member($0.0, .integer(quantile($0.1))) })),
      JSON.Member("truncated", .integer(truncated)),
      JSON.Member("unknown_rate", .double(tokens == 0 ? 0 : Double(unknown) / Double(tokens))),
      JSON.Member("repeated_ids", .integer(repeated.count)),
    ])
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
