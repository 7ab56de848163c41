import Analysis
import Records

/// The terms of documents as one worker meets them.
///
/// Not `Sendable`: a worker has its own. Terms have numbers of the worker's; words of ASCII are
/// remembered with theirs, so that most words are looked up once and neither cut nor stemmed.
final class DocumentTerms {
  private let analyzer: Analyzer
  private var scratch = Analyzer.Scratch()
  /// For words that are new while the other is in use.
  private var stemming = Analyzer.Scratch()
  /// Words, and the term of each; -1 for none.
  private var words = IDTable()
  private var wordTerms: [Int32] = []
  private(set) var terms = IDTable()
  /// How often the document at hand has each term, and which ones it has.
  private var counts: [Int32] = []
  private var met: [Int32] = []
  /// The number in the index of each term; -1 where it is not known yet.
  var numbers: [Int32] = []

  /// Words that are remembered at most.
  private static let mostWords = 1 << 20

  init(_ analyzer: Analyzer) { self.analyzer = analyzer }

  /// The terms of a document: numbers and counts, by turns.
  func pairs(_ text: UnsafeRawBufferPointer) -> [Int32] {
    if words.count > Self.mostWords {
      words = IDTable()
      wordTerms = []
    }
    analyzer.forEachWord(
      of: text, scratch: &scratch, plain: { count(word: $0) },
      other: { term in term.withUnsafeBytes { count(term: number($0)) } })
    var pairs: [Int32] = []
    pairs.reserveCapacity(2 * met.count)
    for term in met {
      pairs.append(term)
      pairs.append(counts[Int(term)])
      counts[Int(term)] = 0
    }
    met.removeAll(keepingCapacity: true)
    return pairs
  }

  private func count(word: UnsafeRawBufferPointer) {
    let (index, isNew) = words.insert(word)
    if isNew {
      let term = analyzer.term(ofPlain: word, scratch: &stemming)
      wordTerms.append(term.map { $0.withUnsafeBytes { number($0) } } ?? -1)
    }
    if wordTerms[index] >= 0 { count(term: wordTerms[index]) }
  }

  private func number(_ term: UnsafeRawBufferPointer) -> Int32 {
    let (index, isNew) = terms.insert(term)
    if isNew {
      counts.append(0)
      numbers.append(-1)
    }
    return Int32(index)
  }

  private func count(term: Int32) {
    if counts[Int(term)] == 0 { met.append(term) }
    counts[Int(term)] += 1
  }
}
