/// How the similarities of several vectors become one number (Lightning IR
/// `bi_encoder/bi_encoder_model.py`, `aggregate_similarity`).
package enum Aggregation: String, Sendable, CaseIterable {
  case sum, mean, max

  /// What some similarities become, in their order in single precision; of none -∞ for a maximum, else 0.
  package func value(of values: [Float]) -> Float {
    switch self {
    case .max: values.reduce(-.infinity) { Swift.max($0, $1) }
    case .sum: values.reduce(0, +)
    case .mean: values.isEmpty ? 0 : values.reduce(0, +) / Float(values.count)
    }
  }
}

/// How the similarities of all pairs of a query's and a document's vectors become a score: over the
/// document's vectors first, then over the query's.
package struct Aggregations: Sendable, Equatable {
  package var query: Aggregation
  package var doc: Aggregation

  package init(query: Aggregation, doc: Aggregation) {
    self.query = query
    self.doc = doc
  }

  /// ColBERT's MaxSim, which streams and indexes need not name.
  package static let usual = Aggregations(query: .sum, doc: .max)

  /// Reads what `recorded` gives; nil for a text that it never gives.
  package init?(recorded text: String?) {
    guard let text else { self = .usual; return }
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    guard words.count == 2, let query = Aggregation(rawValue: String(words[0])),
      let doc = Aggregation(rawValue: String(words[1]))
    else { return nil }
    self.init(query: query, doc: doc)
  }

  /// The text that stands in streams and manifests, such as `mean,max`: the query's, then the
  /// document's; nil for the usual ones.
  package var recorded: String? { self == .usual ? nil : text }

  /// The query's aggregation, a comma, the document's.
  package var text: String { "\(query.rawValue),\(doc.rawValue)" }
}
