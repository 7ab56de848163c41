import Failures
import IndexFormat
import Records

/// The k best documents of one query among those that it may find.
///
/// The result depends neither on the order in which documents are offered, nor on how they are split
/// between workers that each keep candidates of their own.
package struct Candidates: Sendable {
  private var best: TopDocuments
  private let documents: DocumentTable
  private let admission: Admission
  private let ties: RunTies
  /// The least score that a document is found with.
  private let floor: Float
  /// The first document that may be found and whose score is no finite number.
  private var notFinite: Int?

  /// The score below which a finite one need not be offered.
  package private(set) var threshold: Float

  /// - Parameters:
  ///   - id: The query's.
  ///   - request: What may answer it.
  ///   - documents: The index's.
  package init(_ id: [UInt8], _ request: SearchRequest, _ documents: DocumentTable) {
    self.init(id, request, documents, floor: request.floor)
  }

  private init(
    _ id: [UInt8], _ request: SearchRequest, _ documents: DocumentTable, floor: Float
  ) {
    best = TopDocuments(request.k)
    self.documents = documents
    admission = Admission(id, request, documents)
    ties = request.ties
    self.floor = floor
    threshold = floor
  }

  /// - Parameters:
  ///   - query: One of the request, of which what others found is heeded.
  ///   - request: What may answer it.
  ///   - documents: The index's.
  package init(query: Int, _ request: SearchRequest, _ documents: DocumentTable) {
    self.init(request.ids[query], request, documents, floor: request.least(of: query))
  }

  /// Takes note of a document's score.
  package mutating func offer(_ ordinal: Int, _ score: Float) {
    // Equal scores may still enter by their ids.
    if score < threshold, score > -.infinity { return }
    guard admission.admits(ordinal) else { return }
    guard score.isFinite else {
      notFinite = min(notFinite ?? ordinal, ordinal)
      return
    }
    let rank = documents.rank(ordinal)
    best.insert(
      TopDocuments.Entry(
        score: score, rank: ties == .trec ? rank : -1 - rank, ordinal: Int32(ordinal)))
    threshold = max(best.threshold, floor)
  }

  /// Takes over what another worker found for the same query.
  package mutating func merge(_ other: Candidates) {
    best.insert(other.best)
    if let place = other.notFinite { notFinite = min(notFinite ?? place, place) }
    threshold = max(best.threshold, floor)
  }

  /// The candidates, best first; `id` is the query's and `place` the index's name.
  ///
  /// - Throws: 65 where a document that may be found has a score that is not a finite number.
  package func finish(_ id: [UInt8], _ place: String) throws(Failure) -> [TopDocuments.Entry] {
    if let notFinite {
      throw .data(
        place,
        "the score of document \(String(decoding: documents.id(notFinite), as: UTF8.self)) for "
          + "query \(String(decoding: id, as: UTF8.self)) is not a finite number")
    }
    return best.sorted
  }
}
