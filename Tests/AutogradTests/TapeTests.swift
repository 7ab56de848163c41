import Autograd
import KernelReference
import Kernels
import Testing
import Workers

@Suite struct TapeTests {
  /// More than a block of rows, and a sequence of one token.
  private let batch = PackedBatch(lengths: [5, 1, 3])

  @Test(arguments: Activation.allCases) func linear(_ activation: Activation) {
    var check = FiniteDifferences()
    check.input(9, 5)
    let layer = check.linear(5, [3, 4])
    // Kinks of the rectifier lie where a difference sees both sides.
    check.check(tolerance: activation == .relu ? 3e-2 : 2e-3, "\(activation)") {
      $0.linear($1[0], layer, activation)
    }
  }

  @Test func linearOfManyTokensAndOutputs() {
    var check = FiniteDifferences()
    check.input(1100, 2)
    let layer = check.linear(2, [70], bias: false)
    // 77 000 summands of size 1: rounding is 300 times that of the others.
    let gradients = check.gradients { $0.linear($1[0], layer) }
    let threads = check.gradients(threads: 3) { $0.linear($1[0], layer) }
    #expect(gradients.map { $0.map(\.bitPattern) } == threads.map { $0.map(\.bitPattern) })
    let x = check.values(0)
    let factors = check.factors(1100 * 70)
    for output in [0, 63, 64, 69] {
      for input in 0..<2 {
        let expected = (0..<1100).reduce(0.0) {
          $0 + Double(factors[$1 * 70 + output]) * Double(x[$1 * 2 + input])
        }
        #expect(abs(Double(gradients[1][output * 2 + input]) - expected) < 1e-4)
      }
    }
  }

  /// All three products of a layer are those of factors rounded to bfloat16, bit for bit.
  @Test(arguments: [(9, 5), (130, 70)]) func linearInBFloat16(_ rows: Int, _ inputs: Int) {
    var check = FiniteDifferences()
    check.input(rows, inputs)
    let outputs = [67, 4]
    let layer = check.linear(inputs, outputs, precision: .bf16)
    let (x, count) = (check.values(0), outputs.reduce(0, +))
    let w = layer.weights.flatMap { UnsafeBufferPointer(start: $0.values, count: $0.count) }
    let bias = layer.biases.flatMap { UnsafeBufferPointer(start: $0.values, count: $0.count) }
    let slopes = check.factors(rows * count)
    let byX = Reference.multiplyBF16(
      slopes, turned(w, columns: inputs), bias: nil, rows: rows, outputs: inputs, inputs: count)
    let byW = Reference.multiplyBF16(
      turned(slopes, columns: count), turned(x, columns: inputs), bias: nil, rows: count,
      outputs: inputs, inputs: rows)
    let byBias = (0..<count).map { n in
      (0..<rows).reduce(Float(0)) { $0 + slopes[$1 * count + n] }
    }
    let expected = [
      byX, Array(byW[..<(67 * inputs)]), Array(byW[(67 * inputs)...]), Array(byBias[..<67]),
      Array(byBias[67...]),
    ]
    let y = Reference.multiplyBF16(
      x, w, bias: bias, rows: rows, outputs: count, inputs: inputs)
    for threads in [1, 3] {
      var output: [Float] = []
      let found = check.gradients(threads: threads) { tape, values in
        let y = tape.linear(values[0], layer)
        output = Array(y.value.elements)
        return y
      }
      #expect(output.map(\.bitPattern) == y.map(\.bitPattern), "\(threads) threads")
      for (i, (found, expected)) in zip(found, expected).enumerated() {
        #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(i), \(threads) threads")
      }
    }
  }

  @Test func maximumInBFloat16() {
    var check = FiniteDifferences()
    check.input(9, 5)
    let layer = check.linear(5, [70], precision: .bf16)
    let bias = Array(UnsafeBufferPointer(start: layer.biases[0].values, count: 70))
    let w = Array(UnsafeBufferPointer(start: layer.weights[0].values, count: 350))
    let y = Reference.multiplyBF16(
      check.values(0), w, bias: bias, rows: 9, outputs: 70, inputs: 5)
    let expected = [0..<5, 5..<6, 6..<9].flatMap {
      Reference.maxOverRows(
        Array(y[$0.lowerBound * 70..<$0.upperBound * 70]), rows: $0.count, columns: 70)
    }
    _ = check.gradients { [batch] tape, values in
      let out = tape.linearMax(values[0], layer, batch)
      #expect(out.value.elements.map(\.bitPattern) == expected.map(\.bitPattern))
      return out
    }
  }

