import Autograd
import Kernels
import Testing
import Workers

/// W = W₀ + s · B · A, and the derivatives by A and B, against loops over the definition.
@Suite struct LowRankUpdateTests {
  private static let (tokens, rows, columns, rank) = (4, 5, 7, 3)
  private static let scale = 1.5
  private let store = ParameterStore()

  private static func sample(_ count: Int, _ stream: UInt64) -> [Float] {
    let random = CounterRandom(seed: 11, stream: stream)
    return (0..<count).map { 2 * random.uniform(at: UInt64($0)) - 1 }
  }

  private func parameter(_ name: String, _ shape: [Int], _ values: [Float]) -> Parameter {
    let buffer = AlignedBuffer(count: values.count)
    buffer.pointer.update(from: values, count: values.count)
    return store.add(name, shape: shape, buffer)
  }

  @Test func derivativesAndWeightsAreThoseOfTheDefinition() throws {
    let (t, n, k, r) = (Self.tokens, Self.rows, Self.columns, Self.rank)
    let (w, a, b) = (Self.sample(n * k, 1), Self.sample(r * k, 2), Self.sample(n * r, 3))
    let (x, slopes) = (Self.sample(t * k, 4), Self.sample(t * n, 5))
    let weight = parameter("w", [n, k], w)
    let update = LowRankUpdate(
      of: weight, down: parameter("a", [r, k], a), up: parameter("b", [n, r], b),
      scale: Self.scale)
    update.fold()
    // In single precision a sum of three products of numbers below 1.5 is off by less.
    let tolerance: Float = 1e-6
    for i in 0..<n {
      for j in 0..<k {
        var value = Double(w[i * k + j])
        for l in 0..<r { value += Self.scale * Double(b[i * r + l]) * Double(a[l * k + j]) }
        #expect(abs(weight.values[i * k + j] - Float(value)) <= tolerance)
      }
    }
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    let y = tape.linear(
      tape.variable(tape.matrix(x, rows: t, columns: k)), Linear(weights: [weight]), .none)
    tape.backward(from: [(y, tape.matrix(slopes, rows: t, columns: n))])
    update.pullBack(Kernels())
    let (down, up) = (try #require(update.down.training), try #require(update.up.training))
    #expect(down.hasGradient && up.hasGradient && weight.training?.hasGradient == false)
    func slope(_ i: Int, _ j: Int) -> Double {
      (0..<t).reduce(0) { $0 + Double(slopes[$1 * n + i]) * Double(x[$1 * k + j]) }
    }
    // Sums of some dozens of products of numbers below 1.5.
    let ofSlopes = 1e-5
    for l in 0..<r {
      for j in 0..<k {
        let expected = (0..<n).reduce(0) { $0 + Double(b[$1 * r + l]) * slope($1, j) }
        #expect(abs(Double(down.gradient.pointer[l * k + j]) - Self.scale * expected) <= ofSlopes)
      }
      for i in 0..<n {
        let expected = (0..<k).reduce(0) { $0 + Double(a[l * k + $1]) * slope(i, $1) }
        #expect(abs(Double(up.gradient.pointer[i * r + l]) - Self.scale * expected) <= ofSlopes)
      }
    }
    // Folding again adds nothing twice.
    let folded = Array(UnsafeBufferPointer(start: weight.values, count: weight.count))
    update.fold()
    #expect(folded == Array(UnsafeBufferPointer(start: weight.values, count: weight.count)))
  }
}
