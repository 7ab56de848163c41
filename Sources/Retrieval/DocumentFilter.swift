import Failures
import IndexFormat

/// Some documents that may be found, or may not: one set for all queries, or one for each.
package struct DocumentFilter: Sendable {
  /// Some documents: a bit for each of the index, or the ordinals of those that are in.
  package struct Mask: Sendable {
    private enum Form: Sendable {
      case bits([UInt64])
      /// Ascending.
      case ordinals([Int32])
    }

    private let form: Form
    /// The filter's number of the document that is called 0.
    private var first = 0

    fileprivate init(_ bits: Bits) { form = .bits(bits.words) }
    /// Some documents by their ordinals, which ascend.
    package init(_ ordinals: [Int32]) { form = .ordinals(ordinals) }

    fileprivate func counted(from first: Int) -> Mask {
      var mask = self
      mask.first = first
      return mask
    }

    package func contains(_ ordinal: Int) -> Bool {
      let ordinal = ordinal + first
      switch form {
      case .bits(let words): return words[ordinal >> 6] >> UInt64(ordinal & 63) & 1 == 1
      case .ordinals(let ordinals):
        var low = 0
        var high = ordinals.count
        while low < high {
          let middle = (low + high) / 2
          if ordinals[middle] < ordinal { low = middle + 1 } else { high = middle }
        }
        return low < ordinals.count && ordinals[low] == ordinal
      }
    }

    /// The documents below a number, where they are at most so many; nil where there are more.
    package func ordinals(below count: Int, atMost most: Int) -> [Int]? {
      switch form {
      case .ordinals(let ordinals):
        if ordinals.count > most, first == 0 { return nil }
        let own = ordinals.lazy.map { Int($0) - first }.filter { $0 >= 0 && $0 < count }
        let some = Array(own.prefix(most + 1))
        return some.count > most ? nil : some
      case .bits(let words):
        var found: [Int] = []
        for place in first >> 6..<min(words.count, (first + count + 63) >> 6) {
          var word = words[place]
          while word != 0 {
            let ordinal = place << 6 + word.trailingZeroBitCount - first
            word &= word - 1
            guard ordinal >= 0, ordinal < count else { continue }
            if found.count == most { return nil }
            found.append(ordinal)
          }
        }
        return found
      }
    }

    /// How many documents there are below a number.
    package func count(below count: Int) -> Int {
      switch form {
      case .ordinals(let ordinals):
        if first == 0 { return ordinals.count }
        return ordinals.count { $0 >= first && Int($0) < first + count }
      case .bits(let words):
        let (start, end) = (first, min(first + count, 64 * words.count))
        var number = 0
        for place in start >> 6..<(end + 63) >> 6 {
          var word = words[place]
          if place == start >> 6 { word &= ~0 << UInt64(start & 63) }
          if place == end >> 6 { word &= 1 << UInt64(end & 63) - 1 }
          number += word.nonzeroBitCount
        }
        return number
      }
    }

    /// Bytes that the mask takes.
    package var size: Int {
      switch form {
      case .bits(let words): 8 * words.count
      case .ordinals(let ordinals): 4 * ordinals.count
      }
    }
  }

  fileprivate struct Bits {
    private(set) var words: [UInt64]

    init(_ documents: Int) { words = Array(repeating: 0, count: (documents + 63) / 64) }

    mutating func insert(_ ordinal: Int) { words[ordinal >> 6] |= 1 << UInt64(ordinal & 63) }
  }

  private enum Form: Sendable {
    case shared(Mask)
    /// Ordinals by query: there may be many queries, with few documents each.
    case each([[UInt8]: [Int32]])
  }

  private let form: Form
  /// The filter's number of the document that a search calls 0.
  private var first = 0
  /// Ids that are not in the index.
  package let unknown: Int

  /// Reads a filter: a document id a line, or `query<TAB>doc` lines.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - documents: The index's.
  ///   - folds: Whether the id of a document stands for its passages, too.
  /// - Throws: 65 for lines of another form, or of both.
  package init(
    _ path: String, _ documents: some DocumentIDs, foldingPassages folds: Bool = false
  ) throws(Failure) {
    var shared: Bits?
    var each: [[UInt8]: [Int32]] = [:]
    var unknown = 0
    try FilterLines.read(path) { query, doc throws(Failure) in
      let ordinals = documents.ordinals(of: doc, foldingPassages: folds)
      if ordinals.isEmpty { unknown += 1 }
      if let query {
        each[query, default: []] += ordinals.map { Int32($0) }
      } else {
        if shared == nil { shared = Bits(documents.count) }
        for ordinal in ordinals { shared?.insert(ordinal) }
      }
    }
    self.unknown = unknown
    if let shared {
      guard each.isEmpty else {
        throw .data(path, "expected ids, or queries and ids; found both")
      }
      form = .shared(Mask(shared))
    } else {
      for query in Array(each.keys) { each[query] = each[query].map { Set($0).sorted() } }
      form = .each(each)
    }
  }

  /// The documents that the filter names for a query: none where it does not name the query.
  package func mask(_ query: [UInt8]) -> Mask {
    switch form {
    case .shared(let mask): mask.counted(from: first)
    case .each(let masks): Mask(masks[query] ?? []).counted(from: first)
    }
  }

  /// The filter for a segment, whose first document has the number `first` in the index.
  package func counted(from first: Int) -> DocumentFilter {
    var filter = self
    filter.first += first
    return filter
  }
}
