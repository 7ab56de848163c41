import Failures
import IndexFormat

/// Which document stands at each position of the windows.
struct DocumentOrder: Sendable {
  private enum Positions: Sendable {
    /// That of its number.
    case same
    case made([Int32])
    case stored(MappedColumn<Int32>)
  }

  private let positions: Positions
  private let count: Int

  /// Documents at the positions of their numbers.
  init(same count: Int) {
    self.count = count
    positions = .same
  }

  /// Documents in an order that holds each of them once.
  init(_ order: [Int32]) {
    count = order.count
    positions = .made(order)
  }

  /// The order of a segment.
  ///
  /// - Throws: 65 where the file does not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    count = segment.documents
    positions =
      segment.has(Sparse.order)
      ? .stored(try segment.column(Sparse.order, as: Int32.self)) : .same
  }

  /// The document at a position; some document where a damaged file says nonsense.
  subscript(position: Int) -> Int {
    switch positions {
    case .same: position
    case .made(let order): Int(order[position])
    case .stored(let order): max(0, min(Int(order[position]), count - 1))
    }
  }

  /// Whether every document has a position.
  var isWhole: Bool {
    guard case .stored(let order) = positions else { return true }
    var isThere = [Bool](repeating: false, count: count)
    for position in 0..<count {
      let document = Int(order[position])
      guard document >= 0, document < count, !isThere[document] else { return false }
      isThere[document] = true
    }
    return true
  }
}
