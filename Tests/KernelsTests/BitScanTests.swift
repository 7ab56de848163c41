import Kernels
import Testing

/// Which documents of bits a scan finds, and with which scores.
@Suite struct BitScanTests {
  private struct Found: Equatable {
    let row: Int, column: Int, score: UInt32
  }

  @Test(arguments: [2, 6, 8, 512, 516, 1030], [1, 2, 3, 4, 5, 9])
  func bitsOfTheDefinition(depth: Int, n: Int) {
    for m in [1, 15, 32, 33, 70] {
      var random = CounterRandom(seed: UInt64(depth * 1000 + n * 100 + m))
      let blocks = (m + BitRows.block - 1) / BitRows.block
      let codes = (0..<blocks * depth * BitRows.block).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      // The largest numbers among them, whose sums are the largest.
      let entries = (0..<n * depth * 32).map { place in
        place % 5 == 0 ? UInt8(BitTables.most) : UInt8(random.next() % 64)
      }
      let steps = Sample.uniform(n, stream: 1).map(\.magnitude)
      let bases = Sample.uniform(n, stream: 2).map { $0 * 900 }
      let scales = Sample.uniform(m, stream: 3).map(\.magnitude)
      var offsets = Sample.uniform(m, stream: 4).map { $0 * 100 }
      offsets[0] = -.infinity
      let levels: [Float] = [-.infinity, 200, 0]
      let thresholds = (0..<n).map { levels[$0 % 3] }
      var expected: [Found] = []
      for query in 0..<n {
        for row in 0..<m {
          let first = row / BitRows.block * depth * BitRows.block + row % BitRows.block
          var sum = 0
          for byte in 0..<depth {
            let code = Int(codes[first + byte * BitRows.block])
            let table = (query * depth + byte) * 32
            sum += Int(entries[table + code % 16]) + Int(entries[table + 16 + code / 16])
          }
          let whole = bases[query].addingProduct(Float(sum), steps[query])
          let score = offsets[row].addingProduct(whole, scales[row])
          if score >= thresholds[query] || !score.isFinite {
            expected.append(Found(row: row, column: query, score: score.bitPattern))
          }
        }
      }
      let tables = BitTables(depth: depth, tables: entries, steps: steps, bases: bases)
      for kernels in instances {
        let results = ScanResults(capacity: m * n)
        codes.withUnsafeBufferPointer { codes in
          scales.withUnsafeBufferPointer { scales in
            offsets.withUnsafeBufferPointer { offsets in
              kernels.scan(
                BitRows(
                  count: m, depth: depth, codes: codes.baseAddress.unsafelyUnwrapped,
                  scales: scales.baseAddress.unsafelyUnwrapped,
                  offsets: offsets.baseAddress.unsafelyUnwrapped),
                tables, thresholds: thresholds, into: results)
            }
          }
        }
        let found = (0..<results.count).map { place in
          Found(
            row: results[place].row, column: results[place].column,
            score: results[place].score.bitPattern)
        }
        let ordered = (0..<n).flatMap { column in found.filter { $0.column == column } }
        #expect(ordered == expected, "\(kernels.instructionSet.name), \(m) documents")
      }
    }
  }

  /// Distances are those of the definition, to the last bit.
  @Test(arguments: [1, 5, 8, 17, 64, 70], [1, 3, 16, 33])
  func distances(n: Int, k: Int) {
    for m in [1, 2, 5] {
      var a = Sample.uniform(m * k, stream: 5)
      let w = Sample.uniform(n * k, stream: 6)
      a.replaceSubrange(0..<k, with: w.prefix(k))
      for kernels in instances {
        let packed = w.withUnsafeBufferPointer {
          PackedMatrix($0.baseAddress.unsafelyUnwrapped, rows: n, columns: k, kernels: kernels)
        }
        let out = AlignedBuffer(count: m * n)
        a.withUnsafeBufferPointer { a in
          kernels.negativeDistances(
            MatrixView(a.baseAddress.unsafelyUnwrapped, rows: m, columns: k), packed,
            into: out.matrix(rows: m, columns: n))
        }
        for row in 0..<m {
          for column in 0..<n {
            let sum = (0..<k).reduce(0.0) { sum, i in
              let difference = Double(a[row * k + i]) - Double(w[column * k + i])
              return sum + difference * difference
            }
            #expect(out.pointer[row * n + column] == -Float(sum.squareRoot()))
          }
        }
      }
    }
  }
}
