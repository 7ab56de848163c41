import Kernels
import Testing

/// Reproducible numbers and comparisons for the tests of this target.
enum Sample {
  /// `count` numbers uniform in [-1, 1); `stream` chooses which.
  static func uniform(_ count: Int, stream: UInt64) -> [Float] {
    let random = CounterRandom(seed: 1, stream: stream)
    return (0..<count).map { 2 * random.uniform(at: UInt64($0)) - 1 }
  }
}

extension [Float] {
  /// Compares like `memcmp`, so that -0 is not 0 and a NaN equals itself.
  var bits: [UInt32] { map(\.bitPattern) }

  /// The array as a matrix, for the duration of `body`.
  func withMatrix<R>(rows: Int, stride: Int? = nil, columns: Int, _ body: (MatrixView) -> R) -> R {
    precondition(rows == 0 || (rows - 1) * (stride ?? columns) + columns <= count)
    return withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { preconditionFailure("an empty array") }
      return body(MatrixView(base, rows: rows, columns: columns, stride: stride))
    }
  }

  /// Elements of a matrix of NaN into which `body` has written.
  static func written(
    rows: Int, columns: Int, stride: Int? = nil, _ body: (MutableMatrixView) -> Void
  ) -> [Float] {
    let step = stride ?? columns
    var out = [Float](repeating: .nan, count: rows * step)
    out.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress else { preconditionFailure("an empty array") }
      body(MutableMatrixView(base, rows: rows, columns: columns, stride: step))
    }
    return out
  }
}

/// The largest difference from the true values; infinite where a number is missing or a NaN.
func largestError(_ y: [Float], _ truth: [Double]) -> Double {
  guard y.count == truth.count else { return .infinity }
  return zip(y, truth).map { ($0.isNaN || $1.isNaN) ? .infinity : abs(Double($0) - $1) }.max() ?? 0
}

/// The instances under test.
let instances = InstructionSet.supported.map { Kernels($0) }
