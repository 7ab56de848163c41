import Failures
import Kernels
import LinearAlgebra
import Testing

@Suite struct SingularValueTests {
  private static func matrix(_ size: Int, seed: UInt64) -> [Double] {
    let random = CounterRandom(seed: seed)
    return (0..<size * size).map { Double(random.normal(at: UInt64($0))) }
  }

  /// a · b, or a · bᵀ, of square matrices.
  private static func product(
    _ a: [Double], _ b: [Double], _ size: Int, transposed: Bool = false
  ) -> [Double] {
    (0..<size * size).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: size)
      return (0..<size).reduce(0.0) {
        $0 + a[row * size + $1] * (transposed ? b[column * size + $1] : b[$1 * size + column])
      }
    }
  }

  private static func isIdentity(_ a: [Double], _ size: Int) -> Bool {
    a.enumerated().allSatisfy { abs($1 - ($0 / size == $0 % size ? 1 : 0)) < 1e-10 }
  }

  /// The product of the parts is the matrix, and the outer ones are orthogonal.
  @Test(arguments: [1, 2, 7, 40]) func partsOfTheMatrix(size: Int) throws {
    let library = try LinearAlgebra()
    for rank in [size, max(1, size / 2)] {
      var matrix = Self.matrix(size, seed: UInt64(size))
      for row in rank..<size {
        for column in 0..<size { matrix[row * size + column] = matrix[column] }
      }
      let found = try SingularValueDecomposition(matrix, size: size, library)
      #expect(found.values == found.values.sorted(by: >) && found.values.allSatisfy { $0 >= 0 })
      var scaled = found.u
      for place in scaled.indices { scaled[place] *= found.values[place % size] }
      let whole = Self.product(scaled, found.vt, size)
      #expect(zip(whole, matrix).allSatisfy { abs($0 - $1) < 1e-10 })
      #expect(Self.isIdentity(Self.product(found.u, found.u, size, transposed: true), size))
      #expect(Self.isIdentity(Self.product(found.vt, found.vt, size, transposed: true), size))
      #expect(
        Self.isIdentity(Self.product(found.rotation, found.rotation, size, transposed: true), size))
    }
  }

  /// The rotation of a rotated and stretched set of vectors is found again.
  @Test func nearestRotation() throws {
    let library = try LinearAlgebra()
    let rotation = try SingularValueDecomposition(Self.matrix(9, seed: 3), size: 9, library)
      .rotation
    let vectors = Self.matrix(9, seed: 4)
    // Σ (R x) xᵀ over the rows x of a matrix X is R Xᵀ X.
    var squares = [Double](repeating: 0, count: 81)
    for place in squares.indices {
      for row in 0..<9 {
        squares[place] += vectors[row * 9 + place / 9] * vectors[row * 9 + place % 9]
      }
    }
    let products = Self.product(rotation, squares, 9)
    let found = try SingularValueDecomposition(products, size: 9, library).rotation
    #expect(zip(found, rotation).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  /// A library that is not there is named.
  @Test func missingLibrary() {
    let failure = #expect(throws: Failure.self) { try LinearAlgebra(["libnowhere.so.1"]) }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("no LAPACK library") == true)
  }
}
