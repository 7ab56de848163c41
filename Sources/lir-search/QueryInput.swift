import Encoding
import Failures
import Records
import Streams
import Tensors
import ToolSupport

/// Where the queries of a search come from.
enum QueryInput {
  /// The command line itself.
  case typed([[UInt8]])
  case texts(TextRecordReader)
  /// A tensor stream, or vectors of another program.
  case stream(any SegmentReader)
  /// Streams for several collections, which are read beside each other; the first of them.
  case beside(String)

  /// Opens what the options name.
  ///
  /// - Parameters:
  ///   - options: The command.
  ///   - operands: The inputs.
  ///   - claims: What is said of vectors.
  ///   - ofVectors: Whether the index holds vectors.
  ///   - diagnostics: Gets what a user is to be told.
  /// - Throws: 64 where queries come from two sides, or in a form that an option does not go with.
  init(
    _ options: LirSearch, _ operands: [String], _ claims: VectorClaims, ofVectors: Bool,
    _ diagnostics: Diagnostics
  ) throws(Failure) {
    if !options.text.isEmpty {
      if let flag = claims.flags.first { throw .usage("\(flag) is for vectors, not --text") }
      self = .typed(options.text.map { Array($0.utf8) })
      return
    }
    let first = try ByteReader(operands[0], takingArrays: ofVectors)
    if let form = try Self.foreignForm(first, options, ofVectors) {
      guard operands.count == 1 else {
        throw .data(operands.joined(separator: " "), "expected one file of vectors (\(form))")
      }
      let reader = try VectorInputs(operands, claims, as: .query).open(
        0, opened: first, eager: operands == ["-"])
      for warning in reader.warnings { diagnostics.warning(warning) }
      self = .stream(reader)
      return
    }
    let records = options.records.records(limit: options.shards.limit)
    switch try TextsOrStream(operands, options: records, opened: [operands[0]: first]) {
    case .texts(let reader):
      if let flag = claims.flags.first {
        throw .usage("\(flag) is for vectors, the queries are texts")
      }
      if operands.count > 1 {
        diagnostics.warning(
          "\(operands.joined(separator: " and ")) are searched as queries, both of them".replacing(
            "both", with: operands.count == 2 ? "both" : "all"))
      }
      self = .texts(reader)
    case .stream(let reader):
      if let flag = claims.flags.first {
        throw .usage("\(flag): a tensor stream says itself what its vectors are")
      }
      self = .stream(reader)
    }
  }

  /// The form of vectors that other programs made; nil of texts and streams.
  ///
  /// JSON lines with a text and a vector are texts for a model, and for an index of texts.
  private static func foreignForm(
    _ input: ByteReader, _ options: LirSearch, _ ofVectors: Bool
  ) throws(Failure) -> VectorInputs.Form? {
    guard ofVectors else { return nil }
    switch try VectorInputs.form(input) {
    case .stream, nil: return nil
    case .jsonLines where options.modelOptions.model != nil: return nil
    case let form?: return form
    }
  }

  /// Ids of all queries from files, which are read anew.
  ///
  /// - Throws: As reading them does.
  func ids(
    _ options: LirSearch, _ operands: [String], _ claims: VectorClaims
  ) throws(Failure) -> [RecordID] {
    var ids: [RecordID] = []
    switch self {
    case .typed: break
    case .texts:
      let texts = options.records.records(limit: options.shards.limit)
      let reader = try TextRecordReader(operands, options: texts)
      try options.shards.restrict(reader, operands: operands, options: texts)
      while let batch = try reader.next() { ids += (0..<batch.count).map { batch.id($0) } }
    case .stream, .beside:
      let reader = try VectorInputs(operands, claims, as: .query).open(0)
      while let segment = try reader.next() {
        ids += (0..<segment.records).map { RecordID(segment.id($0)) }
      }
      ids = Array(ids.prefix(RecordLimit.range(options.shards.limit).upperBound))
      if let selection = try options.shards.selection() {
        ids = Array(ids[selection.range(of: ids.count)])
      }
    }
    return ids
  }

  /// Refuses options that do not go with each other.
  ///
  /// - Throws: 64.
  static func check(_ options: LirSearch) throws(Failure) {
    if !options.text.isEmpty {
      guard options.inputs.isEmpty else {
        throw .usage("--text is a query, and so is \(options.inputs[0]): one or the other")
      }
      guard options.shards.shard == nil, options.shards.limit == nil, !options.resumption.resume
      else { throw .usage("--shard, --limit and --resume are for queries from files, not --text") }
    }
    if let format = options.format, !["trec", "jsonl"].contains(format) {
      throw .usage("--format: expected trec or jsonl, found '\(format)'")
    }
    if let ties = options.ties {
      guard RunTies(rawValue: ties) != nil else {
        throw .usage("--ties: expected trec or anserini, found '\(ties)'")
      }
      guard !options.wantsJSON else {
        throw .usage("--ties is for TREC's runs, not JSON lines")
      }
      guard options.aggregate == nil else { throw .usage("--ties goes without --aggregate") }
    }
    if !options.wantsJSON, !options.docs.isEmpty {
      throw .usage("--docs is for --format jsonl: TREC's runs have no texts")
    }
  }
}
