import Glibc
import KernelReference
import Kernels
import Testing

/// Attention that knows how far a key is from its query.
struct DistanceCase: CustomTestStringConvertible {
  let length: Int
  let headWidth: Int
  /// Largest distance; nil for all.
  let reach: Int?
  let isRelative: Bool
  let masked: Bool
  /// Whether keys behind the query are not attended to.
  let isCausal: Bool
  var precision = Precision.f32
  let heads = 2
  /// Heads of keys and values.
  let keyHeads: Int
  /// As in `AttentionCase`; stored for the same reason.
  let buffer: [Float]
  /// Every third key of the second half, so that some queries are left without any.
  let keep: [UInt8]?
  /// More than there are distances, so that the middle counts.
  let radius: Int
  /// Numbers that distances add to scores, a row a head.
  let relative: [Float]

  init(
    length: Int, headWidth: Int, reach: Int?, isRelative: Bool, masked: Bool,
    isCausal: Bool = false, keyHeads: Int = 2
  ) {
    self.isCausal = isCausal
    self.keyHeads = keyHeads
    self.length = length
    self.headWidth = headWidth
    self.reach = reach
    self.isRelative = isRelative
    self.masked = masked
    radius = length + 3
    buffer = Sample.uniform(length * (heads + 2 * keyHeads) * headWidth, stream: 5).map { 4 * $0 }
    keep = masked ? (0..<length).map { $0 < length / 2 ? 0 : UInt8($0 % 3 & 1) } : nil
    relative = Sample.uniform(heads * (2 * radius + 1), stream: 11)
  }

  var width: Int { heads * headWidth }
  var keyWidth: Int { keyHeads * headWidth }
  var columns: Int { width + 2 * keyWidth }
  var scale: Float { 1 / Float(headWidth).squareRoot() }

  var testDescription: String {
    "L \(length), E \(headWidth), reach \(reach.map(String.init) ?? "-")"
      + "\(isRelative ? ", relative" : "")\(masked ? ", masked" : "")"
      + "\(isCausal ? ", causal" : "")\(keyHeads == heads ? "" : ", shared keys")"
  }

  func run(_ kernels: Kernels, rows: Range<Int>) -> [Float] {
    buffer.withMatrix(rows: length, columns: columns) { all in
      relative.withMatrix(rows: heads, columns: 2 * radius + 1) { relative in
        .written(rows: rows.count, columns: width) { out in
          let scratch = AlignedBuffer(
            count: kernels.attentionScratchCount(
              queries: rows.count, keys: length, headWidth: headWidth, reach: reach,
              precision: precision))
          let call = { (keep: UnsafeBufferPointer<UInt8>?) in
            kernels.attention(
              queries: all[rows, 0..<width], keys: all.columns(width..<width + keyWidth),
              values: all.columns(width + keyWidth..<columns), heads: heads, scale: scale,
              mask: AttentionMask(
                keep: keep, relative: isRelative ? relative : nil, first: rows.lowerBound,
                reach: reach, ahead: isCausal ? 0 : nil), precision: precision, into: out,
              scratch: scratch)
          }
          if let keep { keep.withUnsafeBufferPointer(call) } else { call(nil) }
        }
      }
    }
  }

  /// Columns of one head of queries, keys or values.
  func head(_ h: Int, of part: Int, rows: Range<Int>) -> [Float] {
    rows.flatMap { i in
      let first = part == 0 ? 0 : width + (part - 1) * keyWidth
      let head = part == 0 ? h : h * keyHeads / heads
      let start = i * columns + first + head * headWidth
      return buffer[start..<start + headWidth]
    }
  }

  /// The number that is added to a score of head h; nil where the key is not attended to.
  func added(_ h: Int, rows: Range<Int>) -> (_ query: Int, _ key: Int) -> Float? {
    let (relative, keep, isCausal) = (relative, keep, isCausal)
    return { query, key in
      let distance = key - (rows.lowerBound + query)
      if let reach, abs(distance) > reach { return nil }
      if isCausal, distance > 0 { return nil }
      if keep?[key] == 0 { return nil }
      return isRelative ? relative[h * (2 * radius + 1) + radius + distance] : 0
    }
  }

  func truth(_ h: Int, rows: Range<Int>) -> [Double] {
    let added = added(h, rows: rows)
    return Reference.attention(
      q: head(h, of: 0, rows: rows), k: head(h, of: 1, rows: 0..<length),
      v: head(h, of: 2, rows: 0..<length), width: headWidth, scale: scale,
      added: { added($0, $1).map(Double.init) })
  }

