import Clustering
import KernelReference
import Kernels
import LinearAlgebra
import Testing
import Workers

@Suite struct ProductQuantizerTests {
  private let pool = WorkerPool(threads: 2)

  /// Each part's code is its nearest centroid, and a product of decoded vectors is the sum of what codes
  /// look up.
  @Test(arguments: [16, 256], [1, 3, 6]) func codesOfParts(entries: Int, parts: Int) {
    let points = Points(300, dimension: 12, centres: 40, seed: 21)
    let quantizer = points.withMatrix {
      ProductQuantizer.learned(
        from: $0, parts: parts, entries: entries, rounds: 4, seed: 5, Kernels(), pool)
    }
    let codes = points.withMatrix { quantizer.codes(of: $0, pool) }
    let width = 12 / parts
    let products = quantizer.products(of: points[7])
    let decoded = quantizer.decoded(codes)
    for row in 0..<300 {
      var looked: Float = 0
      for part in 0..<parts {
        let own = points[row][part * width..<(part + 1) * width]
        let distances = (0..<entries).map { entry -> Double in
          let start = (part * entries + entry) * width
          return zip(own, quantizer.values[start..<start + width]).reduce(0.0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
          }
        }
        let code = Int(codes[row * parts + part])
        #expect(distances[code] <= (distances.min() ?? 0) + 1e-5)
        looked += products[part * entries + code]
      }
      let product = Reference.dot(Array(decoded[row * 12..<(row + 1) * 12]), points[7])
      #expect(abs(product - looked) < 1e-4)
    }
  }

  /// Fewer vectors than entries are coded without an error.
  @Test func fewVectors() {
    let points = Points(9, dimension: 4, centres: 9, seed: 22)
    let quantizer = points.withMatrix {
      ProductQuantizer.learned(
        from: $0, parts: 2, entries: 16, rounds: 20, seed: 5, Kernels(), pool)
    }
    let decoded = quantizer.decoded(points.withMatrix { quantizer.codes(of: $0, pool) })
    #expect(zip(decoded, points.values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  /// What is learned is orthogonal, the same for any threads, and codes vectors with less error.
  @Test func rotation() throws {
    let points = Points(400, dimension: 16, centres: 50, seed: 23)
    func learned(_ threads: Int) throws -> (OptimizedRotation, ProductQuantizer) {
      let found = try OptimizedRotation.learned(
        from: points.values, dimension: 16, parts: 4, entries: 16, seed: 6, LinearAlgebra(),
        Kernels(), WorkerPool(threads: threads))
      return (found.rotation, found.quantizer)
    }
    let (rotation, quantizer) = try learned(1)
    #expect(try learned(3).0.rows == rotation.rows)
    for i in 0..<16 {
      for j in 0...i {
        let product = Reference.dot(
          Array(rotation.rows[i * 16..<(i + 1) * 16]), Array(rotation.rows[j * 16..<(j + 1) * 16]))
        #expect(abs(product - (i == j ? 1 : 0)) < 1e-5)
      }
    }
    func error(_ values: [Float], _ quantizer: ProductQuantizer) -> Double {
      let codes = values.withUnsafeBufferPointer {
        quantizer.codes(
          of: MatrixView($0.baseAddress.unsafelyUnwrapped, rows: 400, columns: 16), pool)
      }
      return zip(values, quantizer.decoded(codes)).reduce(0.0) {
        $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
      }
    }
    let plain = points.withMatrix {
      ProductQuantizer.learned(
        from: $0, parts: 4, entries: 16, rounds: 25, seed: 6, Kernels(), pool)
    }
    let rotated = rotation(points.values, Kernels())
    #expect(error(rotated, quantizer) < 0.8 * error(points.values, plain))
  }
}
