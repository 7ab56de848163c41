import Failures
import Records

/// A query, documents, and what the scores of these are trained towards.
package struct TrainingTuple: Sendable {
  /// A document with its target.
  package struct Document: Sendable {
    /// Nil where the data give a text alone.
    package var id: RecordID?
    package var text: [UInt8]
    package var target: Float

    package init(id: RecordID?, text: [UInt8], target: Float) {
      self.id = id
      self.text = text
      self.target = target
    }
  }

  /// Nil where the data give a text alone.
  package var queryID: RecordID?
  package var query: [UInt8]
  package var documents: [Document]
  /// Where it came from, for messages: `tuples.jsonl:17`, `first.run: query 3`.
  package var place: String

  package init(
    queryID: RecordID?, query: [UInt8], documents: [Document], place: String
  ) {
    self.queryID = queryID
    self.query = query
    self.documents = documents
    self.place = place
  }
}

/// Tuples in some order of their own, each as often as it is asked for.
package protocol TupleSource: AnyObject {
  /// Number of tuples of an epoch.
  var count: Int { get }
  /// Documents of every tuple.
  var documents: Int { get }
  /// Whether a tuple has other documents in other epochs.
  var varies: Bool { get }
  /// Numbers that stand for a tuple's query and documents: where two tuples share a number, they
  /// share an id or a text.
  ///
  /// - Precondition: the source was made to know them.
  func keys(of index: Int, epoch: Int) -> [UInt64]
  /// A tuple; the same for the same arguments, whatever was asked before.
  ///
  /// - Throws: 65 where the data turn out to be malformed, 74 where they cannot be read.
  func tuple(_ index: Int, epoch: Int) throws(Failure) -> TrainingTuple
}

/// What the scores of documents are trained towards (Lightning IR `data/dataset.py`).
package enum TargetKind: String, Sendable, CaseIterable {
  /// 1 for the first document, 0 for the others.
  case order
  /// The scores in the data: those of a teacher.
  case score
  /// The largest grade that the judgements give.
  case relevance
  /// The largest grade over the query's subtopics.
  case subtopicRelevance = "subtopic_relevance"
  /// Ranks, turned round: the first document has the largest.
  case rank
}
