import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// Several vectors a document in inverted lists: the vectors lie with their documents, the lists hold
/// their numbers, and codes where there are some.
struct TokenLists: Sendable {
  let lists: InvertedLists
  let codes: ListCodes?
  private let entries: MappedColumn<Int32>

  static let entries = IndexFile(
    "lists.vectors", tensor: "vectors", [.i32], [.count("vectors")],
    "the number of each vector, list by list"
  ).ofSeveral

  /// What only lists of several vectors a document have, besides the files of those of one.
  static let files = [MultiVector.offsets.ofSeveral, entries]

  /// Whether a segment has such lists.
  static func are(in segment: IndexSegment) -> Bool { segment.has(entries) }

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment, _ kernels: Kernels) throws(Failure) {
    lists = try InvertedLists(segment)
    entries = try segment.column(Self.entries, as: Int32.self)
    codes =
      segment.has(IVF.estimates) && lists.count > 0 ? try ListCodes(segment, lists, kernels) : nil
  }

  /// The number of the vector at a place of the lists.
  func vector(_ place: Int) -> Int { max(0, min(Int(entries[place]), entries.count - 1)) }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for entries that are not each vector once.
  func check(_ place: String) throws(Failure) {
    try lists.check()
    var seen = [Bool](repeating: false, count: entries.count)
    for entry in 0..<entries.count {
      let number = Int(entries[entry])
      guard seen.indices.contains(number), !seen[number] else {
        throw .data(place, "damaged: entry \(entry) of the lists is vector \(number)")
      }
      seen[number] = true
    }
    try codes?.check()
  }
}

/// Which entries of lists are vectors of documents that are not deleted.
struct LiveTokens {
  private let segment: IndexSegment
  private let tokens: TokenLists
  private let offsets: RaggedOffsets

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment, _ tokens: TokenLists) throws(Failure) {
    self.segment = segment
    self.tokens = tokens
    offsets = try RaggedOffsets(
      segment, MultiVector.offsets, rows: segment.tensor(MultiVector.vectors).entry.shape[0])
  }

  /// - Throws: 65 for a vector of no document.
  func isLive(_ place: Int) throws(Failure) -> Bool {
    segment.isLive(try offsets.owner(of: tokens.vector(place)))
  }
}
