import Failures

/// Writes runs as TREC has them: `query Q0 doc rank score tag`.
///
/// Lines are grouped by query, ranks count from 1, documents come by score, descending, ties by id,
/// descending: trec_eval's order, so that rank and evaluation agree. A score is the shortest text
/// that reads back to the same single-precision number. `RunTies` has another form.
package struct RunWriter: Sendable {
  private let ending: [UInt8]
  private let ties: RunTies

  /// A writer of lines with this tag.
  ///
  /// - Throws: 64 where the tag is empty or holds white space.
  package init(tag: String, ties: RunTies = .trec) throws(Failure) {
    if tag.isEmpty || tag.utf8.contains(where: Bytes.isForbiddenInID) {
      throw .usage("expected a run's tag without white space, found '\(tag)'")
    }
    self.ties = ties
    ending = [Bytes.space] + Array(tag.utf8) + [Bytes.newline]
  }

  /// Appends the lines of one query, whose documents come in any order.
  package func append(
    query: RecordID, documents: [ScoredDocument], to bytes: inout [UInt8]
  ) {
    let ranking = ties.ranking(documents)
    // What a line has beside the ids: `Q0`, spaces, a rank of up to seven digits, a score and the tag.
    let rest = 32 + ending.count
    bytes.reserveCapacity(
      bytes.count
        + ranking.reduce(0) { $0 + query.bytes.count + $1.id.bytes.count + rest })
    query.bytes.withUnsafeBytes { query in
      for (i, document) in ranking.enumerated() {
        document.id.bytes.withUnsafeBytes { doc in
          appendLine(query: query, doc: doc, rank: i + 1, score: document.score, to: &bytes)
        }
      }
    }
  }

  /// Appends one line; the caller sees to order and ranks.
  package func appendLine(
    query: UnsafeRawBufferPointer, doc: UnsafeRawBufferPointer, rank: Int, score: Float,
    to bytes: inout [UInt8]
  ) {
    precondition(score.isFinite, "a score of \(score)")
    bytes.append(contentsOf: query)
    bytes.append(contentsOf: [Bytes.space, UInt8(ascii: "Q"), UInt8(ascii: "0"), Bytes.space])
    bytes.append(contentsOf: doc)
    bytes.append(Bytes.space)
    bytes.append(contentsOf: String(rank).utf8)
    bytes.append(Bytes.space)
    bytes.append(contentsOf: ties.text(score).utf8)
    bytes.append(contentsOf: ending)
  }

  /// The shortest decimal text that reads back to `score`.
  package static func text(_ score: Float) -> String { score.description }
}
