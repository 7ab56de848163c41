import KernelReference
import Kernels
import Testing

/// Codes of what is left of vectors beside centroids, and what documents come to by centroids.
@Suite struct ResidualTests {
  private static func random(_ seed: UInt64) -> (Int) -> Int {
    var random = CounterRandom(seed: seed)
    return { Int(random.next() % UInt64($0)) }
  }

  @Test(arguments: [1, 2, 4], [1, 3, 15, 16, 17, 32, 47, 64, 100])
  func codesTakenApart(bits: Int, size: Int) {
    let draw = Self.random(UInt64(bits * 1000 + size))
    let rows = 3
    let codes = (0..<rows * size).map { _ in UInt8(draw(256)) }
    let values = (0..<16).map { _ in Int8(draw(255) - 127) }
    let width = size * 8 / bits
    let expected = (0..<rows).flatMap {
      Reference.expanded(Array(codes[$0 * size..<($0 + 1) * size]), bits: bits, values)
    }
    for kernels in instances {
      var out = [Int8](repeating: 0, count: rows * width)
      out.withUnsafeMutableBufferPointer { out in
        codes.withUnsafeBufferPointer { codes in
          kernels.expand(
            rows: rows, bits: bits, size: size, codes.baseAddress.unsafelyUnwrapped, values,
            into: out.baseAddress.unsafelyUnwrapped)
        }
      }
      #expect(out == expected, "\(kernels.instructionSet.name)")
    }
  }

  /// Numbers that equal a cutoff belong to the bucket below.
  @Test(arguments: [1, 2, 4], [1, 5, 16, 33, 96, 128])
  func codesMade(bits: Int, width: Int) {
    let rows = 4
    let size = (width * bits + 7) / 8
    let cutoffs = (1..<1 << bits).map { Float($0 * 2 - (1 << bits)) / 8 }
    let draw = Self.random(UInt64(bits * 100 + width))
    let values = (0..<rows * width).map { _ in Float(draw(65) - 32) / 16 }
    let expected = (0..<rows).flatMap {
      Reference.compressed(
        Array(values[$0 * width..<($0 + 1) * width]), bits: bits, cutoffs: cutoffs, size: size)
    }
    for kernels in instances {
      var out = [UInt8](repeating: 255, count: rows * size)
      out.withUnsafeMutableBufferPointer { out in
        values.withUnsafeBufferPointer { values in
          kernels.compress(
            MatrixView(values.baseAddress.unsafelyUnwrapped, rows: rows, columns: width),
            bits: bits, cutoffs: cutoffs, size: size, into: out.baseAddress.unsafelyUnwrapped)
        }
      }
      #expect(out == expected, "\(kernels.instructionSet.name)")
    }
  }

  @Test(arguments: [16, 32, 48, 80], [false, true])
  func documentsByLevels(width: Int, takesLargest: Bool) {
    let draw = Self.random(UInt64(width))
    let centroids = 40
    let levels = (0..<centroids * width).map { _ in UInt8(draw(256)) }
    let kept = (0..<centroids).map { _ in UInt8(draw(2)) }
    let counts = [0, 1, 7, 30, 2, 0, 100, 3, 1]
    let firsts = counts.indices.map { counts[..<$0].reduce(0, +) }
    let numbers = (0..<counts.reduce(0, +)).map { _ in UInt16(draw(centroids)) }
    let wide = numbers.map { Int32($0) }
    for kernels in instances {
      for mask in [nil, kept] {
        let expected = zip(firsts, counts).map { first, count in
          Reference.interaction(
            numbers[first..<first + count].map { Int($0) }, levels, width: width, kept: mask,
            takesLargest: takesLargest)
        }
        for isWide in [false, true] {
          var out = [Int32](repeating: -1, count: counts.count)
          levels.withUnsafeBufferPointer { levels in
            (mask ?? []).withUnsafeBufferPointer { kept in
              numbers.withUnsafeBufferPointer { narrow in
                wide.withUnsafeBufferPointer { wide in
                  kernels.interact(
                    isWide
                      ? .wide(wide.baseAddress.unsafelyUnwrapped)
                      : .narrow(narrow.baseAddress.unsafelyUnwrapped),
                    firsts: firsts.map { Int64($0) }, counts: counts.map { Int64($0) },
                    CentroidLevels(
                      levels: levels.baseAddress.unsafelyUnwrapped, width: width,
                      kept: mask == nil ? nil : kept.baseAddress, takesLargest: takesLargest),
                    into: &out)
                }
              }
            }
          }
          #expect(out == expected, "\(kernels.instructionSet.name)")
        }
      }
    }
  }

  @Test(arguments: [1, 16, 33], [1, 4, 50])
  func leadersAndLevels(columns: Int, count: Int) {
    let rows = 37
    let stride = (columns + 15) / 16 * 16
    let draw = Self.random(UInt64(columns * 100 + count))
    // Few different numbers, so that they tie.
    let scores = (0..<rows * stride).map { _ in Float(draw(9)) - 4 }
    let expected = (0..<columns).flatMap { column -> [Int32] in
      let order = (0..<rows).sorted {
        let (a, b) = (scores[$0 * stride + column], scores[$1 * stride + column])
        return a != b ? a > b : $0 < $1
      }
      return (0..<count).map { $0 < rows ? Int32(order[$0]) : -1 }
    }
    let lows = (0..<stride).map { Float($0 % 3) - 3 }
    let thresholds = (0..<stride).map { $0 < columns ? Float(3.5) : .infinity }
    for kernels in instances {
      scores.withUnsafeBufferPointer { buffer in
        let base = buffer.baseAddress.unsafelyUnwrapped
        let view = MatrixView(base, rows: rows, columns: columns, stride: stride)
        #expect(kernels.leaders(view, count: count) == expected)
        let whole = MatrixView(base, rows: rows, columns: stride)
        var levels = [UInt8](repeating: 7, count: rows * (stride + 16))
        levels.withUnsafeMutableBufferPointer {
          kernels.levels(
            whole, lows: lows, inverse: 40.3, width: stride + 16,
            into: $0.baseAddress.unsafelyUnwrapped)
        }
        for row in 0..<rows {
          for column in 0..<stride + 16 {
            let level =
              column < stride
              ? min(255, max(0, (scores[row * stride + column] - lows[column]) * 40.3))
                .rounded(.toNearestOrEven) : 0
            #expect(levels[row * (stride + 16) + column] == UInt8(level))
          }
        }
        let (least, most) = kernels.columnRanges(whole)
        for column in 0..<stride {
          let own = (0..<rows).map { scores[$0 * stride + column] }
          #expect(least[column] == own.min() && most[column] == own.max())
        }
        var reaching = [UInt8](repeating: 9, count: rows)
        reaching.withUnsafeMutableBufferPointer {
          kernels.reaching(whole, thresholds: thresholds, into: $0.baseAddress.unsafelyUnwrapped)
        }
        for row in 0..<rows {
          let any = (0..<columns).contains { scores[row * stride + $0] >= 3.5 }
          #expect(reaching[row] == (any ? 1 : 0))
        }
      }
    }
  }
}
