import Autograd
import Failures
import JSON
import Kernels
import LinearAlgebra

/// Values that the matrices of a low-rank update begin with: PEFT's `init_lora_weights`.
package enum LowRankStart: String, CaseIterable, Sendable {
  /// A uniform as torch initialises its layers, B zero.
  case zero = "true"
  /// Both uniform: the model is another one at once.
  case random = "false"
  /// A normal with the deviation 1/r, B zero.
  case gaussian
  /// Both orthogonal to each other, so that B · A is zero (Datta, "Rethinking LoRA initialisations", 2025).
  case orthogonal
  /// The largest singular vectors of the weight, which keeps the rest (arXiv:2404.02948).
  case pissa
  /// The first columns of an orthogonal basis of the weight, which keeps the rest (arXiv:2406.01775).
  case olora

  init(_ reader: ConfigurationReader) throws(Failure) {
    let key = "init_lora_weights"
    switch reader[key] {
    case nil: self = .zero
    case .bool(let isOn)?: self = isOn ? .zero : .random
    case let value?:
      guard let start = Self(rawValue: value.string?.lowercased() ?? ""), start != .zero,
        start != .random
      else {
        let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
        throw reader.failure(key, expected: names)
      }
      self = start
    }
  }

  /// As PEFT writes it.
  var json: JSON {
    switch self {
    case .zero: true
    case .random: false
    default: .string(rawValue)
    }
  }

  /// Whether the model's own weights become others.
  var changesWeights: Bool { self == .pissa || self == .olora }

  /// A[R,K] and B[N,R].
  struct Factors {
    var down: AlignedBuffer
    var up: AlignedBuffer
  }

  /// A and B of a weight's update.
  ///
  /// - Parameters:
  ///   - weight: W[N,K].
  ///   - rank: R.
  ///   - scale: Factor of the product.
  ///   - random: What is drawn.
  /// - Returns: A and B.
  /// - Throws: 78 where LAPACK is needed and missing.
  func factors(
    of weight: Parameter, rank: Int, scale: Double, _ random: CounterRandom
  ) throws(Failure) -> Factors {
    let (rows, columns) = (weight.rows, weight.columns)
    let down = AlignedBuffer(count: rank * columns)
    let up = AlignedBuffer(count: rows * rank)
    up.pointer.update(repeating: 0, count: up.count)
    /// kaiming_uniform_ with a = √5: as wide as one over the root of the inputs.
    func uniform(_ buffer: AlignedBuffer, inputs: Int, from first: Int) {
      let bound = 1 / Float(inputs).squareRoot()
      for i in 0..<buffer.count {
        buffer.pointer[i] = bound * (2 * random.uniform(at: UInt64(first + i)) - 1)
      }
    }
    switch self {
    case .zero: uniform(down, inputs: columns, from: 0)
    case .random:
      uniform(down, inputs: columns, from: 0)
      uniform(up, inputs: rank, from: down.count)
    case .gaussian:
      for i in 0..<down.count {
        down.pointer[i] = random.normal(at: UInt64(i)) / Float(rank)
      }
    case .orthogonal: Self.orthogonal(down, up, rank, random)
    case .pissa:
      try SingularPairs(weight, count: rank).fill(down, up, scale: scale)
    case .olora: OrthogonalBasis(weight, count: rank).fill(down, up)
    }
    return Factors(down: down, up: up)
  }

  /// A of the odd rows of an orthogonal matrix, B of the even ones: what is drawn times them, a tenth.
  private static func orthogonal(
    _ down: AlignedBuffer, _ up: AlignedBuffer, _ rank: Int, _ random: CounterRandom
  ) {
    let (columns, rows, half) = (down.count / rank, up.count / rank, rank / 2)
    var place: UInt64 = 0
    func draw() -> Double {
      defer { place += 1 }
      return Double(random.normal(at: place))
    }
    let basis = OrthogonalBasis((0..<rank).map { _ in (0..<rank).map { _ in draw() } }).rows
    for (buffer, count, first) in [(down, columns, 0), (up, rows, 1)] {
      for i in 0..<count {
        let drawn = (0..<half).map { _ in draw() }
        for k in 0..<rank {
          var sum = 0.0
          for (h, value) in drawn.enumerated() { sum += value * basis[2 * h + first][k] }
          buffer.pointer[first == 0 ? k * columns + i : i * rank + k] = Float(sum / 10)
        }
      }
    }
  }
}
