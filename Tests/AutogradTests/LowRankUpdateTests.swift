import Autograd
import Kernels
import Testing
import Workers

/// x · Wᵀ + b + s · dropout(x) · Aᵀ · Bᵀ and its derivatives, against loops over the definition and
/// against finite differences.
@Suite struct LowRankUpdateTests {
  private let batch = PackedBatch(lengths: [5, 1, 3])

  private static func start(_ batch: PackedBatch) -> (Tape) -> Void {
    { tape in
      tape.startDropout(
        seed: 3, step: 5, records: (0..<batch.sequences).map { 7 * $0 % 10 + 1 }, batch)
    }
  }

  // MARK: The definition

  private static let (rows, columns, rank) = (5, 7, 3)

  /// Numbers of a case, in double precision: what goes in, and what is derived.
  private struct Definition {
    var x: [[Double]], w: [[Double]], a: [[Double]], b: [[Double]]
    /// Factors of the elements of x before A: 0 for those that dropout drops.
    var mask: [[Double]]
    var scale: Double

    private static func product(_ x: [[Double]], _ y: [[Double]]) -> [[Double]] {
      x.map { row in
        y[0].indices.map { j in row.indices.reduce(0) { $0 + row[$1] * y[$1][j] } }
      }
    }

    private static func transposed(_ x: [[Double]]) -> [[Double]] {
      x[0].indices.map { j in x.map { $0[j] } }
    }

    private static func map(
      _ x: [[Double]], _ y: [[Double]], _ f: (Double, Double) -> Double
    ) -> [[Double]] { zip(x, y).map { zip($0, $1).map(f) } }

    private var kept: [[Double]] { Self.map(x, mask, *) }
    private var inner: [[Double]] { Self.product(kept, Self.transposed(a)) }

    var y: [[Double]] {
      let update = Self.product(inner, Self.transposed(b))
      return Self.map(Self.product(x, Self.transposed(w)), update) { $0 + scale * $1 }
    }

    /// Derivatives by x, A and B, from that by y.
    func slopes(_ dy: [[Double]]) -> (x: [[Double]], a: [[Double]], b: [[Double]]) {
      let byInner = Self.product(dy, b).map { $0.map { scale * $0 } }
      return (
        Self.map(
          Self.product(dy, w), Self.map(Self.product(byInner, a), mask, *), +),
        Self.product(Self.transposed(byInner), kept),
        Self.product(Self.transposed(dy), inner).map { $0.map { scale * $0 } }
      )
    }
  }

  private static func table(_ values: some Collection<Float>, _ columns: Int) -> [[Double]] {
    let all = values.map { Double($0) }
    return stride(from: 0, to: all.count, by: columns).map { Array(all[$0..<$0 + columns]) }
  }