  private func turned(_ x: [Float], columns: Int) -> [Float] {
    let rows = x.count / columns
    return (0..<columns).flatMap { column in (0..<rows).map { x[$0 * columns + column] } }
  }

  @Test func linearWithResidual() {
    var check = FiniteDifferences()
    check.input(9, 4)
    let layer = check.linear(4, [4])
    check.check { [batch] in $0.linear($1[0], layer, adding: $1[0], dropout: 0, batch) }
  }

  @Test func layersThatShareWeights() {
    var check = FiniteDifferences()
    check.input(9, 4)
    let layer = check.linear(4, [4])
    check.check { $0.linear($0.linear($1[0], layer, .tanh), layer) }
  }

  @Test func embeddings() {
    var check = FiniteDifferences()
    let word = check.parameter("word", [7, 3])
    let type = check.parameter("type", [2, 3])
    let position = check.parameter("position", [9, 3])
    check.check { [batch] tape, _ in
      tape.embed(
        batch, word: word, type: type,
        positions: PositionTable(position, batch.positions.map { $0 + 2 }))
    }
  }

  @Test func layerNorm() {
    var check = FiniteDifferences()
    check.input(9, 18)
    let norm = LayerNorm(
      weight: check.parameter("weight", [18]), bias: check.parameter("bias", [18]), epsilon: 1e-5)
    check.check { $0.layerNorm($1[0], norm) }
  }

  @Test func layerNormWithoutBias() {
    var check = FiniteDifferences()
    check.input(3, 17)
    let norm = LayerNorm(weight: check.parameter("weight", [17]), bias: nil, epsilon: 1e-5)
    check.check { $0.layerNorm($1[0], norm) }
  }

  @Test func attention() {
    var check = FiniteDifferences()
    check.input(9, 3 * 6)
    check.check { [batch] in $0.attention($1[0], heads: 2, batch) }
    check.check {
      [batch] in $0.attention($1[0], heads: 3, batch, AttentionOptions(scale: 0.9, reach: 1))
    }
  }

  @Test func attentionToSomeTokens() {
    var check = FiniteDifferences()
    check.input(7, 3 * 4)
    var batch = PackedBatch()
    batch.append(ids: [1, 2, 3, 4], typeIDs: [0, 0, 0, 0], attended: [1, 0, 1, 0])
    batch.append(ids: [1, 2, 3], typeIDs: [0, 0, 0], attended: [1, 1, 1])
    check.check { [batch] in $0.attention($1[0], heads: 2, batch) }
  }

  @Test func rotation() {
    var check = FiniteDifferences()
    check.input(9, 3 * 8)
    let angles = RotaryPositions(headWidth: 4, base: 100)
    check.check { [batch] in $0.rotate($1[0], first: 16, angles, batch) }
  }

  @Test(arguments: Activation.allCases) func gate(_ activation: Activation) {
    var check = FiniteDifferences()
    check.input(3, 10)
    check.check(tolerance: activation == .relu ? 3e-2 : 2e-3, "\(activation)") {
      $0.gate($1[0], activation)
    }
  }

  /// Masks are a function of what `startDropout` was told, so that a difference sees the same ones.
  @Test func dropout() {
    var check = FiniteDifferences()
    check.beforeEach { [batch] in $0.startDropout(seed: 3, step: 5, records: [4, 0, 9], batch) }
    check.input(9, 6)
    let layer = check.linear(6, [18])
    let output = check.linearNamed("out", 6, 6)
    check.check { [batch] tape, inputs in
      tape.layer(inputs[0]) { input in
        let x = tape.dropout(input, rate: 0.3, batch)
        let y = tape.attention(
          tape.linear(x, layer), heads: 2, batch, AttentionOptions().dropping(0.4))
        return tape.linear(y, output, adding: x, dropout: 0.2, batch)
      }
    }
  }

