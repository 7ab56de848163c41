import Failures
import IndexFormat
import Records

/// The terms of all segments of an index of words in bytewise order, with the documents that are not
/// deleted, numbered without gaps.
struct LivePostings {
  private let parts: [TermPostings]
  /// The number of each document of a segment; -1 of a deleted one.
  private let numbers: [[Int32]]

  init(_ segments: [IndexSegment]) throws(Failure) {
    parts = try segments.map { segment throws(Failure) in try TermPostings(segment) }
    var (numbers, first): ([[Int32]], Int) = ([], 0)
    for segment in segments {
      numbers.append(segment.renumbered(from: first))
      first += segment.liveDocuments
    }
    self.numbers = numbers
  }

  /// How many terms each document has, with repetitions.
  func forEachLength(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
    for (part, numbers) in zip(parts, numbers) {
      for document in numbers.indices where numbers[document] >= 0 {
        try body(Int(part.lengths[document]))
      }
    }
  }

  /// Calls `body` with each term that a document has, and its postings.
  func forEachList(_ body: (CIFF.List) throws(Failure) -> Void) throws(Failure) {
    var places = [Int](repeating: 0, count: parts.count)
    var list = CIFF.List()
    while let term = try next(places) {
      list.term = term
      list.documents.removeAll(keepingCapacity: true)
      list.frequencies.removeAll(keepingCapacity: true)
      for (part, postings) in parts.enumerated() where places[part] < postings.count {
        let own = try postings.withTerm(places[part]) { Array($0) }
        guard own == term else { continue }
        let (documents, frequencies) = try postings.all(places[part])
        places[part] += 1
        for (document, frequency) in zip(documents, frequencies) {
          let number = numbers[part][Int(document)]
          if number < 0 { continue }
          list.documents.append(number)
          list.frequencies.append(frequency)
        }
      }
      if !list.documents.isEmpty { try body(list) }
    }
  }

  /// The first of the terms at some places; nil where all are at their ends.
  private func next(_ places: [Int]) throws(Failure) -> [UInt8]? {
    var first: [UInt8]?
    for (part, postings) in parts.enumerated() where places[part] < postings.count {
      let term = try postings.withTerm(places[part]) { Array($0) }
      if first.map({ term.lexicographicallyPrecedes($0) }) ?? true { first = term }
    }
    return first
  }
}