  private static func expectNear(_ found: some Collection<Float>, _ expected: [[Double]]) {
    let expected = expected.flatMap { $0 }
    #expect(found.count == expected.count)
    // Sums of at most some dozens of products of numbers below 3, in single precision.
    for (x, y) in zip(found, expected) { #expect(abs(Double(x) - y) <= 2e-5, "\(x), not \(y)") }
  }

  /// The masks are those of the records: elements of a sequence in their order, its record's number
  /// times 2⁴⁰ being the first one's, in a stream for every operation of the step.
  @Test(arguments: [Float(0), 0.4]) func isTheDefinition(_ rate: Float) throws {
    let (n, k, r) = (Self.rows, Self.columns, Self.rank)
    var check = FiniteDifferences()
    check.input(batch.tokens, k)
    let layer = check.linear(k, [n], bias: false)
    check.update(layer.weights[0], rank: r, dropout: rate)
    let update = try #require(layer.weights[0].lowRank)
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    Self.start(batch)(tape)
    let x = tape.variable(tape.matrix(check.values(0), rows: batch.tokens, columns: k))
    let y = tape.linear(x, layer)
    var masks = [Float](repeating: 1, count: batch.tokens * k)
    for sequence in 0..<batch.sequences where rate > 0 {
      let mask = Dropout(
        rate: rate, seed: 3, stream: 5 << 24, index: UInt64(7 * sequence % 10 + 1) << 40)
      let range = batch.range(sequence)
      let ones = [Float](repeating: 1, count: range.count * k)
      ones.withUnsafeBufferPointer { ones in
        masks.withUnsafeMutableBufferPointer {
          Kernels().applyDropout(
            mask, to: ones,
            into: UnsafeMutableBufferPointer(
              rebasing: $0[range.lowerBound * k..<range.upperBound * k]))
        }
      }
    }
    func values(_ parameter: Parameter) -> UnsafeBufferPointer<Float> {
      UnsafeBufferPointer(start: parameter.values, count: parameter.count)
    }
    let definition = Definition(
      x: Self.table(check.values(0), k), w: Self.table(values(layer.weights[0]), k),
      a: Self.table(values(update.down.weights[0]), k),
      b: Self.table(values(update.up.weights[0]), r), mask: Self.table(masks, k), scale: 1.5)
    Self.expectNear(y.value.elements, definition.y)
    let factors = check.factors(batch.tokens * n)
    tape.backward(from: [(y, tape.matrix(factors, rows: batch.tokens, columns: n))])
    let slopes = definition.slopes(Self.table(factors, n))
    Self.expectNear(try #require(tape.gradient(of: x)).elements, slopes.x)
    for (parameter, expected) in zip(update.parameters, [slopes.a, slopes.b]) {
      let training = try #require(parameter.training)
      #expect(training.hasGradient && training.uses == 0)
      Self.expectNear(
        UnsafeBufferPointer(start: training.gradient.pointer, count: parameter.count), expected)
    }
    #expect(layer.weights[0].training?.hasGradient == false)
    // Without dropout the layer is one with the sum of the matrices.
    if rate > 0 { return }
    let merged = try #require(layer.weights[0].merged())
    let plain = tape.linear(tape.constant(x.value), Linear(weights: [merged]))
    Self.expectNear(plain.value.elements, definition.y)
  }

  // MARK: Finite differences

  @Test(arguments: [Activation.none, .tanh]) func sideBySide(_ activation: Activation) {
    var check = FiniteDifferences()
    check.beforeEach(Self.start(batch))
    check.input(9, 4)
    let layer = check.linear(4, [3, 20, 2])
    check.update(layer.weights[0], rank: 2, dropout: 0.4)
    check.update(layer.weights[1], rank: 5, dropout: 0.3)
    check.check { tape, x in tape.layer(x[0]) { tape.linear($0, layer, activation) } }
  }

  @Test func everyUpdateDropsElementsOfItsOwn() {
    var check = FiniteDifferences()
    check.input(9, 40)
    let layer = check.linear(40, [6, 6])
    for weight in layer.weights { check.update(weight, rank: 2, dropout: 0.5) }
    for (one, other) in zip(
      layer.weights[0].lowRank?.parameters ?? [], layer.weights[1].lowRank?.parameters ?? [])
    {
      one.training?.values.pointer.update(from: other.values, count: other.count)
    }
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    func halves() -> (left: [Float], right: [Float]) {
      let x = tape.constant(tape.matrix(check.values(0), rows: 9, columns: 40))
      let plain = Linear(weights: layer.weights.map { $0.copy() }, biases: layer.biases)
      let update = zip(tape.linear(x, layer).value.elements, tape.linear(x, plain).value.elements)
        .map { $0 - $1 }
      let columns = update.indices
      return (
        columns.filter { $0 % 12 < 6 }.map { update[$0] },
        columns.filter { $0 % 12 >= 6 }.map { update[$0] }
      )
    }
    let (left, right) = halves()
    for (x, y) in zip(left, right) { #expect(abs(x - y) <= 1e-5) }
    Self.start(batch)(tape)
    let (dropped, other) = halves()
    for (x, y) in zip(dropped, other) { #expect(abs(x - y) > 1e-5) }
  }

  @Test func withAResidual() {
    var check = FiniteDifferences()
    check.beforeEach(Self.start(batch))
    check.input(9, 4)
    let layer = check.linear(4, [4])
    check.update(layer.weights[0], rank: 2, dropout: 0.4)
    check.check { [batch] tape, x in
      tape.layer(x[0]) { tape.linear($0, layer, adding: $0, dropout: 0.2, batch) }
    }
  }

  @Test func ofPooledTexts() {
    var check = FiniteDifferences()
    check.beforeEach(Self.start(batch))
    check.input(9, 4)
    let layer = check.linear(4, [6])
    check.update(layer.weights[0], rank: 2, dropout: 0.4)
    check.check { [batch] in $0.linear($0.pool($1[0], .mean, batch), layer, .tanh) }
  }

  @Test func ofDrawnStates() {
    var check = FiniteDifferences()
    var batch = PackedBatch(lengths: [3, 2, 2, 4])
    batch.makeSets([(2, 0, 1), (2, 2, 5)], sharedToken: 1)
    check.beforeEach(Self.start(batch))
    check.input(13, 4)
    let layer = check.linear(4, [5])
    check.update(layer.weights[0], rank: 2, dropout: 0.4)
    check.check { $0.linear($1[0], layer) }
  }

  @Test func ofMaxima() {
    var check = FiniteDifferences()
    check.beforeEach(Self.start(batch))
    check.input(9, 4)
    let layer = check.linear(4, [300])
    check.update(layer.weights[0], rank: 2, dropout: 0.4)
    let fused = check.gradients(threads: 2) { [batch] in $0.linearMax($1[0], layer, batch) }
    let apart = check.gradients { [batch] in $0.pool($0.linear($1[0], layer), .max, batch) }
    #expect(
      fused.count == 5 && fused.map { $0.contains { $0 != 0 } } == [true, false, true, true, true])
    // Sums of at most 900 terms of size 1, in different orders.
    for (x, y) in zip(fused.flatMap { $0 }, apart.flatMap { $0 }) {
      #expect(abs(x - y) <= 2e-5 * (1 + abs(y)), "\(x), \(y)")
    }
  }

  @Test func ofCrossAttention() {
    var check = FiniteDifferences()
    check.input(3, 6)
    check.input(9, 4)
    let projections = CrossProjections(
      key: check.parameter("key", [6, 4]), value: check.parameter("value", [6, 4]), heads: 2,
      scale: 0.8)
    let folded = check.values(of: projections, batch)
    check.update(projections.value, rank: 2, dropout: 0.4)
    // As long as B is zero nothing is added, and what was folded is not.
    let up = projections.value.lowRank?.up.weights[0].training?.values
    let values = (0..<12).map { up?.pointer[$0] ?? 0 }
    up?.pointer.update(repeating: 0, count: 12)
    for (x, y) in zip(check.values(of: projections, batch), folded) {
      #expect(abs(x - y) <= 1e-5, "\(x), not \(y)")
    }
    for i in 0..<12 { up?.pointer[i] = values[i] }
    check.beforeEach(Self.start(batch))
    check.check { [batch] in
      $0.crossAttention($1[0], over: $1[1], projections, batch, dropout: 0.3)
    }
    check.update(projections.key, rank: 3, dropout: 0.2)
    check.check { [batch] in
      $0.crossAttention($1[0], over: $1[1], projections, batch, dropout: 0.3)
    }
  }

  /// Masks are those of records whether a value has a row a token or a row a text.
  @Test func masksBelongToRecords() {
    var check = FiniteDifferences()
    let layer = check.linear(40, [40], bias: false)
    check.update(layer.weights[0], rank: 8, dropout: 0.5)
    func outputs(_ records: [Int], _ lengths: [Int], pools: Bool) -> [[Float]] {
      let batch = PackedBatch(lengths: lengths)
      let tape = Tape(Kernels(), WorkerPool(threads: 1))
      tape.startDropout(seed: 1, step: 2, records: records, batch)
      let ones = tape.matrix(
        [Float](repeating: 1, count: batch.tokens * 40), rows: batch.tokens, columns: 40)
      let x = pools ? tape.pool(tape.constant(ones), .mean, batch) : tape.constant(ones)
      let y = tape.linear(x, layer).value
      return (0..<batch.sequences).map { sequence in
        (pools ? sequence..<sequence + 1 : batch.range(sequence)).flatMap { Array(y.row($0)) }
      }
    }
    for pools in [false, true] {
      let together = outputs([3, 8], [4, 6], pools: pools)
      #expect(outputs([8], [6], pools: pools) == [together[1]])
      #expect(outputs([8, 3], [6, 4], pools: pools) == together.reversed())
      #expect(outputs([9], [6], pools: pools) != [together[1]])
    }
  }
}

extension Parameter {
  /// A parameter with these values that is not in training.
  fileprivate func copy() -> Parameter {
    Parameter(name: name, shape: shape, values: values, owner: self)
  }
}

extension FiniteDifferences {
  /// Output of cross attention for the inputs, without dropout.
  fileprivate func values(of projections: CrossProjections, _ batch: PackedBatch) -> [Float] {
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    let (queries, hidden) = (
      tape.constant(tape.matrix(values(0), rows: 3, columns: 6)),
      tape.constant(tape.matrix(values(1), rows: 9, columns: 4))
    )
    return Array(tape.crossAttention(queries, over: hidden, projections, batch).value.elements)
  }
}