  @Test(arguments: Pooling.allCases) func pooling(_ pooling: Pooling) {
    var check = FiniteDifferences()
    check.input(9, 5)
    check.check("\(pooling)") { [batch] in $0.pool($1[0], pooling, batch) }
  }

  @Test func maximumOfProducts() {
    var check = FiniteDifferences()
    check.input(9, 4)
    let layer = check.linear(4, [300])
    let fused = check.gradients(threads: 2) { [batch] in $0.linearMax($1[0], layer, batch) }
    let apart = check.gradients { [batch] in $0.pool($0.linear($1[0], layer), .max, batch) }
    #expect(fused.count == 3 && fused[0].contains { $0 != 0 })
    // Sums of at most 900 terms of size 1, in different orders.
    for (x, y) in zip(fused.flatMap { $0 }, apart.flatMap { $0 }) {
      #expect(abs(x - y) <= 2e-5 * (1 + abs(y)), "\(x), \(y)")
    }
  }

  @Test(arguments: ElementaryFunction.allCases) func map(_ function: ElementaryFunction) {
    var check = FiniteDifferences()
    check.input(3, 50)
    let hasKink = function == .relu || function == .log1pRelu
    check.check(tolerance: hasKink ? 0.5 : 2e-3, "\(function)") { $0.map($1[0], function) }
  }

  @Test func normalize() {
    var check = FiniteDifferences()
    check.input(3, 20)
    check.check { $0.normalize($1[0]) }
  }

  @Test func arrangement() {
    var check = FiniteDifferences()
    check.input(4, 3)
    check.input(4, 2)
    check.check { tape, x in
      let wide = tape.concatenate([x[0], x[1], x[0]])
      let tall = tape.stack([tape.rows(wide, 1..<3), tape.scale(wide, by: 0.5)])
      return tape.add(tape.sumRows(tall), tape.sumRows(tape.rows(wide, 2..<4)))
    }
    check.check { tape, x in
      let narrow = tape.columns(tape.concatenate([x[0], x[1]]), first: 4)
      return tape.map(narrow, .tanh)
    }
  }

  @Test func addsAValueToItself() {
    var check = FiniteDifferences()
    check.input(2, 3)
    check.check { $0.add($1[0], $0.map($1[0], .tanh)) }
    check.check { $0.add($1[0], $1[0]) }
  }

  @Test func frozenWeightsGetNoDerivative() throws {
    var check = FiniteDifferences()
    check.input(3, 4)
    let layer = check.linear(4, [4])
    let training = try #require(layer.weights[0].training)
    training.isFrozen = true
    let gradients = check.gradients { $0.linear($1[0], layer) }
    #expect(gradients[1].allSatisfy { $0 == 0 } && !training.hasGradient)
    #expect(gradients[0].contains { $0 != 0 } && gradients[2].contains { $0 != 0 })
  }

  /// A record keeps its masks wherever it lies in a batch, and with whatever others.
  @Test func masksBelongToRecords() {
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    func masks(_ records: [Int], _ lengths: [Int], step: Int = 1) -> [[Float]] {
      let batch = PackedBatch(lengths: lengths)
      tape.startDropout(seed: 1, step: step, records: records, batch)
      let ones = tape.matrix(
        [Float](repeating: 1, count: batch.tokens * 100), rows: batch.tokens, columns: 100)
      _ = tape.dropout(tape.variable(ones), rate: 0.1, batch)
      let y = tape.dropout(tape.variable(ones), rate: 0.25, batch).value
      return (0..<batch.sequences).map { sequence in
        batch.range(sequence).flatMap { Array(y.row($0)) }
      }
    }
    let together = masks([3, 8], [20, 30])
    #expect(masks([8], [30]) == [together[1]] && masks([8, 3], [30, 20]) == together.reversed())
    #expect(masks([8], [30], step: 2) != [together[1]] && masks([9], [30]) != [together[1]])
    let kept = together[1].filter { $0 != 0 }
    #expect(kept.allSatisfy { $0 == 1 / (1 - 0.25) })
    // Of 3000 elements a quarter with a standard deviation of 24; five of them are never seen.
    #expect(abs(kept.count - 2250) < 120)
  }
}
