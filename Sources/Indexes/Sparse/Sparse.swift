import Failures
import IndexFormat
import Retrieval
import Tensors

/// Postings of a learned sparse model, scored in full.
package enum Sparse: IndexType {
  package static let name = "sparse"
  package static let summary = "an inverted file of learned sparse vectors, scored in full: exact"
  package static let takes = IndexSubject.vectors([.sparse])
  package static let files = [offsets, documents, weights]

  static let offsets = IndexFile(
    "terms", tensor: "offsets", [.i64], [.dimension(plus: 1)],
    "where each term's postings start, and where the last ones end")
  static let documents = IndexFile(
    "postings.documents", tensor: "documents", [.i32], [.count("postings")],
    "the document of each posting, ascending within a term")
  static let weights = IndexFile(
    "postings.weights", tensor: "weights", [.f32], [.count("postings")],
    "the weight of each posting")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    if let similarity = source.description.similarity, similarity != "dot" {
      throw .config(
        nil, "a sparse index searches by dot product, the vectors' similarity is \(similarity)",
        hint: "lir-rerank scores them as they are")
    }
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try Postings(segment).check()
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try SparseBuilder(writer, source, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try SparseIndex(segment, work)
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [Int] = []
    for segment in segments {
      let postings = try Postings(segment)
      lengths += repeatElement(0, count: max(0, postings.terms - lengths.count))
      for term in 0..<postings.terms {
        let range = postings.range(term)
        lengths[term] +=
          segment.deleted == nil
          ? range.count : range.count { segment.isLive(Int(postings.documents[$0])) }
      }
    }
    return lengths
  }
}
