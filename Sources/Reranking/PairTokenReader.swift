import Encoding
import Failures
import Models
import Records
import Tensors

/// The pairs of a token stream, as `lir-tokenize --pairs` writes it, a window of whole queries at a
/// time.
package final class PairTokenReader {
  /// The pairs of some queries, those of one query together.
  package struct Window {
    package fileprivate(set) var queries: [RecordID] = []
    /// The documents of each query.
    package fileprivate(set) var docs: [[RecordID]] = []
    /// The tokens of the pairs.
    package fileprivate(set) var tokens = TokenWindow()

    /// The window without its first queries.
    package func dropping(queries count: Int) -> Window {
      var rest = Window()
      rest.queries = Array(queries.dropFirst(count))
      rest.docs = Array(docs.dropFirst(count))
      rest.tokens = tokens.dropFirst(docs.prefix(count).reduce(0) { $0 + $1.count })
      return rest
    }

    fileprivate mutating func append(_ pair: Pair) {
      if queries.last != pair.query {
        queries.append(pair.query)
        docs.append([])
      }
      docs[docs.count - 1].append(pair.doc)
      tokens.append(pair.tokens)
    }
  }

  fileprivate struct Pair {
    var query: RecordID
    var doc: RecordID
    var tokens: TokenWindow
    /// Place in the stream, for messages.
    var record: Int
  }

  private let reader: TensorStreamReader
  private let operand: String
  private let model: String
  private let tokenizer: String
  private let size: Int
  private var segment: (records: TokenizedRecords, first: Int, next: Int)?
  /// The pair that begins the next window.
  private var held: Pair?
  private var seen: Set<RecordID> = []
  /// What the stream says of itself; nil before the first window, and where it has none.
  package private(set) var description: StreamDescription?

  /// - Parameters:
  ///   - reader: The stream.
  ///   - operand: Its name, for messages.
  ///   - model: Digest of the model that is to score.
  ///   - tokenizer: Digest of its tokenizer.
  ///   - pairs: Pairs from which on a window is full; a query is never divided.
  package init(
    _ reader: TensorStreamReader, _ operand: String, model: String, tokenizer: String, pairs: Int
  ) {
    self.reader = reader
    self.operand = operand
    self.model = model
    self.tokenizer = tokenizer
    size = pairs
  }

  /// The next window; nil at the end.
  ///
  /// - Throws: 65 for an id that is no pair's, and where the pairs of a query do not stand together;
  ///   78 for a stream of something else, or of another model or tokenizer.
  package func next() throws(Failure) -> Window? {
    var window = Window()
    while let pair = try nextPair() {
      if window.queries.last != pair.query {
        if window.tokens.count >= size {
          held = pair
          return window
        }
        guard seen.insert(pair.query).inserted else {
          throw .data(
            "\(operand): record \(pair.record)",
            "the pairs of query \(pair.query) do not stand together")
        }
      }
      window.append(pair)
    }
    return window.queries.isEmpty ? nil : window
  }

  private func nextPair() throws(Failure) -> Pair? {
    if let pair = held {
      held = nil
      return pair
    }
    while true {
      if let (records, first, index) = segment, index < records.ids.count {
        segment?.next += 1
        let (query, doc) = try Self.ids(records.ids[index], operand, first + index)
        return Pair(
          query: query, doc: doc, tokens: records.tokens.selecting(index), record: first + index)
      }
      guard let found = try reader.next() else { return nil }
      try check(found)
      if description == nil { description = found.description }
      segment = (TokenizedRecords(found), found.first, 0)
    }
  }

  private func check(_ segment: TensorSegment) throws(Failure) {
    guard segment.schema.kind == .tokens, segment.description.role == .pair else {
      throw .config(
        operand,
        "expected tokens of pairs, found kind \(segment.schema.kind.rawValue) of role "
          + segment.description.role.rawValue, hint: "lir-tokenize --pairs makes them")
    }
    if let found = segment.description.model, found != model {
      throw .config(operand, "the tokens were made for model \(found), --model is \(model)")
    }
    if let found = segment.description.tokenizer, found != tokenizer {
      throw .config(
        operand, "the tokens were made by another tokenizer than the model's",
        hint: "tokenise again with lir-tokenize --pairs --model and the folder of the model")
    }
  }

  private static func ids(
    _ id: [UInt8], _ operand: String, _ record: Int
  ) throws(Failure) -> (query: RecordID, doc: RecordID) {
    let parts = id.split(separator: 0x09, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw .data(
        "\(operand): record \(record)", "expected an id of a query, a tab, and a document")
    }
    return (RecordID(Array(parts[0])), RecordID(Array(parts[1])))
  }

  /// The queries of a stream, and how many documents each has.
  ///
  /// - Throws: 65 for a stream that is cut or damaged, and for an id that is no pair's.
  package static func answers(in operand: String) throws(Failure) -> [FinishedRun.Answer] {
    let reader = try TensorStreamReader(operand)
    var answers: [FinishedRun.Answer] = []
    while let segment = try reader.next() {
      for index in 0..<segment.records {
        let query = try ids(segment.id(index), operand, segment.first + index).query
        if answers.last?.query == query {
          answers[answers.count - 1].documents += 1
        } else {
          answers.append(FinishedRun.Answer(query: query, documents: 1))
        }
      }
    }
    return answers
  }
}
