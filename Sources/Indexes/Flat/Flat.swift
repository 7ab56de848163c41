import Failures
import IndexFormat
import Retrieval
import Tensors
import Vectors

/// All vectors as they come, compared one by one.
package enum Flat: IndexType {
  package static let name = "flat"
  package static let summary = "all vectors, compared one by one: exact"
  package static let takes = IndexSubject.vectors([.dense])
  package static let files = [vectors, scales]

  static let vectors = IndexFile(
    "vectors", tensor: "embeddings", [], [.documents(), .dimension()],
    "the documents' vectors in the type that the stream has them in")
  static let scales = IndexFile(
    "scales", tensor: "scales", [.f32], [.documents()], presence: .element(.i8),
    "what the values of each vector are multiplied by")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try similarity(source, name)
  }

  /// What a score is: what the vectors' stream says, else the dot product.
  static func similarity(_ source: IndexSource, _ place: String) throws(Failure) -> Similarity {
    guard let name = source.description.similarity else { return .dot }
    guard let similarity = Similarity(rawValue: name) else {
      throw .config(place, "similarity \(name) is not supported")
    }
    return similarity
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try FlatBuilder(writer, source)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try FlatIndex(segment, work)
  }
}
