import Kernels

/// What is left of a vector beside its centroid, in a few bits a number.
///
/// Numbers fall into 2^bits buckets of as many numbers each, by the cutoffs between them; one is decoded
/// as the median of its bucket (ColBERT, `collection_indexer.py`, `_compute_avg_residual`). The medians
/// are bytes here, so that a code is multiplied as bytes are.
struct ResidualCodec: Sendable, Equatable {
  /// 1, 2 or 4.
  let bits: Int
  /// Numbers of a vector.
  let width: Int
  /// 2^bits - 1 numbers, ascending.
  let cutoffs: [Float]
  /// 2^bits numbers: the medians.
  let weights: [Float]
  /// What the bytes of the medians are multiplied by.
  let scale: Float
  /// The bytes, sixteen of them; those behind 2^bits are zeros.
  let values: [Int8]

  /// Bytes of a code.
  var size: Int { (width * bits + 7) / 8 }
  /// Numbers of a code that is taken apart: at least `width`.
  var expanded: Int { size * 8 / bits }

  init(bits: Int, width: Int, cutoffs: [Float], weights: [Float]) {
    precondition(
      [1, 2, 4].contains(bits) && cutoffs.count == (1 << bits) - 1 && weights.count == 1 << bits,
      "\(cutoffs.count) cutoffs of \(bits) bits")
    self.bits = bits
    self.width = width
    self.cutoffs = cutoffs
    self.weights = weights
    let code = weights.withUnsafeBufferPointer { ByteSteps($0) }
    scale = code.scale
    values = code.steps + [Int8](repeating: 0, count: 16 - weights.count)
  }

  /// Learns buckets of the numbers of some residuals; all are zeros where there are none.
  init(bits: Int, width: Int, residuals: [Float]) {
    let sorted = residuals.sorted()
    let buckets = 1 << bits
    func quantile(_ share: Double) -> Float {
      guard !sorted.isEmpty else { return 0 }
      // Between the two nearest, as torch.quantile has it.
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return Float(
        Double(sorted[below]) + (place - Double(below))
          * (Double(sorted[above]) - Double(sorted[below])))
    }
    self.init(
      bits: bits, width: width,
      cutoffs: (1..<buckets).map { quantile(Double($0) / Double(buckets)) },
      weights: (0..<buckets).map { quantile((Double($0) + 0.5) / Double(buckets)) })
  }

  /// Codes of residuals[rows, width].
  func compress(_ residuals: MatrixView, _ kernels: Kernels) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: residuals.rows * size) { target, filled in
      filled = residuals.rows * size
      guard let base = target.baseAddress else { return }
      kernels.compress(residuals, bits: bits, cutoffs: cutoffs, size: size, into: base)
    }
  }

  /// The numbers of one code.
  func decode(_ code: UnsafePointer<UInt8>) -> [Float] {
    (0..<width).map { number in
      let level = Int(code[number % size]) >> (number / size * bits) & ((1 << bits) - 1)
      return Float(values[level]) * scale
    }
  }
}

/// Some numbers as bytes with one scale: the largest becomes 127.
private struct ByteSteps {
  var steps: [Int8] = []
  var scale: Float

  init(_ numbers: UnsafeBufferPointer<Float>) {
    let largest = numbers.reduce(Float(0)) { max($0, $1.magnitude) }
    scale = largest >= 0x1p-100 ? largest / 127 : 0
    for number in numbers {
      let step = scale > 0 ? (number / scale).rounded(.toNearestOrEven) : 0
      steps.append(Int8(max(-127, min(127, step))))
    }
  }
}
