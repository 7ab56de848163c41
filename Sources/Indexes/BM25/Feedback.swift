import Failures
import Retrieval

/// What makes another query of a query and the documents that answer it first.
///
/// The documents' terms are those of 2 to 20 units of UTF-16 that no more than a tenth of the
/// documents with a text have.
struct Feedback: Sendable {
  /// How the documents' terms are weighed.
  enum Method: Sendable {
    /// The relevance model of Lavrenko and Croft (SIGIR 2001), mixed with the query: RM3.
    case rm3(originalWeight: Float, filtersTerms: Bool)
    /// The query and the documents' mean, of unit length each: Rocchio, of 1971.
    case rocchio(alpha: Float, beta: Float, negative: Negative?)
  }

  /// What Rocchio does with the documents at the other end.
  struct Negative: Sendable {
    var documents: Int
    var terms: Int
    var gamma: Float
  }

  /// Documents at the top.
  var documents: Int
  /// Terms of theirs that count.
  var terms: Int
  var method: Method

  /// A document of the first search.
  struct Document {
    var score: Float
    var weights: TermWeights
  }

  /// Documents that the first search finds at most.
  ///
  /// The last of them are Rocchio's negative ones: of 50, which is Anserini's `-rerankCutoff`.
  var depth: Int {
    if case .rocchio(_, _, _?) = method { max(50, documents) } else { documents }
  }

  /// Places of the documents that matter among those that were found.
  func places(_ found: Int) -> (top: Range<Int>, bottom: Range<Int>) {
    var bottom = 0
    if case .rocchio(_, _, let negative?) = method { bottom = min(negative.documents, found) }
    return (0..<min(documents, found), found - bottom..<found)
  }

  /// Whether a document's term counts.
  ///
  /// - Parameters:
  ///   - term: The term.
  ///   - share: How many documents have it, of 1.
  /// - Returns: Whether feedback looks at it.
  func takes(_ term: [UInt8], share: Float) -> Bool {
    if share > 0.1 { return false }
    if case .rm3(_, true) = method {
      return (2...20).contains(term.count) && term.allSatisfy(Self.isPlain)
    }
    return (2...20).contains(String(decoding: term, as: UTF8.self).utf16.count)
  }

  /// Whether a byte is a lower case letter or a digit of ASCII.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
      || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  /// The query that the second search asks.
  ///
  /// - Parameters:
  ///   - query: The number of times that the query has each term.
  ///   - top: The documents at the top.
  ///   - bottom: Those at the other end, the last one first.
  /// - Returns: Terms and what their scores are multiplied by.
  func expanded(_ query: TermWeights, top: [Document], bottom: [Document]) -> TermWeights {
    switch method {
    case .rm3(let originalWeight, _):
      return mixed(query.divided(by: query.sum), relevance(top), originalWeight)
    case .rocchio(let alpha, let beta, let negative):
      let own = query.divided(by: query.length)
      let near = mean(top, terms)
      let far = negative.map { mean(bottom, $0.terms) } ?? TermWeights()
      var expanded = TermWeights()
      for term in Set(own.terms).union(near.terms).union(far.terms) {
        let gain = alpha * own.weight(term) + beta * near.weight(term)
        let weight = gain - (negative?.gamma ?? 0) * far.weight(term)
        if weight > 0 { expanded.add(weight, to: term) }
      }
      return expanded
    }
  }

  /// Weights that are too small for a document to have terms at all.
  private static let emptyNorm: Float = 0.001

  /// The relevance model of some documents.
  private func relevance(_ documents: [Document]) -> TermWeights {
    let vectors = documents.map { $0.weights.pruned(to: terms) }
    let norms = vectors.map { Float($0.sum) }
    var model = TermWeights()
    for term in Set(vectors.flatMap(\.terms)) {
      var weight: Float = 0
      for place in vectors.indices where norms[place] > Self.emptyNorm {
        weight += vectors[place].weight(term) / norms[place] * documents[place].score
      }
      model.add(weight, to: term)
    }
    let largest = model.pruned(to: terms)
    return largest.divided(by: largest.sum)
  }

  private func mixed(_ query: TermWeights, _ model: TermWeights, _ share: Float) -> TermWeights {
    var mixed = TermWeights()
    for term in Set(query.terms).union(model.terms) {
      let own = Double(share * query.weight(term))
      mixed.add(Float(own + (1 - Double(share)) * Double(model.weight(term))), to: term)
    }
    return mixed
  }

  /// The mean of some documents' vectors of unit length, of unit length.
  private func mean(_ documents: [Document], _ terms: Int) -> TermWeights {
    let vectors = documents.map(\.weights)
    let norms = vectors.map { Float($0.length) }
    var mean = TermWeights()
    for term in Set(vectors.flatMap(\.terms)) {
      var weight: Float = 0
      for place in vectors.indices where norms[place] > Self.emptyNorm {
        weight += vectors[place].weight(term) / norms[place]
      }
      mean.add(weight / Float(vectors.count), to: term)
    }
    let largest = mean.pruned(to: terms)
    return largest.divided(by: largest.length)
  }
}
