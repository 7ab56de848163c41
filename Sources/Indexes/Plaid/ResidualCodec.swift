import Kernels

/// What is left of a vector beside its centroid, in a few bits a number.
///
/// Numbers fall into 2^bits buckets, by the cutoffs between them, as in ColBERT (`collection_indexer.py`,
/// `_compute_avg_residual`); one is decoded as the mean of its bucket. ColBERT's own buckets have as many
/// numbers each and stand for their medians, whose error is up to 1.7 times as large at 4 bits. The means
/// are bytes here, so that a code is multiplied as bytes are.
struct ResidualCodec: Sendable, Equatable {
  /// 1, 2 or 4.
  let bits: Int
  /// Numbers of a vector.
  let width: Int
  /// 2^bits - 1 numbers, ascending.
  let cutoffs: [Float]
  /// 2^bits numbers: what those of each bucket are decoded as.
  let weights: [Float]
  /// What the bytes of these are multiplied by.
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

  /// Learns buckets of the numbers of some residuals.
  ///
  /// They are those whose values stand for the numbers with the least error that rounds of moving both
  /// find (Lloyd 1982, 10.1109/TIT.1982.1056489), from buckets of as many numbers each on. All are zeros
  /// where there are no numbers.
  init(bits: Int, width: Int, residuals: [Float]) {
    let sorted = residuals.sorted()
    let buckets = 1 << bits
    guard !sorted.isEmpty else {
      self.init(
        bits: bits, width: width, cutoffs: [Float](repeating: 0, count: buckets - 1),
        weights: [Float](repeating: 0, count: buckets))
      return
    }
    var sums = [0.0]
    sums.reserveCapacity(sorted.count + 1)
    for number in sorted { sums.append(sums[sums.count - 1] + Double(number)) }
    var values = (0..<buckets).map { sorted[(2 * $0 + 1) * (sorted.count - 1) / (2 * buckets)] }
    for _ in 0..<Self.rounds {
      let ends = Self.cutoffs(values).map { Self.place(of: $0, in: sorted) } + [sorted.count]
      var first = 0
      for (bucket, end) in ends.enumerated() {
        // An empty bucket keeps its value.
        if end > first { values[bucket] = Float((sums[end] - sums[first]) / Double(end - first)) }
        first = end
      }
    }
    self.init(bits: bits, width: width, cutoffs: Self.cutoffs(values), weights: values)
  }

  /// Rounds of moving cutoffs and values; more of them change the error by less than a hundredth.
  private static let rounds = 60

  /// The numbers between values.
  private static func cutoffs(_ values: [Float]) -> [Float] {
    zip(values, values.dropFirst()).map { ($0 + $1) / 2 }
  }

  /// How many of ascending numbers are smaller.
  private static func place(of number: Float, in sorted: [Float]) -> Int {
    var range = sorted.indices
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      range = sorted[middle] < number ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
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
