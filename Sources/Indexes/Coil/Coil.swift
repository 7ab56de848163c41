import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors
import Vectors

/// Contextual inverted lists: for each token the vectors that it has in documents, beside one vector
/// of each whole document (COIL, arXiv:2104.07186).
package enum Coil: IndexType {
  package static let name = "coil"
  package static let summary =
    "inverted lists of tokens' vectors beside one vector a document: exact"
  package static let takes = IndexSubject.vectors([.coil])
  package static let parameters = [
    IndexParameter(
      exact, .search, .flag, default: nil, "As every search of this type is: the run is the same.")
  ]
  package static let files = [cls, lengths, tokens, offsets, documents, vectors]

  static let exact = Flat.exact

  static let cls = IndexFile(
    "cls", tensor: "cls", [.f32], [.documents(), .count("numbers of a document's own vector")],
    "the documents' own vectors")
  static let lengths = IndexFile(
    "documents.tokens", tensor: "tokens", [.i32], [.documents()],
    "how many tokens with vectors each document has")
  static let tokens = IndexFile(
    "tokens", tensor: "input_ids", [.i32], [.count("tokens")],
    "the tokens that documents have, ascending")
  static let offsets = IndexFile(
    "postings.offsets", tensor: "offsets", [.i64], [.count("tokens", plus: 1)],
    "where each token's postings start, and where the last ones end")
  static let documents = IndexFile(
    "postings.documents", tensor: "documents", [.i32], [.count("postings")],
    "the document of each posting; within a token they do not descend")
  static let vectors = IndexFile(
    "postings.vectors", tensor: "embeddings", [.f32], [.count("postings"), .dimension()],
    "the vector that the token has there")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try VectorScoring(source, name)
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try TokenPostings(segment).check()
  }

  package static func joins(_ segment: IndexSegment) -> Bool {
    true
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try CoilBuilder(writer, source, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try CoilIndex(segment, work)
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [Int32: Int] = [:]
    for segment in segments {
      let postings = try TokenPostings(segment)
      for place in 0..<postings.count {
        let range = try postings.range(place)
        lengths[postings.token(place), default: 0] +=
          segment.deleted == nil
          ? range.count : range.count { segment.isLive(Int(postings.documents[$0])) }
      }
    }
    return lengths.sorted { $0.key < $1.key }.map(\.value)
  }

  package static func statistics(of segments: [IndexSegment]) throws(Failure) -> [JSON.Member] {
    let lengths = try lists(of: segments)
    return [
      JSON.Member("tokens", .integer(lengths.count { $0 > 0 })),
      JSON.Member("postings", .integer(lengths.reduce(0, +))),
    ]
  }
}
