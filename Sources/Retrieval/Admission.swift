import IndexFormat

/// Which documents of an index a query may find.
package struct Admission: Sendable {
  private let documents: DocumentTable
  /// Documents with the query's own id, where they are left out; ascending.
  private let own: DocumentFilter.Mask?
  private let allowed: DocumentFilter.Mask?
  private let refused: DocumentFilter.Mask?
  private let firstPassages: Bool
  /// Whether no document is left out.
  private let admitsAll: Bool

  /// - Parameters:
  ///   - id: The query's.
  ///   - request: What may answer it.
  ///   - documents: The index's.
  package init(_ id: [UInt8], _ request: SearchRequest, _ documents: DocumentTable) {
    self.documents = documents
    own =
      request.dropsSelf
      ? DocumentFilter.Mask(
        documents.ordinals(of: id, foldingPassages: request.foldsPassages).map { Int32($0) })
      : nil
    allowed = request.filter?.mask(id)
    refused = request.filterOut?.mask(id)
    firstPassages = request.firstPassages
    admitsAll =
      own == nil && allowed == nil && refused == nil && !firstPassages && !documents.hasDeleted
  }

  /// Whether every document may be found.
  package var isOpen: Bool { admitsAll }

  /// Whether a document may be found: it is not deleted, nor left out.
  package func admits(_ ordinal: Int) -> Bool {
    if admitsAll { return true }
    if !documents.isLive(ordinal) { return false }
    if let own, own.contains(ordinal) { return false }
    if let allowed, !allowed.contains(ordinal) { return false }
    if let refused, refused.contains(ordinal) { return false }
    return !firstPassages || documents.withID(ordinal) { PassageID($0).isFirst }
  }

  /// At least the number of documents that may be found.
  package var most: Int {
    var most = documents.liveCount
    if let allowed { most = min(most, allowed.count(below: documents.count)) }
    if let refused { most = min(most, documents.count - refused.count(below: documents.count)) }
    return most
  }

  /// The documents that may be found, where they are few: an approximate search need not be asked.
  ///
  /// - Parameter most: How many are few.
  /// - Returns: Their numbers, ascending; nil where there may be more.
  package func documents(atMost most: Int) -> [Int]? {
    if let allowed {
      return allowed.ordinals(below: documents.count, atMost: most)?.filter(admits)
    }
    return self.most <= most ? (0..<documents.count).filter(admits) : nil
  }
}
