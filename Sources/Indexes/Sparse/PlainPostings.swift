import Failures
import IndexFormat

/// The postings of a segment in the plain layout: for every term the documents that have it, with
/// weights.
struct PlainPostings: Sendable {
  let documents: MappedColumn<Int32>
  let weights: MappedColumn<Float>
  /// Size of the vocabulary.
  let terms: Int
  /// Number of documents.
  var count: Int { segment.documents }
  private let offsets: MappedColumn<Int64>
  private let segment: IndexSegment

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment) throws(Failure) {
    self.segment = segment
    offsets = try segment.column(Sparse.plainOffsets, as: Int64.self)
    documents = try segment.column(Sparse.plainDocuments, as: Int32.self)
    weights = try segment.column(Sparse.plainWeights, as: Float.self)
    terms = offsets.count - 1
    guard documents.count == weights.count else {
      throw damaged("\(documents.count) documents of postings, \(weights.count) weights")
    }
    var last = 0
    for term in 0...terms {
      let value = Int(offsets[term])
      guard value >= last, value <= documents.count, term > 0 || value == 0 else {
        throw damaged("the postings of term \(term) lie outside of the file")
      }
      last = value
    }
    guard last == documents.count else { throw damaged("postings beyond the last term") }
  }

  /// Where a term's postings are.
  func range(_ term: Int) -> Range<Int> { Int(offsets[term])..<Int(offsets[term + 1]) }

  /// Reads all postings.
  ///
  /// - Throws: 65 where documents do not ascend within a term or are none, or a weight is not a
  ///   finite number.
  func check() throws(Failure) {
    for term in 0..<terms {
      var last: Int32 = -1
      for posting in range(term) {
        let document = documents[posting]
        guard document > last, Int(document) < segment.documents else {
          throw damaged("a posting of document \(document)")
        }
        last = document
        let weight = weights[posting]
        guard weight.isFinite else { throw damaged("posting \(posting) has weight \(weight)") }
      }
    }
  }

  func damaged(_ what: String) -> Failure { .data(segment.folder, "damaged: \(what)") }
}
