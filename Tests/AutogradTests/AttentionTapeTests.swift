import Autograd
import Kernels
import Testing
import Workers

/// Attention that knows distances, other sequences, or one query a sequence.
@Suite struct AttentionTapeTests {
  private let batch = PackedBatch(lengths: [5, 1, 3])

  @Test func learnedDistances() {
    var check = FiniteDifferences()
    check.input(9, 3 * 6)
    let table = check.parameter("table", [8, 2])
    let options = AttentionOptions(
      scale: 1, relative: RelativePositions(table: table, maximumDistance: 5))
    check.check { [batch] in $0.attention($1[0], heads: 2, batch, options) }
  }

  @Test func learnedDistancesAndHiddenTokens() {
    var check = FiniteDifferences()
    check.input(7, 3 * 4)
    var batch = PackedBatch()
    batch.append(ids: [1, 2, 3, 4], typeIDs: [0, 0, 0, 0], attended: [1, 0, 1, 0])
    batch.append(ids: [1, 2, 3], typeIDs: [0, 0, 0])
    let options = AttentionOptions(
      relative: RelativePositions(table: check.parameter("table", [4, 2]), maximumDistance: 3))
    check.check { [batch] in $0.attention($1[0], heads: 2, batch, options) }
  }

  @Test func decoder() {
    var check = FiniteDifferences()
    check.input(9, 3 * 4)
    check.check { [batch] in
      $0.attention($1[0], heads: 2, batch, AttentionOptions(isCausal: true))
    }
  }

  /// Keys and values that heads share, within a reach, of a decoder or not.
  @Test(arguments: [false, true]) func sharedKeys(isCausal: Bool) {
    var check = FiniteDifferences()
    check.input(9, (4 + 2 * 2) * 3)
    for reach in [nil, 1] {
      let options = AttentionOptions(reach: reach, isCausal: isCausal, keyHeads: 2)
      check.check { [batch] in $0.attention($1[0], heads: 4, batch, options) }
    }
  }

  /// Heads of queries and keys, with factors that are the weights or 1 more.
  @Test(arguments: [false, true]) func normsOfHeads(addsOne: Bool) {
    var check = FiniteDifferences()
    check.input(9, (4 + 2 * 2) * 5)
    let norms = HeadNorms(
      queries: RMSNorm(
        weight: check.parameter("queries", [5]), epsilon: 1e-5, addsOne: addsOne),
      keys: RMSNorm(weight: check.parameter("keys", [5]), epsilon: 1e-5, addsOne: addsOne),
      heads: 4, keyHeads: 2)
    check.check { $0.normalizeHeads($1[0], norms) }
  }

  /// Scores with the keys of distances, their queries, both or neither, and with dropout.
  @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
  func contentsAndDistances(hasKeys: Bool, hasQueries: Bool) {
    var check = FiniteDifferences()
    check.beforeEach { [batch] in $0.startDropout(seed: 3, step: 5, records: [4, 0, 9], batch) }
    check.input(9, 3 * 6)
    check.input(6, 6)
    check.input(6, 6)
    for dropout: Float in [0, 0.3] {
      let options = DisentangledOptions(
        heads: 2, scale: 0.7, buckets: DistanceBuckets(span: 3, exact: 0, greatest: 3),
        dropout: dropout)
      check.check { [batch] in
        $0.disentangledAttention(
          $1[0], keys: hasKeys ? $1[1] : nil, queries: hasQueries ? $1[2] : nil, batch, options)
      }
    }
  }

  @Test(arguments: [1, 3, 5]) func neighbours(taps: Int) {
    var check = FiniteDifferences()
    check.input(9, 3)
    check.check { [batch] in $0.neighbours($1[0], taps: taps, batch) }
  }

  @Test(arguments: [false, true]) func shortConvolution(hasBias: Bool) {
    var check = FiniteDifferences()
    check.input(9, 3 * 4)
    let filter = ShortFilter(
      weight: check.parameter("weight", [4, 1, 3]),
      bias: hasBias ? check.parameter("bias", [4]) : nil)
    check.check { [batch] in $0.shortConvolution($1[0], filter, batch) }
  }

