/// A run: for each query, documents with scores.
///
/// Documents are in trec_eval's order: by score, descending, in single precision; ties by document
/// id, descending bytewise. Ranks that were written down do not count.
package struct Run: Sendable {
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
  /// The places in the input of the entries; nil if those are 0, 1, 2 and so on.
  private let order: [UInt32]?
  /// Scores, hashes and ids of documents, by their place in the input.
  private let scores: [Float]
  private let hashes: [UInt32]
  private let exactScores: [Double]
  private let ranks: [UInt32]
  private let ids: FlatBytes

  /// Puts the parts together; `RunBuilder` makes them.
  init(
    name: String, tag: String, queries: IDTable, offsets: [Int], order: [UInt32]?,
    scores: [Float], hashes: [UInt32], exactScores: [Double], ranks: [UInt32], ids: FlatBytes,
    texts: RunTexts?, relevance: Qrels?
  ) {
    self.name = name
    self.tag = tag
    self.queries = queries
    self.offsets = offsets
    self.order = order
    self.scores = scores
    self.hashes = hashes
    self.exactScores = exactScores
    self.ranks = ranks
    self.ids = ids
    self.texts = texts
    self.relevance = relevance
  }

  /// Number of documents of all queries.
  package var count: Int { scores.count }

  /// The entries of a query, best first.
  package func entries(of query: Int) -> Range<Int> { offsets[query]..<offsets[query + 1] }

  /// The score of an entry.
  @inline(__always)
  package func score(_ entry: Int) -> Float { scores[ordinal(entry)] }

  /// Calls `body` with the bytes of an entry's document id.
  @inline(__always)
  package func withDoc<R>(_ entry: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    ids.withBytes(ordinal(entry), body)
  }

  /// An entry's document id.
  package func doc(_ entry: Int) -> RecordID { withDoc(entry) { RecordID($0) } }

  /// The place of an entry in the input, from 0: the index of its text in `texts`.
  @inline(__always)
  package func ordinal(_ entry: Int) -> Int {
    guard let order else { return entry }
    return Int(order[entry])
  }

  /// Half a hash of an entry's document id.
  @inline(__always)
  func hash(_ entry: Int) -> UInt32 { hashes[ordinal(entry)] }

  /// Calls `body` with entries and half a hash of each one's document id.
  @inline(__always)
  func forEachHash(_ entries: Range<Int>, _ body: (_ entry: Int, _ hash: UInt32) -> Void) {
    hashes.withUnsafeBufferPointer { hashes in
      if let order {
        for entry in entries { body(entry, hashes[Int(order[entry])]) }
      } else {
        for entry in entries { body(entry, hashes[entry]) }
      }
    }
  }

  /// The score of an entry as it was written; nil if the run was not read with such.
  package func exactScore(_ entry: Int) -> Double? {
    exactScores.isEmpty ? nil : exactScores[ordinal(entry)]
  }

  /// The rank of an entry as it was written; nil if the run was not read with such.
  package func writtenRank(_ entry: Int) -> Int? {
    ranks.isEmpty ? nil : Int(ranks[ordinal(entry)])
  }

  /// The documents of a query with their scores, best first.
  package func documents(of query: Int) -> [ScoredDocument] {
    entries(of: query).map { ScoredDocument(id: doc($0), score: score($0)) }
  }

  /// The text of an entry's document; nil if the run brought none.
  package func docText(_ entry: Int) -> String? {
    hasDocTexts ? texts?.docs.text(ordinal(entry)) : nil
  }

  /// The text of a query; nil if the run brought none.
  package func queryText(_ query: Int) -> String? {
    hasQueryTexts ? texts?.queries.text(query) : nil
  }

  /// Whether the run's lines bring the texts of its documents.
  package var hasDocTexts: Bool { (texts?.docs.count ?? 0) > 0 }

  /// Whether they bring those of its queries.
  package var hasQueryTexts: Bool { (texts?.queries.count ?? 0) > 0 }
}

/// A document and its score for some query.
package struct ScoredDocument: Sendable, Equatable {
  /// The document's id.
  package var id: RecordID
  /// Its score; finite.
  package var score: Float
  /// The document's text, for JSON lines; nil where it is not known, or is elsewhere.
  package var text: [UInt8]?
  /// A JSON object that says what the score is made of, for JSON lines; nil for none.
  package var explanation: String?

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

/// What is kept of a run besides ids and scores.
package struct RunDetails: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// The texts of a JSONL run.
  package static let texts = RunDetails(rawValue: 1)
  /// The scores in double precision, as programs have them that do not follow trec_eval.
  package static let exactScores = RunDetails(rawValue: 2)
  /// The ranks as they were written.
  package static let ranks = RunDetails(rawValue: 4)
}
