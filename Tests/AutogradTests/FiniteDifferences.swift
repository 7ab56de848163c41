import Autograd
import Kernels
import Testing
import Workers

/// Compares the derivatives of a tape with differences of what it computes.
struct FiniteDifferences {
  let store = ParameterStore()
  private var inputs: [(values: [Float], rows: Int, columns: Int)] = []
  private var streams: UInt64 = 0
  private(set) var prepare: (Tape) -> Void = { _ in }

  /// Reproducible numbers in [-1, 1).
  private mutating func sample(_ count: Int) -> [Float] {
    streams += 1
    let random = CounterRandom(seed: 7, stream: streams)
    return (0..<count).map { 2 * random.uniform(at: UInt64($0)) - 1 }
  }

  /// A value that goes into the operation, number by number in the order of the calls.
  mutating func input(_ rows: Int, _ columns: Int) {
    inputs.append((sample(rows * columns), rows, columns))
  }

  mutating func parameter(_ name: String, _ shape: [Int]) -> Parameter {
    let values = sample(shape.reduce(1, *))
    let buffer = AlignedBuffer(count: values.count)
    buffer.pointer.update(from: values, count: values.count)
    return store.add(name, shape: shape, buffer)
  }

  mutating func linear(
    _ inputs: Int, _ outputs: [Int], bias: Bool = true, precision: Precision = .f32
  ) -> Linear {
    let weights = outputs.enumerated().map { parameter("w\($0)", [$1, inputs]) }
    return Linear(
      weights: weights,
      biases: bias ? outputs.enumerated().map { parameter("b\($0)", [$1]) } : [],
      precision: precision)
  }

  mutating func linearNamed(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
    Linear(
      weights: [parameter(name, [outputs, inputs])],
      biases: [parameter("\(name) bias", [outputs])])
  }

  /// Gives a weight a low-rank update.
  mutating func update(_ weight: Parameter, rank: Int, scale: Double = 1.5, dropout: Float = 0) {
    weight.update(
      by: LowRankUpdate(
        down: parameter("\(weight.name) A", [rank, weight.matrix.columns]),
        up: parameter("\(weight.name) B", [weight.matrix.rows, rank]), scale: scale,
        dropout: dropout))
  }

  func values(_ input: Int) -> [Float] { inputs[input].values }

  /// Called before each forward pass.
  mutating func beforeEach(_ prepare: @escaping (Tape) -> Void) { self.prepare = prepare }

  typealias Body = (Tape, [Recorded]) -> Recorded

  /// Σ factor · output, in double precision.
  private func loss(_ tape: Tape, _ changed: [[Float]], _ body: Body) -> Double {
    tape.isRecording = false
    prepare(tape)
    let values = zip(inputs, changed).map { input, values in
      tape.variable(tape.matrix(values, rows: input.rows, columns: input.columns))
    }
    let y = body(tape, values).value
    return zip(y.elements, factors(y.elements.count)).reduce(0) {
      $0 + Double($1.0) * Double($1.1)
    }
  }

  func factors(_ count: Int) -> [Float] {
    let random = CounterRandom(seed: 8)
    return (0..<count).map { 2 * random.uniform(at: UInt64($0)) - 1 }
  }

  /// Derivatives by all inputs, then by all parameters.
  func gradients(
    _ kernels: Kernels = Kernels(), threads: Int = 1, recomputes: Bool = false, _ body: Body
  ) -> [[Float]] {
    let tape = Tape(kernels, WorkerPool(threads: threads), recomputesLayers: recomputes)
    store.clearGradients()
    prepare(tape)
    let variables = inputs.map {
      tape.variable(tape.matrix($0.values, rows: $0.rows, columns: $0.columns))
    }
    let y = body(tape, variables)
    let slope = tape.matrix(
      factors(y.value.elements.count), rows: y.value.rows, columns: y.value.columns)
    tape.backward(from: [(y, slope)])
    return zip(inputs, variables).map { input, variable in
      tape.gradient(of: variable).map { Array($0.elements) }
        ?? [Float](repeating: 0, count: input.values.count)
    }
      + store.parameters.map { parameter in
        guard let training = parameter.training else { return [] }
        if !training.hasGradient { return [Float](repeating: 0, count: parameter.count) }
        return Array(UnsafeBufferPointer(start: training.gradient.pointer, count: parameter.count))
      }
  }

  /// Every derivative against a central difference, on every instruction set with the same bits,
  /// and with two threads and with layers computed again.
  ///
  /// The step is 2⁻⁷: an output of size 10 is rounded by 1e-6, which the difference magnifies to
  /// 1e-4; the term of third order is about as large. The tolerance leaves a factor of 20.
  func check(
    tolerance: Double = 2e-3, _ name: String = "", _ body: Body,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let expected = differences(body)
    let gradients = self.gradients(Kernels(), body)
    for (i, (found, expected)) in zip(gradients, expected).enumerated() {
      for (j, (x, y)) in zip(found, expected).enumerated() {
        #expect(
          abs(Double(x) - y) <= tolerance * (1 + abs(y)), "\(name) \(i)[\(j)]: \(x), not \(y)",
          sourceLocation: sourceLocation)
      }
    }
    #expect(
      expected.contains { $0.contains { abs($0) > 0.01 } }, "\(name): nothing depends on anything",
      sourceLocation: sourceLocation)
    let bits = gradients.map { $0.map(\.bitPattern) }
    for set in InstructionSet.supported {
      for (threads, recomputes) in [(1, false), (2, false), (2, true)] {
        let again = self.gradients(
          Kernels(set), threads: threads, recomputes: recomputes, body)
        #expect(
          again.map { $0.map(\.bitPattern) } == bits, "\(name) \(set.name), \(threads) threads",
          sourceLocation: sourceLocation)
      }
    }
  }

  private func differences(_ body: Body) -> [[Double]] {
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    let step: Float = 0x1p-7
    let originals = inputs.map(\.values)
    var all: [[Double]] = []
    for i in inputs.indices {
      all.append(
        originals[i].indices.map { j in
          var changed = originals
          changed[i][j] = originals[i][j] + step
          let above = loss(tape, changed, body)
          changed[i][j] = originals[i][j] - step
          return (above - loss(tape, changed, body)) / (2 * Double(step))
        })
    }
    for parameter in store.parameters {
      guard let values = parameter.training?.values.pointer else { continue }
      if parameter.training?.isFrozen == true {
        all.append([Double](repeating: 0, count: parameter.count))
        continue
      }
      all.append(
        (0..<parameter.count).map { j in
          let original = values[j]
          values[j] = original + step
          let above = loss(tape, originals, body)
          values[j] = original - step
          let below = loss(tape, originals, body)
          values[j] = original
          return (above - below) / (2 * Double(step))
        })
    }
    return all
  }
}

extension PackedBatch {
  /// Sequences of the given lengths, of ids below `vocabulary` and alternating segments.
  init(lengths: [Int], vocabulary: Int = 7) {
    self.init()
    for (i, length) in lengths.enumerated() {
      append(
        ids: (0..<length).map { Int32(($0 * 5 + i * 3) % vocabulary) },
        typeIDs: (0..<length).map { UInt8($0 % 2) })
    }
  }
}
