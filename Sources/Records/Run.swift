/// A run: for each query, documents with scores.
///
/// Documents are in trec_eval's order: by score, descending, in single precision; ties by document
/// id, descending bytewise. Ranks that were written down do not count.
package struct Run: Sendable {
  /// One document of one query.
  struct Entry: Sendable {
    var score: Float
    /// Its place in the input, from 0.
    var ordinal: UInt32
  }

  /// Where the run came from.
  package let name: String
  /// The tag of its last line, as trec_eval takes it; empty if there is none.
  package let tag: String
  /// The queries, in the order of their first lines.
  package let queries: IDTable
  /// The texts, of a run that brought its own and was read with them.
  package let texts: RunTexts?
  /// The grades, of a run that brought its own.
  package let relevance: Qrels?
  /// Query `q`'s entries are those from `offsets[q]` to `offsets[q + 1]`.
  private let offsets: [Int]
  private let entries: [Entry]
  /// The documents' ids in the order of the input.
  private let ids: FlatBytes

  /// Puts the parts together; `RunBuilder` makes them.
  init(
    name: String, tag: String, queries: IDTable, offsets: [Int], entries: [Entry], ids: FlatBytes,
    texts: RunTexts?, relevance: Qrels?
  ) {
    self.name = name
    self.tag = tag
    self.queries = queries
    self.offsets = offsets
    self.entries = entries
    self.ids = ids
    self.texts = texts
    self.relevance = relevance
  }

  /// Number of documents of all queries.
  package var count: Int { entries.count }

  /// The entries of a query, best first.
  package func entries(of query: Int) -> Range<Int> { offsets[query]..<offsets[query + 1] }

  /// The score of an entry.
  @inline(__always)
  package func score(_ entry: Int) -> Float { entries[entry].score }

  /// Calls `body` with the bytes of an entry's document id.
  @inline(__always)
  package func withDoc<R>(_ entry: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    ids.withBytes(Int(entries[entry].ordinal), body)
  }

  /// An entry's document id.
  package func doc(_ entry: Int) -> RecordID { withDoc(entry) { RecordID($0) } }

  /// The place of an entry in the input, from 0: the index of its text in `texts`.
  package func ordinal(_ entry: Int) -> Int { Int(entries[entry].ordinal) }

  /// The documents of a query with their scores, best first.
  package func documents(of query: Int) -> [ScoredDocument] {
    entries(of: query).map { ScoredDocument(id: doc($0), score: score($0)) }
  }

  /// The text of an entry's document; nil if the run brought none.
  package func docText(_ entry: Int) -> String? { texts?.docs.text(ordinal(entry)) }

  /// The text of a query; nil if the run brought none.
  package func queryText(_ query: Int) -> String? { texts?.queries.text(query) }
}

/// A document and its score for some query.
package struct ScoredDocument: Sendable, Equatable {
  /// The document's id.
  package var id: RecordID
  /// Its score; finite.
  package var score: Float

  /// A document with a score.
  package init(id: RecordID, score: Float) {
    self.id = id
    self.score = score
  }

  /// Whether this document is ranked before `other`: higher score, then greater id.
  package func precedes(_ other: ScoredDocument) -> Bool {
    score != other.score ? score > other.score : id > other.id
  }
}

/// The texts that a JSONL run brings along.
package struct RunTexts: Sendable {
  /// One text a query, by the query's number.
  package var queries = FlatBytes()
  /// One text a document, by its place in the input.
  package var docs = FlatBytes()
}

/// Byte strings stored end to end.
package struct FlatBytes: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  /// No byte strings.
  package init() {}

  /// Number of byte strings.
  package var count: Int { ends.count }

  /// Appends one.
  @inline(__always)
  package mutating func append(_ string: some Collection<UInt8>) {
    bytes.append(contentsOf: string)
    ends.append(bytes.count)
  }

  /// Calls `body` with one.
  @inline(__always)
  package func withBytes<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let range = (index == 0 ? 0 : ends[index - 1])..<ends[index]
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// One as text.
  package func text(_ index: Int) -> String {
    withBytes(index) { String(decoding: $0, as: UTF8.self) }
  }
}
