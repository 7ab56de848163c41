import Failures
import JSON
import Records

/// How files of training tuples are written down, a tuple a line.
package enum TupleFormat: String, Sendable, CaseIterable {
  /// `{"query_id","query","docs":[{"doc_id","text","score"}…]}`; texts, ids or both.
  case jsonl
  /// MS MARCO's triples of texts: query, positive, negative, by tabs.
  case triples
  /// MS MARCO's triples of ids.
  case idTriples = "id_triples"
  /// ColBERTv2's examples: `[query, [doc, score], …]`.
  case colbert
  /// Scores of a positive and a negative, then ids of query, positive and negative
  /// (Hofstätter et al., arXiv:2010.02666).
  case knowledgeDistillation = "kd"
  /// sentence-transformers' hard negatives: `{"qid","pos":[{"pid","ce-score"}…],"neg":{SYSTEM:[…]}}`.
  case hardNegatives = "sbert"

  /// What the first line of a file looks like; nil for nothing known.
  ///
  /// Triples of ids and of texts look alike: `hasTexts`, whether ids can be resolved, tells them
  /// apart.
  init?(detecting line: [UInt8], hasTexts: Bool) {
    switch line.first {
    case UInt8(ascii: "["): self = .colbert
    case UInt8(ascii: "{"):
      let json = try? JSONParser.parse(line)
      self = json?["pos"] != nil && json?["qid"] != nil ? .hardNegatives : .jsonl
    default:
      let tabs = line.split(separator: 0x09, omittingEmptySubsequences: false).count
      if LineFields.count(line) == 5, tabs == 5 || tabs == 1 {
        self = .knowledgeDistillation
      } else if tabs == 3 {
        self = hasTexts ? .idTriples : .triples
      } else {
        return nil
      }
    }
  }
}

extension LineFields {
  fileprivate static func count(_ line: [UInt8]) -> Int {
    line.withUnsafeBytes { LineFields($0).count }
  }
}

/// A tuple as a line has it: ids may stand for texts.
struct WrittenTuple {
  struct Document {
    var id: RecordID?
    var text: [UInt8]?
    var score: Float?
  }

  var queryID: RecordID?
  var query: [UInt8]?
  var documents: [Document] = []
}

/// Reads tuples from lines.
struct TupleParser: Sendable {
  let format: TupleFormat
  let file: String
  /// The systems whose hard negatives count; nil for all of them.
  let systems: [String]?

  /// - Throws: 65 for a line that is no tuple of the format.
  func parse(_ line: [UInt8], number: Int) throws(Failure) -> WrittenTuple {
    let reading = LineReading(line: line, file: file, number: number)
    switch format {
    case .triples: return try reading.textTriple()
    case .idTriples: return try reading.idTriple()
    case .knowledgeDistillation: return try reading.scoredTriple()
    case .jsonl: return try reading.object()
    case .colbert: return try reading.list()
    case .hardNegatives: return try reading.hardNegatives(systems)
    }
  }
}

/// One line on its way to a tuple.
private struct LineReading {
  let line: [UInt8]
  let file: String
  let number: Int

  func failure(_ expected: String, _ found: String) -> Failure {
    .line(file, number, expected: expected, found: found)
  }

  // MARK: Columns

  private func columns(_ count: Int, _ what: String) throws(Failure) -> [[UInt8]] {
    let columns = line.split(separator: 0x09, omittingEmptySubsequences: false).map { Array($0) }
    guard columns.count == count else {
      throw failure("\(count) columns (\(what))", "\(columns.count)")
    }
    return columns
  }

  func textTriple() throws(Failure) -> WrittenTuple {
    var texts: [[UInt8]] = []
    for column in try columns(3, "query, positive, negative") {
      guard String(validating: column, as: UTF8.self) != nil, !column.contains(0) else {
        throw failure("UTF-8 without NUL", "something else in column \(texts.count + 1)")
      }
      texts.append(column)
    }
    return WrittenTuple(
      query: texts[0],
      documents: [.init(text: texts[1]), .init(text: texts[2])])
  }

  func idTriple() throws(Failure) -> WrittenTuple {
    let columns = try columns(3, "ids of query, positive, negative")
    return WrittenTuple(
      queryID: try id(columns[0]),
      documents: [.init(id: try id(columns[1])), .init(id: try id(columns[2]))])
  }

  func scoredTriple() throws(Failure) -> WrittenTuple {
    let fields = line.split { $0 == 0x09 || $0 == 0x20 }.map { Array($0) }
    guard fields.count == 5 else {
      throw failure("5 columns (two scores, ids of query, positive, negative)", "\(fields.count)")
    }
    return WrittenTuple(
      queryID: try id(fields[2]),
      documents: [
        .init(id: try id(fields[3]), score: try score(fields[0])),
        .init(id: try id(fields[4]), score: try score(fields[1])),
      ])
  }

  private func id(_ bytes: [UInt8]) throws(Failure) -> RecordID {
    guard !bytes.isEmpty, !bytes.contains(where: { $0 <= 0x20 }) else {
      throw failure("an id without white space", "\"\(String(decoding: bytes, as: UTF8.self))\"")
    }
    return RecordID(bytes)
  }

