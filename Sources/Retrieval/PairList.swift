import Failures
import IndexFormat
import Streams

/// Queries and documents that are to be scored with each other.
package struct PairList: Sendable {
  private let path: String
  /// Ordinals of documents by query, in the order of the file.
  private var documents: [[UInt8]: [Int32]] = [:]
  /// The queries in the order of the file.
  private var queries: [[UInt8]] = []

  /// Reads pairs: a query and a document a line, divided by a tab, or the lines of a run or of
  /// judgements, of which all but queries and documents is passed over.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - table: The index's documents.
  /// - Throws: 65 for lines of another form, a pair that is there twice, and a document that the index
  ///   does not hold.
  package init(_ path: String, _ table: some DocumentIDs) throws(Failure) {
    self.path = path
    var seen: [[UInt8]: Set<Int32>] = [:]
    let reader = LineReader(try ByteReader(path), refusesMarks: true)
    while let block = try reader.next() {
      try block.forEachLine { (line, _, number) throws(Failure) in
        guard let pair = try Self.pair(line, path, number) else { return }
        guard let ordinal = table.ordinal(pair.document).map({ Int32($0) }) else {
          throw .data(
            "\(path):\(number)", "document \(Self.text(pair.document)) is not in the index")
        }
        guard seen[pair.query, default: []].insert(ordinal).inserted else {
          throw .data(
            "\(path):\(number)",
            "query \(Self.text(pair.query)) and document \(Self.text(pair.document)) are there twice"
          )
        }
        if documents[pair.query] == nil { queries.append(pair.query) }
        documents[pair.query, default: []].append(ordinal)
      }
    }
  }

  /// Query and document of a line; nil of an empty one, a comment and the header of BEIR's judgements.
  private static func pair(
    _ line: UnsafeRawBufferPointer, _ path: String, _ number: Int
  ) throws(Failure) -> (query: [UInt8], document: [UInt8])? {
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    let fields = line.split(whereSeparator: isSpace).map { Array($0) }
    if fields.isEmpty || fields[0].first == UInt8(ascii: "#") { return nil }
    switch fields.count {
    case 3 where number == 1 && fields[0].elementsEqual("query-id".utf8): return nil
    case 2, 3: return (fields[0], fields[1])
    case 4, 6: return (fields[0], fields[2])
    default:
      throw .line(
        path, number,
        expected: "a query and a document, or a line of a run or of judgements",
        found: fields.count == 1 ? "1 field" : "\(fields.count) fields")
    }
  }

  private static func text(_ id: [UInt8]) -> String { String(decoding: id, as: UTF8.self) }

  /// Ordinals of a query's documents.
  package func ordinals(of query: [UInt8]) -> [Int] { (documents[query] ?? []).map { Int($0) } }

  /// Checks that every query of the pairs was there.
  ///
  /// - Throws: 65 for the first that was not.
  package func check(seen: Set<[UInt8]>) throws(Failure) {
    guard let missing = queries.first(where: { !seen.contains($0) }) else { return }
    throw .data(path, "query \(Self.text(missing)) is not among the queries")
  }
}
