import KernelReference
import Kernels
import Testing

/// Attention with products of bfloat16.
@Suite struct NarrowAttentionTests {
  private static let plain = AttentionCase.all.map { test in
    var test = test
    test.precision = .bf16
    return test
  }
  private static let distant = DistanceCase.all.map { test in
    var test = test
    test.precision = .bf16
    return test
  }

  /// The first, the last and some rows in the middle, for a twin that takes its time.
  private static func rows(_ length: Int) -> [Int] {
    Array(Set([0, 1, 15, 16, length / 2, length - 1]).filter { $0 < length }).sorted()
  }

  @Test(arguments: plain) func bitsOfReference(_ test: AttentionCase) {
    let (rows, keep) = (Self.rows(test.length), test.keep)
    let expected = (0..<test.heads).map { h in
      Reference.narrowAttention(
        q: rows.flatMap { test.head(h, of: 0, rows: $0..<$0 + 1) },
        k: test.head(h, of: 1, rows: 0..<test.length),
        v: test.head(h, of: 2, rows: 0..<test.length), width: test.headWidth, scale: test.scale,
        added: { keep?[$1] == 0 ? nil : 0 })
    }
    for kernels in instances {
      let out = test.run(kernels)
      for h in 0..<test.heads {
        let mine = rows.flatMap { i -> ArraySlice<Float> in
          let start = i * test.width + h * test.headWidth
          return out[start..<start + test.headWidth]
        }
        #expect(mine.bits == expected[h].bits, "\(kernels.instructionSet.name), head \(h)")
      }
    }
  }

  /// Near the true value, by how far scores and values are off.
  ///
  /// A score is E products below 16 over √E, whose two factors are off by 2⁻⁹ of themselves at most:
  /// as independent errors together below 16 · 2⁻⁸. That share of its weight is a weight off, and
  /// values reach to 4.
  @Test(arguments: plain) func nearReference(_ test: AttentionCase) {
    let rows = 0..<min(test.length, 20)
    let out = test.run(Kernels())
    for h in 0..<test.heads {
      let truth = Reference.attention(
        q: test.head(h, of: 0, rows: rows), k: test.head(h, of: 1, rows: 0..<test.length),
        v: test.head(h, of: 2, rows: 0..<test.length), width: test.headWidth,
        scale: test.scale, added: { test.keep?[$1] == 0 ? nil : 0 })
      let mine = rows.flatMap { i -> ArraySlice<Float> in
        let start = i * test.width + h * test.headWidth
        return out[start..<start + test.headWidth]
      }
      #expect(largestError(mine, truth) < 4.0 / 16, "head \(h)")
    }
  }

  @Test(arguments: distant) func bitsOfReference(_ test: DistanceCase) {
    for kernels in instances {
      let out = test.run(kernels, rows: 0..<test.length)
      for (row, h) in Self.rows(test.length).flatMap({ row in [(row, 0), (row, 1)] }) {
        let added = test.added(h, rows: row..<row + 1)
        let values = test.head(h, of: 2, rows: 0..<test.length)
        let start = row * test.width + h * test.headWidth
        let mine = Array(out[start..<start + test.headWidth])
        guard (0..<test.length).contains(where: { added(0, $0) != nil }) else {
          #expect(largestError(mine, test.truth(h, rows: row..<row + 1)) < 1e-5)
          continue
        }
        let expected = Reference.narrowAttention(
          q: test.head(h, of: 0, rows: row..<row + 1),
          k: test.head(h, of: 1, rows: 0..<test.length), v: values, width: test.headWidth,
          scale: test.scale, added: added)
        #expect(mine.bits == expected.bits, "\(kernels.instructionSet.name), row \(row)")
      }
    }
  }

  @Test(arguments: distant) func queriesDoNotKnowTheirNeighbours(_ test: DistanceCase) {
    for kernels in instances {
      let whole = test.run(kernels, rows: 0..<test.length)
      let cut = test.length * 2 / 5
      let parts = [0..<cut, cut..<test.length].filter { !$0.isEmpty }
      #expect(
        parts.flatMap { test.run(kernels, rows: $0) }.bits == whole.bits,
        "\(kernels.instructionSet.name)")
    }
  }

  @Test func notANumberInAQueryReachesItsRowOnly() {
    let test = AttentionCase(length: 33, headWidth: 8, masked: false, precision: .int8)
    var buffer = test.buffer
    buffer[20 * 3 * test.width] = .nan  // row 20, head 0
    for kernels in instances {
      let out = test.run(kernels, rows: 0..<33, keep: nil, buffer)
      for i in 0..<33 {
        for c in 0..<test.width {
          #expect(out[i * test.width + c].isNaN == (i == 20 && c < test.headWidth))
        }
      }
    }
  }
}
