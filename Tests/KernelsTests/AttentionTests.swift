import KernelReference
import Kernels
import Testing

/// Queries, keys and values of one sequence side by side, as a fused projection writes them.
struct AttentionCase: CustomTestStringConvertible {
  let length: Int
  let headWidth: Int
  let masked: Bool
  var precision: Precision
  let heads = 2
  /// Four times the range of a sample, so that weights are far from uniform.
  ///
  /// Stored, because drawing the numbers takes longer than the kernels do.
  let buffer: [Float]
  let keep: [UInt8]?

  init(length: Int, headWidth: Int, masked: Bool, precision: Precision = .f32) {
    self.length = length
    self.headWidth = headWidth
    self.masked = masked
    self.precision = precision
    buffer = Sample.uniform(length * 3 * heads * headWidth, stream: 5).map { 4 * $0 }
    keep = masked ? (0..<length).map { $0 % 3 == 1 || $0 == 0 ? 1 : 0 } : nil
  }

  var width: Int { heads * headWidth }
  var scale: Float { 1 / Float(headWidth).squareRoot() }
  var testDescription: String { "L \(length), E \(headWidth)\(masked ? ", masked" : "")" }

  func run(_ kernels: Kernels, rows: Range<Int>, keep: [UInt8]?, _ buffer: [Float]) -> [Float] {
    buffer.withMatrix(rows: length, columns: 3 * width) { all in
      .written(rows: rows.count, columns: width) { out in
        let scratch = AlignedBuffer(
          count: kernels.attentionScratchCount(
            queries: rows.count, keys: length, headWidth: headWidth, precision: precision))
        let call = { (keep: UnsafeBufferPointer<UInt8>?) in
          kernels.attention(
            queries: all[rows, 0..<width], keys: all.columns(width..<2 * width),
            values: all.columns(2 * width..<3 * width), heads: heads, scale: scale,
            mask: AttentionMask(keep: keep), precision: precision, into: out, scratch: scratch)
        }
        if let keep { keep.withUnsafeBufferPointer(call) } else { call(nil) }
      }
    }
  }

  func run(_ kernels: Kernels) -> [Float] { run(kernels, rows: 0..<length, keep: keep, buffer) }

  /// Columns of one head of queries (part 0), keys (1) or values (2), as a matrix of its own.
  func head(_ h: Int, of part: Int, rows: Range<Int>) -> [Float] {
    rows.flatMap { i in
      let start = (3 * i + part) * width + h * headWidth
      return buffer[start..<start + headWidth]
    }
  }

  static let all: [AttentionCase] = [1, 2, 17, 300, 1000].flatMap { length in
    [3, 8, 12, 32, 64].filter { length < 1000 || $0 != 12 }.flatMap { headWidth in
      [false, true].map {
        AttentionCase(length: length, headWidth: headWidth, masked: $0)
      }
    }
  }
}

@Suite struct AttentionTests {
  /// Scores are sums of E products below 16 in size, weighted by 1/√E: their error is below
  /// 64 · 16 / 8 · 2⁻²⁴ · a small factor, and a weight's relative error is that of its score.
  @Test(arguments: AttentionCase.all) func nearReference(_ test: AttentionCase) {
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
      let error = largestError(mine, truth)
      #expect(error < 1e-5, "head \(h)")
    }
  }

  @Test(arguments: AttentionCase.all) func sameBitsOnAllInstructionSets(_ test: AttentionCase) {
    let expected = test.run(Kernels(.portable)).bits
    for kernels in instances {
      #expect(test.run(kernels).bits == expected, "\(kernels.instructionSet.name)")
    }
  }

  @Test(arguments: AttentionCase.all.filter { $0.length <= 300 })
  func queriesDoNotKnowTheirNeighbours(_ test: AttentionCase) {
    for kernels in instances {
      let buffer = test.buffer
      let whole = test.run(kernels)
      let first = test.length / 3
      let split = [0..<first, first..<min(first + 1, test.length), first + 1..<test.length]
        .filter { !$0.isEmpty }
        .flatMap { test.run(kernels, rows: $0, keep: test.keep, buffer) }
      #expect(split.bits == whole.bits, "\(kernels.instructionSet.name)")
    }
  }

  @Test func aMaskOfOnesChangesNothing() {
    for length in [1, 16, 40] {
      let test = AttentionCase(length: length, headWidth: 8, masked: false)
      let ones = [UInt8](repeating: 1, count: length)
      for kernels in instances {
        let masked = test.run(kernels, rows: 0..<length, keep: ones, test.buffer)
        #expect(masked.bits == test.run(kernels).bits)
      }
    }
  }

  @Test func maskedKeysHaveNoInfluence() {
    let test = AttentionCase(length: 50, headWidth: 8, masked: true)
    var other = test.buffer
    let keep = test.keep ?? []
    for j in 0..<50 where keep[j] == 0 {
      for column in test.width..<3 * test.width { other[j * 3 * test.width + column] += 1000 }
    }
    for kernels in instances {
      let changed = test.run(kernels, rows: 0..<50, keep: keep, other)
      #expect(changed.bits == test.run(kernels).bits)
    }
  }

  @Test func largeScoresDoNotOverflow() {
    let test = AttentionCase(length: 33, headWidth: 8, masked: false)
    let buffer = test.buffer.map { $0 * 100 }
    for kernels in instances {
      let out = test.run(kernels, rows: 0..<33, keep: nil, buffer)
      #expect(out.allSatisfy { $0.isFinite })
    }
  }

  @Test func notANumberInAQueryReachesItsRowOnly() {
    let test = AttentionCase(length: 33, headWidth: 8, masked: false)
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
