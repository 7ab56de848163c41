import Autograd
import Testing

struct LayerAgreementTests {
  private static func agreement(_ rows: [([Float], [Float])]) -> LayerAgreement {
    var agreement = LayerAgreement(["a.weight"], place: 0)
    for (exact, found) in rows {
      exact.withUnsafeBufferPointer { exact in
        found.withUnsafeBufferPointer { agreement.add(exact, $0) }
      }
    }
    return agreement
  }

  /// (3,4) · (4,3) is 24 of 25; a multiple of a row is like it; a zero is like a zero only.
  private static let rows: [(row: ([Float], [Float]), cosine: Double)] = [
    (([3, 4], [4, 3]), 0.96), (([1, 2], [2, 4]), 1), (([0, 0], [0, 0]), 1), (([0, 0], [1, 0]), 0),
    (([1, 0], [-1, 0]), -1),
  ]

  /// A row without numbers has no cosine, and says so.
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func rowsWithoutNumbers(_ odd: Float) {
    var all = Self.agreement([([3, 4], [4, 3])])
    #expect(all.isFinite)
    for row in [([odd, 1], [1, 1]), ([1, 1], [1, odd])] as [([Float], [Float])] {
      let one = Self.agreement([row])
      #expect(!one.isFinite && one.rows == 0 && one.cosine == 1)
      all.add(one)
    }
    #expect(!all.isFinite && all.rows == 1)
  }

  @Test func cosines() {
    for (row, cosine) in Self.rows {
      let one = Self.agreement([row])
      // A cosine is kept to a unit of 2⁻³².
      #expect(abs(one.cosine - cosine) < 3e-10 && abs(one.lowest - cosine) < 1e-15)
    }
    let all = Self.agreement(Self.rows.map(\.row))
    #expect(abs(all.cosine - (0.96 + 1 + 1 + 0 - 1) / 5) < 3e-10)
    #expect(all.lowest == -1 && all.rows == 5)
    #expect(Self.agreement([]).cosine == 1)
  }

  @Test func orderDoesNotMatter() {
    let rows = Self.rows.map(\.row)
    var parts = Self.agreement(Array(rows[3...].reversed()))
    parts.add(Self.agreement(Array(rows[..<3])))
    #expect(parts == Self.agreement(rows))
  }
}
