import Failures
import JSON

/// Writes runs as JSON lines: `{"query_id","doc_id","rank","score","query","title","text"}`, the texts
/// where they are known, and `"explanation"` where it was asked for.
package struct JSONRunWriter {
  /// The documents' texts; nil for none.
  private let docs: TextStore?

  package init(docs: TextStore?) { self.docs = docs }

  /// Appends the lines of one query, whose documents come in any order.
  ///
  /// - Throws: 65 where a document has no text.
  package func append(
    query: RecordID, text: [UInt8]?, documents: [ScoredDocument], to bytes: inout [UInt8]
  ) throws(Failure) {
    let queryText = text.map { Self.json($0) }
    for (i, document) in documents.sorted(by: { $0.precedes($1) }).enumerated() {
      bytes += "{\"query_id\":".utf8
      bytes += Self.json(query.bytes)
      bytes += ",\"doc_id\":".utf8
      bytes += Self.json(document.id.bytes)
      bytes += ",\"rank\":\(i + 1),\"score\":\(RunWriter.text(document.score))".utf8
      if let queryText {
        bytes += ",\"query\":".utf8
        bytes += queryText
      }
      if let docs {
        let text = try docs.text(document.id, for: "query \(query)")
        if let title = docs.title(document.id, of: text) {
          bytes += ",\"title\":".utf8
          bytes += Self.json(title)
        }
        bytes += ",\"text\":".utf8
        bytes += Self.json(text)
      }
      if let text = document.text {
        bytes += ",\"text\":".utf8
        bytes += Self.json(text)
      }
      if let explanation = document.explanation {
        bytes += ",\"explanation\":".utf8
        bytes += explanation.utf8
      }
      bytes += "}\n".utf8
    }
  }

  private static func json(_ text: [UInt8]) -> [UInt8] {
    Array(JSON.string(String(decoding: text, as: UTF8.self)).serialized().utf8)
  }
}
