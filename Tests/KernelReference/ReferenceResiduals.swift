extension Reference {
  /// Numbers for which a code stands: byte j has the numbers j, j + size and so on, the first in its
  /// lowest bits.
  package static func expanded(_ code: [UInt8], bits: Int, _ values: [Int8]) -> [Int8] {
    (0..<8 / bits * code.count).map { number in
      let byte = Int(code[number % code.count])
      return values[byte >> (number / code.count * bits) & ((1 << bits) - 1)]
    }
  }

  /// The code of numbers: how many cutoffs each exceeds.
  package static func compressed(
    _ numbers: [Float], bits: Int, cutoffs: [Float], size: Int
  ) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: size)
    for (number, value) in numbers.enumerated() {
      let level = cutoffs.filter { value > $0 }.count
      code[number % size] |= UInt8(level << (number / size * bits))
    }
    return code
  }

  /// What a document's centroids come to: for each column the largest level, summed, or the largest.
  package static func interaction(
    _ centroids: [Int], _ levels: [UInt8], width: Int, kept: [UInt8]?, takesLargest: Bool
  ) -> Int32 {
    let best = (0..<width).map { column in
      centroids.filter { centroid in kept.map { $0[centroid] != 0 } ?? true }
        .map { Int32(levels[$0 * width + column]) }.max() ?? 0
    }
    return takesLargest ? best.max() ?? 0 : best.reduce(0, +)
  }
}