  @Test func learnedDistancesOfADecoder() {
    var check = FiniteDifferences()
    check.input(9, 3 * 6)
    let table = check.parameter("table", [8, 2])
    let options = AttentionOptions(
      relative: RelativePositions(table: table, maximumDistance: 5), isCausal: true)
    check.check { [batch] in $0.attention($1[0], heads: 2, batch, options) }
  }

  /// What comes later in a text changes nothing of a decoder's states, but for the order of sums.
  @Test(arguments: Precision.allCases) func decodersSeeNothingBehind(precision: Precision) {
    let (width, lengths) = (8, [40, 23, 1])
    var random = CounterRandom(seed: 3)
    let rows = lengths.reduce(0, +)
    let values = (0..<rows * 3 * width).map { _ in random.nextNormal() }
    func states(_ kept: [Int]) -> [[Float]] {
      let engine = Inference(Kernels())
      let x = engine.constant(0, rows: kept.reduce(0, +), columns: 3 * width)
      var (from, to) = (0, 0)
      for (length, count) in zip(lengths, kept) {
        for i in 0..<count * 3 * width {
          x.elements[to * 3 * width + i] = values[from * 3 * width + i]
        }
        (from, to) = (from + length, to + count)
      }
      var options = AttentionOptions(isCausal: true)
      options.precision = precision
      let y = engine.attention(x, heads: 2, PackedBatch(lengths: kept), options)
      return (0..<y.rows).map { Array(y.row($0)) }
    }
    let (all, cut) = (states(lengths), states([17, 9, 1]))
    for (row, found) in zip(Array(all[..<17]) + all[40..<49] + [all[63]], cut) {
      #expect(zip(row, found).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test func sets() {
    var check = FiniteDifferences()
    // 11 tokens and two drawn states of the second set.
    var batch = PackedBatch(lengths: [3, 2, 2, 4])
    batch.makeSets([(2, 0, 1), (2, 2, 5)], sharedToken: 1)
    check.input(13, 3 * 4)
    check.beforeEach { [batch] in
      $0.startDropout(seed: 3, step: 5, records: [4, 0, 9, 2], batch)
    }
    check.check { [batch] in
      $0.attention($1[0], heads: 2, batch, AttentionOptions().dropping(0.3))
    }
  }

  /// Drawn numbers are constants: the derivative is that of the states that stay as they are.
  @Test func drawnStatesAreConstants() {
    var check = FiniteDifferences()
    var batch = PackedBatch(lengths: [3, 2])
    batch.makeSets([(2, 2, 5)], sharedToken: 0)
    check.input(5, 3)
    let gradients = check.gradients { [batch] in $0.draw($1[0], batch, layer: 1) }
    #expect(gradients[0] == Array(check.factors(7 * 3)[..<15]))
  }

  @Test func crossAttention() {
    var check = FiniteDifferences()
    check.input(3, 6)
    check.input(9, 4)
    let projections = CrossProjections(
      key: check.parameter("key", [6, 4]), value: check.parameter("value", [6, 4]), heads: 2,
      scale: 0.8)
    check.check { [batch] in $0.crossAttention($1[0], over: $1[1], projections, batch) }
    check.beforeEach { [batch] in $0.startDropout(seed: 3, step: 5, records: [4, 0, 9], batch) }
    check.check { [batch] in
      $0.crossAttention($1[0], over: $1[1], projections, batch, dropout: 0.3)
    }
  }

  @Test func rootMeanSquareNorm() {
    var check = FiniteDifferences()
    check.input(5, 18)
    let norm = RMSNorm(weight: check.parameter("weight", [18]), epsilon: 1e-6)
    check.check { $0.rmsNorm($1[0], norm) }
  }

  @Test func rowsOfAParameter() {
    var check = FiniteDifferences()
    check.input(3, 4)
    let table = check.parameter("table", [5, 4])
    let layer = Linear(weights: [table.row(4), table.row(1)])
    check.check { $0.linear($1[0], layer) }
  }
}
