import Failures
import Records
import Vectors

/// Searches blocks of queries and writes what they find to a run, from where a killed run ended.
package struct RunSearch {
  private var answers: FusedAnswers
  private let output: RunOutput
  private let place: Place
  private var seen: Set<[UInt8]> = []
  /// The query behind which the work begins; nil once it was met, or where it begins at the start.
  private var skippingTo: [UInt8]?

  /// Where queries come from and where the run goes, for messages.
  package struct Place: Sendable {
    package var input: String
    package var target: String

    package init(input: String, target: String) {
      self.input = input
      self.target = target
    }
  }

  package init(_ answers: FusedAnswers, _ output: RunOutput, _ place: Place) {
    self.answers = answers
    self.output = output
    self.place = place
    skippingTo = output.resumeAfter?.bytes
  }

  /// Lets explanations have the texts of tokens and terms.
  package mutating func nameTerms(by name: @escaping @Sendable (Int32) -> String?) {
    answers.nameTerms(by: name)
  }

  /// Searches a block of queries, without those that the run has already.
  ///
  /// - Parameters:
  ///   - ids: The queries' ids.
  ///   - queries: The queries, in the form that each ranking takes.
  ///   - texts: Their texts, for a run of JSON lines; none where they are not known.
  /// - Returns: How many were searched.
  /// - Throws: 65 where a query occurs twice, and what searching and writing throw.
  package mutating func search(
    ids: [[UInt8]], _ queries: [Embeddings], texts: [[UInt8]] = []
  ) throws(Failure) -> Int {
    for id in ids where !seen.insert(id).inserted {
      throw .data(place.input, "query \(String(decoding: id, as: UTF8.self)) occurs twice")
    }
    var first = 0
    if let target = skippingTo {
      guard let place = ids.firstIndex(of: target) else { return 0 }
      skippingTo = nil
      first = place + 1
    }
    if first == ids.count { return 0 }
    let rest = Array(ids[first...])
    let found = try answers.documents(rest, queries.map { $0[first..<ids.count] })
    for (i, (id, documents)) in zip(rest, found).enumerated() {
      let text = texts.isEmpty ? nil : texts[first + i]
      try output.append(query: RecordID(id), text: text, documents)
    }
    try output.checkpoint()
    return rest.count
  }

  /// Checks that the place from which a resumed run goes on was met.
  ///
  /// - Parameter allQueries: Whether these were all queries, so that none of given pairs is missing.
  /// - Throws: 65 where it was not.
  package func finish(allQueries: Bool = true) throws(Failure) {
    if let target = skippingTo {
      throw .data(
        place.target,
        "the partial run ends with query \(String(decoding: target, as: UTF8.self)), unknown here")
    }
    if allQueries { try answers.check(queries: seen) }
  }
}
