import Retrieval
import Vectors

/// What a worker has found for a block of queries in a scan with a proof: documents by ranges of
/// their scores, and others by the scores themselves.
struct CertifiedScan: MergeableCollector {
  private(set) var contenders: [Contenders]
  /// Documents that were compared with all queries.
  var compared: BlockCandidates
  /// Their number.
  private(set) var documents = 0
  /// What a score must reach at most, as the kernels take it.
  private(set) var thresholds: [Float]
  /// Steps for which codes are of no use, and how many more that will be if the next says the same.
  private var (pause, longer) = (0, 1)

  /// One product of so many that codes do not exclude costs more than to compare all documents.
  private static let share = 8
  /// One of so many where queries are few, and read documents rather than multiply them.
  private static let shareOfFew = 3
  private static let longestPause = 32

  init(_ empty: [Contenders], _ compared: BlockCandidates) {
    contenders = empty
    self.compared = compared
    thresholds = empty.map(\.threshold)
  }

  /// Whether the next documents are compared without a look at their codes.
  mutating func skipsCodes() -> Bool {
    if pause == 0 { return false }
    pause -= 1
    return true
  }

  /// Whether codes excluded enough of some documents.
  ///
  /// - Parameters:
  ///   - found: Products that they did not exclude.
  ///   - documents: Number of documents.
  ///   - few: Queries up to which documents are read rather than multiplied.
  /// - Returns: Whether the found ones are worth offering; else all documents are to be compared.
  mutating func isWorthIt(found: Int, _ documents: Int, _ few: Int) -> Bool {
    let share = contenders.count > few ? Self.share : Self.shareOfFew
    if found * share <= documents * contenders.count {
      longer = 1
      return true
    }
    pause = longer
    longer = min(2 * longer, Self.longestPause)
    return false
  }

  /// Takes note of the range in which a document's score for a query lies.
  mutating func offer(_ query: Int, _ ordinal: Int, most: Float, least: Float) {
    contenders[query].offer(ordinal, least: least, most: most)
    thresholds[query] = contenders[query].threshold
  }

  /// Has documents that were compared exclude others.
  mutating func learn(_ proof: ScoreProof, documents: Int) {
    self.documents += documents
    for query in thresholds.indices {
      contenders[query].raise(to: proof.threshold(query, reaching: compared.thresholds[query]))
      thresholds[query] = contenders[query].threshold
    }
  }

  mutating func merge(_ other: CertifiedScan) {
    for query in contenders.indices { contenders[query].merge(other.contenders[query]) }
    compared.merge(other.compared)
    documents += other.documents
  }
}
