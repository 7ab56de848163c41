import Failures
import IndexFormat

/// The tokens of a segment, and where their postings are.
struct TokenPostings: Sendable {
  let documents: MappedColumn<Int32>
  let lengths: MappedColumn<Int32>
  private let tokens: MappedColumn<Int32>
  private let offsets: MappedColumn<Int64>
  private let segment: IndexSegment

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment) throws(Failure) {
    self.segment = segment
    documents = try segment.column(Coil.documents, as: Int32.self)
    lengths = try segment.column(Coil.lengths, as: Int32.self)
    tokens = try segment.column(Coil.tokens, as: Int32.self)
    offsets = try segment.column(Coil.offsets, as: Int64.self)
    guard offsets.count == tokens.count + 1, offsets[0] == 0,
      Int(offsets[tokens.count]) == documents.count
    else { throw damaged("tokens and postings do not fit each other") }
  }

  /// Number of tokens.
  var count: Int { tokens.count }

  /// The token of a place in the order of tokens.
  func token(_ place: Int) -> Int32 { tokens[place] }

  /// Where the postings of a token's place are.
  ///
  /// - Throws: 65 where they lie outside of the file.
  func range(_ place: Int) throws(Failure) -> Range<Int> {
    let (start, end) = (Int(offsets[place]), Int(offsets[place + 1]))
    guard start >= 0, start <= end, end <= documents.count else {
      throw damaged("the postings of token \(tokens[place]) lie outside of the file")
    }
    return start..<end
  }

  /// Where the postings of a token are: nowhere if no document has it.
  ///
  /// - Throws: 65 where they lie outside of the file.
  func range(of token: Int32) throws(Failure) -> Range<Int> {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle] < token { low = middle + 1 } else { high = middle }
    }
    return low < count && tokens[low] == token ? try range(low) : 0..<0
  }

  /// The postings of some documents among those of a token.
  ///
  /// - Throws: 65 where they are of other documents.
  func postings(_ list: Range<Int>, of documents: Range<Int>) throws(Failure) -> Range<Int> {
    let start = first(list, notBelow: documents.lowerBound)
    let found = start..<first(start..<list.upperBound, notBelow: documents.upperBound)
    for posting in found where !documents.contains(Int(self.documents[posting])) {
      throw damaged("a posting of document \(self.documents[posting])")
    }
    return found
  }

  private func first(_ list: Range<Int>, notBelow document: Int) -> Int {
    var (low, high) = (list.lowerBound, list.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if Int(documents[middle]) < document { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Reads all of it.
  ///
  /// - Throws: 65 where tokens do not ascend, documents descend within a token or are none, or a
  ///   document has other postings than its length says.
  func check() throws(Failure) {
    var counts = [Int32](repeating: 0, count: segment.documents)
    for place in 0..<count {
      guard place == 0 || tokens[place - 1] < tokens[place] else {
        throw damaged("token \(tokens[place]) does not ascend")
      }
      var last: Int32 = 0
      for posting in try range(place) {
        let document = documents[posting]
        guard document >= last, Int(document) < segment.documents else {
          throw damaged("a posting of document \(document)")
        }
        last = document
        counts[Int(document)] += 1
      }
    }
    for document in 0..<segment.documents where counts[document] != lengths[document] {
      throw damaged(
        "document \(document) has \(counts[document]) postings, expected \(lengths[document])")
    }
  }

  func damaged(_ what: String) -> Failure { .data(segment.folder, "damaged: \(what)") }
}
