import Failures
import Records

/// Some pairs to score: texts of queries, and for each the texts of its documents.
package struct PairWindow: Sendable {
  package private(set) var queryIDs: [RecordID] = []
  /// The text of each query; none where stored embeddings stand for them.
  package private(set) var queries: [[UInt8]] = []
  package private(set) var docIDs: [[RecordID]] = []
  /// docs[query][document]; none where stored vectors stand for them.
  package private(set) var docs: [[[UInt8]]] = []
  /// Where the texts came from, for messages.
  private var origin: CandidateTexts?

  package init() {}

  /// Where the text of a query came from.
  package func place(query: Int) -> String {
    origin?.place(query: queryIDs[query]) ?? "query \(queryIDs[query])"
  }

  /// Where the text of a document came from.
  package func place(query: Int, doc: Int) -> String {
    origin?.place(doc: docIDs[query][doc]) ?? "document \(docIDs[query][doc])"
  }

  /// Number of pairs.
  package var pairs: Int { docIDs.reduce(0) { $0 + $1.count } }

  /// Appends a query with its documents.
  ///
  /// - Parameters:
  ///   - id: The query's id.
  ///   - text: Its text; nil where it is not needed.
  ///   - docIDs: The ids of its documents.
  ///   - docs: Their texts; none where they are not needed.
  package mutating func append(
    query id: RecordID, text: [UInt8]?, docIDs: [RecordID], docs: [[UInt8]]
  ) {
    queryIDs.append(id)
    if let text { queries.append(text) }
    self.docIDs.append(docIDs)
    self.docs.append(docs)
  }

  /// The pairs of a block of records, of which those of one query that stand together are one query's.
  package init(_ batch: RecordBatch) {
    for index in 0..<batch.count {
      let (query, doc) = batch.pairIDs(index)
      let texts = batch.withPair(index) { (Array($0), Array($1)) }
      if queryIDs.last != query { append(query: query, text: texts.0, docIDs: [], docs: []) }
      docIDs[docIDs.count - 1].append(doc)
      docs[docs.count - 1].append(texts.1)
    }
  }

  /// Queries of a run with their candidates.
  ///
  /// - Parameters:
  ///   - run: What names the pairs.
  ///   - queries: The queries' places in the run.
  ///   - depth: Documents a query at most.
  ///   - texts: The texts.
  ///   - needs: Whose texts are needed.
  /// - Throws: 65 where a text is not there.
  package init(
    _ run: Run, _ queries: Range<Int>, depth: Int, _ texts: CandidateTexts, _ needs: NeededTexts
  ) throws(Failure) {
    origin = texts
    for query in queries {
      let entries = run.entries(of: query).prefix(depth)
      var docs: [[UInt8]] = []
      for entry in entries where needs.docs { docs.append(try texts.doc(entry)) }
      append(
        query: run.queries[query], text: needs.queries ? try texts.query(query) : nil,
        docIDs: entries.map { run.doc($0) }, docs: docs)
    }
  }
}

/// Whose texts a scorer reads.
package struct NeededTexts: Sendable, Equatable {
  package var queries: Bool
  package var docs: Bool

  package init(queries: Bool, docs: Bool) {
    self.queries = queries
    self.docs = docs
  }
}

/// Gives every pair of a window its score.
package protocol PairScorer {
  /// Whose texts a window must have.
  var needs: NeededTexts { get }

  /// The scores of the window's pairs.
  ///
  /// - Throws: 65 or 78 where the embeddings of a pair are missing or do not fit.
  func score(_ window: PairWindow) throws(Failure) -> WindowScores
}
