/// The names by which collections call what records are made of.
///
/// One list for keys of JSON and for the columns of header lines.
package enum FieldNames {
  /// Keys of an id in JSON lines.
  static let idKeys = ["_id", "id", "pid", "doc_id", "docid", "docno", "query_id", "qid"]
  /// Keys of a text in JSON lines; the first that holds words counts.
  package static let textKeys = [
    "text", "contents", "body", "passage", "content", "segment", "chunk", "document", "abstract",
    "query", "doc", "page_content", "paragraph", "passage_text", "document_text", "doc_text",
    "chunk_text",
  ]
  /// The one among them that is of queries alone.
  static let queryKey = "query"
  /// Key of a training tuple's documents.
  static let documentsKey = "docs"
  /// Key of what is put in front of a text.
  package static let titleKey = "title"

  /// Names of a column of queries' ids.
  private static let queryIDs: Set<String> = [
    "query_id", "qid", "queryid", "q_id", "topic_id", "topicid", "query_number", "topic_number",
  ]
  /// Names of a column of documents' ids.
  private static let documentIDs: Set<String> = [
    "pid", "doc_id", "docid", "docno", "corpus_id", "corpusid", "document_id", "documentid",
    "passage_id", "passageid", "did", "chunk_id", "segment_id", "cord_uid", "doc_uid", "pmid",
    "pmcid", "doc_number", "docnumber",
  ]
  /// Names of a column of ids of either.
  private static let ids: Set<String> = ["_id", "id", "ids", "record_id", "sentence_id", "uid"]
  /// Names of a column of texts that are no keys of JSON.
  private static let otherTexts: Set<String> = [
    "title", "url", "question", "query_text", "answer", "topic", "description", "sentence",
    "sentences",
  ]
  /// Names of a column of grades.
  private static let grades: Set<String> = [
    "score", "rel", "relevance", "grade", "label", "relevancy", "judgment", "judgement", "gain",
  ]
  /// Names of a column between the ids of a judgement.
  private static let iterations: Set<String> = [
    "q0", "0", "iter", "iteration", "subtopic", "subtopic_id", "intent", "run",
  ]

  /// A column's name in the one spelling that the lists have: `Query-ID` is `query_id`.
  package static func normalized(_ name: some StringProtocol) -> String {
    String(name.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
  }

  /// Whether a name in that spelling is listed as one of a query's id; `ColumnName` knows more.
  static func isListedQueryID(_ name: String) -> Bool { queryIDs.contains(name) }

  /// Whether a name in that spelling is listed as one of a document's id.
  static func isListedDocumentID(_ name: String) -> Bool { documentIDs.contains(name) }

  /// Whether a name in that spelling is listed as one of some id.
  static func isListedID(_ name: String) -> Bool {
    ids.contains(name) || isListedQueryID(name) || isListedDocumentID(name)
  }

  /// Whether a name in that spelling is listed as one of a text.
  static func isListedText(_ name: String) -> Bool {
    textKeys.contains(name) || otherTexts.contains(name)
  }

  /// Whether a name in that spelling is of a grade.
  static func isGrade(_ name: String) -> Bool { grades.contains(name) }

  /// Whether a name in that spelling is of what stands between the ids of a judgement.
  static func isIteration(_ name: String) -> Bool { iterations.contains(name) }

  /// Whether this could be the name of a column: one short word.
  package static func isNameLike(_ text: some StringProtocol) -> Bool {
    let bytes = text.utf8
    guard !bytes.isEmpty, bytes.count <= 32 else { return false }
    var hasLetter = false
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        hasLetter = true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "+"):
        continue
      default: return false
      }
    }
    return hasLetter
  }
}
