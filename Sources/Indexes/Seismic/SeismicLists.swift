import Failures
import IndexFormat
import Retrieval
import Tensors

/// The lists of all terms.
struct SeismicLists: Sendable {
  private let starts: MappedColumn<Int64>
  private let bytes: MappedColumn<UInt8>
  private let place: String

  /// - Parameters:
  ///   - starts: Where each term's list starts, and where the last one ends.
  ///   - bytes: The lists.
  ///   - dimension: Size of the vocabulary.
  ///   - place: The index, for messages.
  /// - Throws: 65 for tensors that do not fit each other.
  init(
    _ starts: MappedColumn<Int64>, _ bytes: MappedColumn<UInt8>, dimension: Int, _ place: String
  ) throws(Failure) {
    self.starts = starts
    self.bytes = bytes
    self.place = place
    guard starts.count == dimension + 1, starts[0] == 0, starts[dimension] == bytes.count else {
      throw .data(place, "damaged: lists of \(starts.count - 1) terms")
    }
  }

  /// - Throws: 65 for files that do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    try self.init(
      segment.column(Seismic.starts, as: Int64.self), segment.column(Seismic.lists, as: UInt8.self),
      dimension: segment.manifest.source.dimension ?? 0, segment.folder)
  }

  /// A term's list; nil of a term that no document has.
  ///
  /// - Throws: 65 for bytes that are none.
  func list(_ term: Int) throws(Failure) -> SeismicList? {
    let (start, end) = (Int(starts[term]), Int(starts[term + 1]))
    if start == end { return nil }
    guard start >= 0, start < end, end <= bytes.count,
      let list = SeismicList(bytes.bytes(start..<end))
    else { throw .data(place, "damaged: the list of term \(term)") }
    return list
  }
}
