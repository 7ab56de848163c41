/// Ranges of the numbers in `config.json`, Lightning IR's settings and adapters.
///
/// They leave room around every published model, and are so narrow that no product of sizes overflows:
/// heads · width of a head · width of the states, in bytes, is the largest, 2⁶². What is allocated
/// is bounded by the weights' own shapes, which these numbers are compared with.
package enum FieldRanges {
  /// Layers of a backbone.
  static let layers = 1...10_000
  /// Heads, and sizes of states and of feed-forward networks.
  static let width = 1...1 << 20
  /// Rows of a table, ids of tokens behind them, and distances.
  package static let count = 1...Int(Int32.max)
  /// Rows of a table of words behind which markers have ids of their own.
  static let extendedCount = 1...Int(Int32.max) - 2
  /// Networks of a layer, and layers from one with several networks to the next.
  static let experts = 0...10_000
  /// Labels of a classifier.
  static let labels = 1...1_000_000
  /// Vectors that training retrieves.
  static let retrieved = 1...Int(Int32.max)
  /// Tokens that local attention looks at.
  static let window = 2...Int(Int32.max)
  /// Ids of tokens.
  static let token = 0...Int(Int32.max)
  /// Positions that turn, which single precision counts exactly; their tables are as long as the texts.
  static let turns = 1...1 << 24
  /// Tokens of a text, special ones included.
  package static let length = 1...Int(Int32.max)
  /// Tokens that texts are filled up to.
  package static let filledLength = 1...32_768
  /// Outputs of a projection, which training makes where a checkpoint has none.
  package static let outputs = 1...65_536
  /// Documents of a set.
  static let depth = 1...10_000
  /// Vectors of a document.
  static let viewers = 1...1024
  /// What is added to a variance before its root is taken.
  static let epsilon = 0.0...1.0
  /// Share of elements that training drops.
  static let rate = 0.0...0.999
  /// Base of the angles of rotary positions.
  static let angleBase = 1.0...1e12
  /// Share of a head that turns.
  static let share = 0.0...1.0
  /// Tokens that a convolution sees.
  static let taps = 1...64
  /// Factors of rotary positions.
  static let rotary = 0.0...1e9
  /// Number whose root divides the scores of attention.
  static let scoreDivisor = 1e-6...1e12
  /// Standard deviation of weights that training begins with.
  static let deviation = 0.0...1000.0
  /// Deviations from 0 within which they are drawn; far fewer, and hardly any draw would count.
  static let cutoff = 0.1...1000.0
  /// Tokens that pooling makes one of.
  static let poolFactor = 1.0...1e9
  /// Rank of an adapter.
  static let rank = 1...65_536
  /// Factor of an adapter.
  static let alpha = -1e9...1e9
}
