import IndexFormat

/// The k best documents of one query so far.
///
/// The order is total: by score, then by the place of the id in bytewise order, larger ids first,
/// as trec_eval breaks ties. So the result does not depend on the order in which documents come,
/// nor on how they are split between workers.
package struct TopDocuments: Sendable {
  package struct Entry: Sendable, Comparable {
    package var score: Float
    /// Place of the document's id in bytewise order among those of its segment, or in the reverse of it,
    /// where smaller ids are in front.
    package var rank: Int32
    package var ordinal: Int32

    package init(score: Float, rank: Int32, ordinal: Int32) {
      self.score = score
      self.rank = rank
      self.ordinal = ordinal
    }

    /// Whether one stands behind another in the ranking.
    package static func < (a: Entry, b: Entry) -> Bool {
      a.score != b.score ? a.score < b.score : a.rank < b.rank
    }
  }

  private var best: LargestElements<Entry>

  package init(_ capacity: Int) { best = LargestElements(capacity) }

  package var capacity: Int { best.capacity }

  /// The score below which nothing can enter.
  package var threshold: Float { best.least?.score ?? -.infinity }

  package mutating func insert(_ entry: Entry) { best.insert(entry) }

  package mutating func insert(_ other: TopDocuments) { best.insert(other.best) }

  /// Best first.
  package var sorted: [Entry] { best.elements.sorted(by: >) }
}
