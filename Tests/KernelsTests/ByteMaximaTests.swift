import KernelReference
import Kernels
import Testing

/// What rows of bytes may be at most, in sequences.
@Suite struct ByteMaximaTests {
  @Test(arguments: [1, 5, 16, 17, 33, 64, 65, 130], [1, 4, 63, 64, 130])
  func bitsOfTheDefinition(n: Int, k: Int) {
    var random = CounterRandom(seed: UInt64(n * 1000 + k))
    let starts = [0, 0, 1, 8, 8, 31, 37]
    let m = 37
    let codes = (0..<m * k).map { _ in
      Int8(max(-127, min(127, Int(random.next() % 300) - 150)))
    }
    let scales = Sample.uniform(m, stream: 1).map(\.magnitude)
    let errors = Sample.uniform(m, stream: 2).map(\.magnitude)
    let norms = Sample.uniform(m, stream: 3).map(\.magnitude)
    let offsets = Sample.uniform(m, stream: 4)
    let queries = Sample.uniform(n * k, stream: 5)
    let width = (n + 15) / 16 * 16
    let byError = Sample.uniform(width, stream: 6)
    let byNorm = Sample.uniform(width, stream: 7)
    for withOffsets in [false, true] {
      var expected: [UInt32] = []
      for sequence in 0..<starts.count - 1 {
        for query in 0..<n {
          let (steps, scale) = Reference.signedSteps(Array(queries[query * k..<(query + 1) * k]))
          var most = -Float.infinity
          for row in starts[sequence]..<starts[sequence + 1] {
            let whole = (0..<k).reduce(0) { $0 + Int(codes[row * k + $1]) * steps[$1] }
            let product = Float(whole) * (scale * scales[row])
            let bound = (norms[row] * byNorm[query]).addingProduct(errors[row], byError[query])
            most = max(most, product + bound + (withOffsets ? offsets[row] : 0))
          }
          expected.append(most.bitPattern)
        }
      }
      for kernels in instances {
        let matrix = queries.withUnsafeBufferPointer {
          NarrowMatrix(
            $0.baseAddress.unsafelyUnwrapped, .int8, rows: n, columns: k, kernels: kernels)
        }
        let out = AlignedBuffer(count: (starts.count - 1) * width)
        withPointers(codes, scales, errors, norms, offsets) { rows in
          var rows = rows
          if !withOffsets { rows.offsets = nil }
          kernels.largest(
            rows, matrix, byError: byError, byNorm: byNorm, starts: starts, into: out)
        }
        let found = (0..<starts.count - 1).flatMap { sequence in
          (0..<n).map { out.pointer[sequence * width + $0].bitPattern }
        }
        #expect(found == expected, "\(kernels.instructionSet.name)")
      }
    }
  }

  /// Rows that are what is left of centroids, with room between them.
  @Test(arguments: [1, 16, 33], [4, 30])
  func centroidsAreAdded(n: Int, k: Int) {
    var random = CounterRandom(seed: UInt64(n * 1000 + k))
    let starts = [0, 2, 2, 9]
    let (m, lines, gap) = (9, 5, 3)
    let width = (n + 15) / 16 * 16
    let codes = (0..<m * (k + gap)).map { _ in Int8(Int(random.next() % 255) - 127) }
    let scales = Sample.uniform(m, stream: 1).map(\.magnitude)
    let none = [Float](repeating: 0, count: max(m, width))
    let offsets = Sample.uniform(m, stream: 4)
    let factors = Sample.uniform(m, stream: 8).map(\.magnitude)
    let added = Sample.uniform(lines * width, stream: 9)
    let names = (0..<m).map { _ in Int32(random.next() % UInt64(lines)) }
    let queries = Sample.uniform(n * k, stream: 5)
    var expected: [UInt32] = []
    for sequence in 0..<starts.count - 1 {
      for query in 0..<n {
        let (steps, scale) = Reference.signedSteps(Array(queries[query * k..<(query + 1) * k]))
        var most = -Float.infinity
        for row in starts[sequence]..<starts[sequence + 1] {
          let whole = (0..<k).reduce(0) { $0 + Int(codes[row * (k + gap) + $1]) * steps[$1] }
          let product = Float(whole) * (scale * scales[row])
          let sum = product + added[Int(names[row]) * width + query]
          most = max(most, sum * factors[row] + offsets[row])
        }
        expected.append(most.bitPattern)
      }
    }
    for kernels in instances {
      let matrix = queries.withUnsafeBufferPointer {
        NarrowMatrix(
          $0.baseAddress.unsafelyUnwrapped, .int8, rows: n, columns: k, kernels: kernels)
      }
      let out = AlignedBuffer(count: (starts.count - 1) * width)
      withPointers(codes, scales, none, none, offsets) { rows in
        added.withUnsafeBufferPointer { added in
          names.withUnsafeBufferPointer { names in
            factors.withUnsafeBufferPointer { factors in
              kernels.largest(
                rows, matrix, byError: none, byNorm: none, starts: starts,
                adding: AddedScores(
                  scores: added.baseAddress.unsafelyUnwrapped, stride: width,
                  lines: names.baseAddress.unsafelyUnwrapped,
                  factors: factors.baseAddress.unsafelyUnwrapped),
                rowStride: k + gap, into: out)
            }
          }
        }
      }
      let found = (0..<starts.count - 1).flatMap { sequence in
        (0..<n).map { out.pointer[sequence * width + $0].bitPattern }
      }
      #expect(found == expected, "\(kernels.instructionSet.name)")
    }
  }

  private func withPointers(
    _ codes: [Int8], _ scales: [Float], _ errors: [Float], _ norms: [Float], _ offsets: [Float],
    _ body: (ByteRows) -> Void
  ) {
    let count = scales.count
    func pointer<T>(_ values: [T], _ body: (UnsafePointer<T>) -> Void) {
      values.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
    pointer(codes) { codes in
      pointer(scales) { scales in
        pointer(errors) { errors in
          pointer(norms) { norms in
            pointer(offsets) { offsets in
              body(
                ByteRows(
                  count: count, codes: codes, scales: scales, errors: errors,
                  norms: norms, offsets: offsets))
            }
          }
        }
      }
    }
  }
}
