import IndexFormat
import Retrieval

/// Which documents of several segments a query may find.
struct AdmittedDocuments {
  private let admissions: [Admission]
  private let masks: [DocumentFilter.Mask?]
  private let tables: [DocumentTable]

  /// - Parameters:
  ///   - id: The query's.
  ///   - request: What may answer it.
  ///   - tables: The documents of each segment.
  ///   - firsts: The number of each segment's first document.
  init(_ id: [UInt8], _ request: SearchRequest, _ tables: [DocumentTable], _ firsts: [Int]) {
    self.tables = tables
    var admissions: [Admission] = []
    var masks: [DocumentFilter.Mask?] = []
    for (table, first) in zip(tables, firsts) {
      var own = request
      own.filter = request.filter?.counted(from: first)
      own.filterOut = request.filterOut?.counted(from: first)
      admissions.append(Admission(id, own, table))
      masks.append(own.filter?.mask(id))
    }
    self.admissions = admissions
    self.masks = masks
  }

  /// Whether a list says which documents may be found.
  var isFiltered: Bool { masks.contains { $0 != nil } }

  func admits(_ segment: Int, _ ordinal: Int) -> Bool { admissions[segment].admits(ordinal) }

  /// The documents of each segment that may be found, ascending.
  func all() -> [[Int32]] { all(atMost: .max) ?? [] }

  /// The documents of each segment that may be found, ascending; nil where those that a list names, or
  /// that are not deleted, are more than a limit.
  func all(atMost limit: Int) -> [[Int32]]? {
    var left = limit
    var found: [[Int32]] = []
    for (segment, table) in tables.enumerated() {
      var own: [Int32] = []
      if let mask = masks[segment] {
        guard let named = mask.ordinals(below: table.count, atMost: left) else { return nil }
        left -= named.count
        for ordinal in named where admits(segment, ordinal) { own.append(Int32(ordinal)) }
      } else {
        if table.liveCount > left { return nil }
        left -= table.liveCount
        for ordinal in 0..<table.count where admits(segment, ordinal) { own.append(Int32(ordinal)) }
      }
      found.append(own)
    }
    return found
  }
}