  private func score(_ bytes: [UInt8]) throws(Failure) -> Float {
    guard let score = bytes.withUnsafeBytes({ NumberText.double($0) }), Float(score).isFinite else {
      throw failure("a finite score", "\"\(String(decoding: bytes, as: UTF8.self))\"")
    }
    return Float(score)
  }

  // MARK: JSON

  private func json() throws(Failure) -> JSON {
    do throws(JSONError) { return try JSONParser.parse(line) } catch {
      throw failure(error.expected, "\(error.found) at byte \(error.offset + 1) of the line")
    }
  }

  private func id(_ json: JSON?, _ what: String) throws(Failure) -> RecordID {
    switch json {
    case .string(let text)?: return try id(Array(text.utf8))
    case .integer(let number)?: return RecordID("\(number)")
    default: throw failure("an id under \(what)", json?.kindName ?? "none")
    }
  }

  private func text(_ json: JSON, _ what: String) throws(Failure) -> [UInt8] {
    guard let text = json.string, !text.utf8.contains(0) else {
      throw failure("a string without NUL under \(what)", json.kindName)
    }
    return Array(text.utf8)
  }

  private func score(_ json: JSON, _ what: String) throws(Failure) -> Float {
    guard let score = json.double, Float(score).isFinite else {
      throw failure("a finite number under \(what)", json.kindName)
    }
    return Float(score)
  }

  func object() throws(Failure) -> WrittenTuple {
    let object = try json()
    guard object.members != nil else { throw failure("a JSON object", object.kindName) }
    var tuple = WrittenTuple()
    if let id = object["query_id"], !id.isNull { tuple.queryID = try self.id(id, "\"query_id\"") }
    if let query = object["query"], !query.isNull { tuple.query = try text(query, "\"query\"") }
    guard let docs = object["docs"]?.array else {
      throw failure("a list under \"docs\"", object["docs"]?.kindName ?? "none")
    }
    for doc in docs {
      var document = WrittenTuple.Document()
      if let id = doc["doc_id"], !id.isNull { document.id = try self.id(id, "\"doc_id\"") }
      document.text = try documentText(doc)
      if let score = doc["score"], !score.isNull {
        document.score = try self.score(score, "\"score\"")
      }
      tuple.documents.append(document)
    }
    return tuple
  }

  /// The text of a document, as text records have it; nil where an id stands for it.
  private func documentText(_ doc: JSON) throws(Failure) -> [UInt8]? {
    func present(_ key: String) -> JSON? { doc[key].flatMap { $0.isNull ? nil : $0 } }
    let keys = FieldNames.textKeys.filter { present($0) != nil }
    guard let key = keys.first(where: { present($0)?.string != "" }) ?? keys.first,
      let body = present(key)
    else {
      if present("doc_id") == nil, let members = doc.members {
        let keys = members.map { "\"\($0.key)\"" }.joined(separator: ", ")
        throw failure("a document's \"doc_id\" or \"text\"", keys.isEmpty ? "no key" : keys)
      }
      return nil
    }
    let text = try text(body, "\"\(key)\"")
    guard let title = present(FieldNames.titleKey) else { return text }
    return RecordText.joined(title: try self.text(title, "\"title\""), text)
  }

  func list() throws(Failure) -> WrittenTuple {
    let list = try json()
    guard let parts = list.array, let first = parts.first else {
      throw failure("a list that starts with a query's id", list.kindName)
    }
    var tuple = WrittenTuple(queryID: try id(first, "place 1"))
    for part in parts.dropFirst() {
      if let pair = part.array, pair.count == 2 {
        tuple.documents.append(
          .init(id: try id(pair[0], "a document"), score: try score(pair[1], "a document")))
      } else {
        tuple.documents.append(.init(id: try id(part, "a document")))
      }
    }
    return tuple
  }

  func hardNegatives(_ systems: [String]?) throws(Failure) -> WrittenTuple {
    let object = try json()
    var tuple = WrittenTuple(queryID: try id(object["qid"], "\"qid\""))
    guard let positives = object["pos"]?.array, let negatives = object["neg"]?.members else {
      throw failure("a list under \"pos\" and an object under \"neg\"", "something else")
    }
    if positives.isEmpty { throw failure("a positive document under \"pos\"", "none") }
    var lists = [positives]
    for name in systems ?? negatives.map(\.key) {
      guard let list = negatives.first(where: { $0.key == name })?.value.array else {
        throw failure(
          "negatives of \(name)", "those of \(negatives.map(\.key).joined(separator: ", "))")
      }
      lists.append(list)
    }
    var seen: Set<RecordID> = []
    for doc in lists.joined() {
      let id = try id(doc["pid"], "\"pid\"")
      // Several systems find the same.
      guard seen.insert(id).inserted else { continue }
      var document = WrittenTuple.Document(id: id)
      if let score = doc["ce-score"], !score.isNull {
        document.score = try self.score(score, "\"ce-score\"")
      }
      tuple.documents.append(document)
    }
    return tuple
  }
}
