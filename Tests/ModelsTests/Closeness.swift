import Foundation
import Testing

/// Distance of values from the reference's that README.md of the fixtures allows: single precision
/// there is up to 1e-4 from double precision, and dot products reach 1e5.
struct Tolerance {
  let absolute: Float
  let relative: Float

  static let embeddings = Tolerance(absolute: 1e-4, relative: 1e-5)
  static let scores = Tolerance(absolute: 1e-4, relative: 2e-5)
}

/// Compares numbers with the reference's; `LIR_TEST_SAY=1` prints the largest difference.
func expectClose(
  _ found: [Float], _ expected: [Float], _ tolerance: Tolerance, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  #expect(!expected.isEmpty, "\(what): nothing to compare", sourceLocation: sourceLocation)
  var worst: (index: Int, excess: Float)?
  var largest: Float = 0
  for (i, (x, y)) in zip(found, expected).enumerated() {
    let difference = abs(x - y)
    // A NaN is never close.
    let excess = difference - (tolerance.absolute + tolerance.relative * abs(y))
    if !(excess <= 0), worst.map({ excess > $0.excess }) ?? true { worst = (i, excess) }
    largest = max(largest, difference)
  }
  if ProcessInfo.processInfo.environment["LIR_TEST_SAY"] != nil {
    print("largest difference\t\(what)\t\(largest)")
  }
  if let worst {
    Issue.record(
      "\(what): value \(worst.index) is \(found[worst.index]), not \(expected[worst.index])",
      sourceLocation: sourceLocation)
  }
}
