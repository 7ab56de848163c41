/// Place of queries, keys and values in what a projection gave, side by side: (H + 2G)·E columns.
struct HeadLayout {
  /// H.
  let heads: Int
  /// G.
  let keyHeads: Int
  /// E.
  let headWidth: Int

  /// - Parameters:
  ///   - columns: (H + 2G)·E.
  ///   - heads: H.
  ///   - keyHeads: G, a divisor of H; nil for H.
  init(columns: Int, heads: Int, keyHeads: Int?) {
    let keyHeads = keyHeads ?? heads
    precondition(
      heads > 0 && keyHeads > 0 && heads % keyHeads == 0 && columns % (heads + 2 * keyHeads) == 0,
      "\(heads) heads, \(keyHeads) of keys, in \(columns) columns")
    self.heads = heads
    self.keyHeads = keyHeads
    headWidth = columns / (heads + 2 * keyHeads)
  }

  /// H·E.
  var width: Int { heads * headWidth }
  /// G·E.
  var keyWidth: Int { keyHeads * headWidth }
  /// Columns of the keys.
  var keys: Range<Int> { width..<width + keyWidth }
  /// Columns of the values.
  var values: Range<Int> { width + keyWidth..<width + 2 * keyWidth }
  /// Columns of head `index` of the queries and keys, one behind the other.
  func head(_ index: Int) -> Range<Int> { index * headWidth..<(index + 1) * headWidth }
}