  static let all: [DistanceCase] =
    [1, 7, 40, 230, 700].flatMap { length in
      (length == 700 ? [64] : [nil, 1, 4, 64]).flatMap { reach in
        [(8, true), (64, false), (24, true)].flatMap { headWidth, isRelative in
          [false, true].map {
            DistanceCase(
              length: length, headWidth: headWidth, reach: reach, isRelative: isRelative, masked: $0
            )
          }
        }
      }
    } + decoders

  /// Lengths of more than one block of queries among them.
  static let decoders: [DistanceCase] = [1, 40, 230, 700].flatMap { length in
    [nil, 0, 5, 64].flatMap { reach in
      [(24, true, 2), (24, false, 1), (8, false, 1)].map { headWidth, isRelative, keyHeads in
        DistanceCase(
          length: length, headWidth: headWidth, reach: reach, isRelative: isRelative,
          masked: headWidth == 24 && keyHeads == 1, isCausal: true, keyHeads: keyHeads)
      }
    }
  }
}

@Suite struct DistanceTests {
  /// As in `AttentionTests`, with rows whose weights are further from uniform.
  @Test(arguments: DistanceCase.all) func nearReference(_ test: DistanceCase) {
    for start in [0, test.length / 3, test.length - 1] {
      let rows = start..<min(test.length, start + 5)
      let out = test.run(Kernels(), rows: rows)
      for h in 0..<test.heads {
        let mine = rows.indices.flatMap { i -> ArraySlice<Float> in
          let first = (i - start) * test.width + h * test.headWidth
          return out[first..<first + test.headWidth]
        }
        #expect(largestError(mine, test.truth(h, rows: rows)) < 2e-5, "head \(h), from \(start)")
      }
    }
  }

  /// Blocks of queries and instruction sets change no bit.
  @Test(arguments: DistanceCase.all) func sameBits(_ test: DistanceCase) {
    let expected = test.run(Kernels(.portable), rows: 0..<test.length)
    for kernels in instances {
      #expect(test.run(kernels, rows: 0..<test.length).bits == expected.bits)
      let cut = test.length * 2 / 5
      let parts = [0..<cut, cut..<test.length].filter { !$0.isEmpty }
      #expect(
        parts.flatMap { test.run(kernels, rows: $0) }.bits == expected.bits,
        "\(kernels.instructionSet.name)")
    }
  }

  /// A reach costs memory for what it reaches, not for all keys.
  @Test func scratchOfAReach() {
    let kernels = Kernels()
    let short = kernels.attentionScratchCount(queries: 500, keys: 500, headWidth: 64, reach: 64)
    let long = kernels.attentionScratchCount(queries: 8000, keys: 8000, headWidth: 64, reach: 64)
    #expect(long - short == 8000 - 512)
  }
}

@Suite struct RotaryTests {
  @Test(arguments: [2, 16, 40, 64]) func nearReference(_ headWidth: Int) {
    let (rows, heads, half) = (5, 3, headWidth / 2)
    let width = heads * headWidth
    let x = Sample.uniform(rows * width, stream: 21)
    let angles = Sample.uniform(9 * half, stream: 22).map { Double($0) * 3 }
    let positions: [Int32] = [0, 8, 3, 3, 1]
    let cosines = angles.map { Float(cos($0)) }
    let sines = angles.map { Float(sin($0)) }
    var bits: [[UInt32]] = []
    for kernels in instances {
      let out = x.withMatrix(rows: rows, columns: width) { x in
        cosines.withMatrix(rows: 9, columns: half) { cosines in
          sines.withMatrix(rows: 9, columns: half) { sines in
            positions.withUnsafeBufferPointer { positions in
              [Float].written(rows: rows, columns: width) { out in
                kernels.rotate(
                  x, cosines: cosines, sines: sines, positions: positions, into: out)
              }
            }
          }
        }
      }
      bits.append(out.bits)
      for row in 0..<rows {
        let place = Int(positions[row]) * half
        for h in 0..<heads {
          let start = row * width + h * headWidth
          let truth = Reference.rotate(
            Array(x[start..<start + headWidth]), angles: Array(angles[place..<place + half]))
          // Two products of numbers below 1: three roundings.
          #expect(largestError(Array(out[start..<start + headWidth]), truth) < 3e-7)
        }
      }
    }
    #expect(Set(bits).count == 1)
  }
}
