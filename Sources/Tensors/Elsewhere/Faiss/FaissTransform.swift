import Failures

/// What faiss does with vectors before it stores them, if it can be undone without loss.
enum FaissTransform {
  case normalization
  /// A rotation, whose rows are orthogonal and of unit length (square, of `outer` numbers each), and
  /// what is added behind it; empty for nothing.
  case rotation([Float], offsets: [Float], outer: Int)

  var isNormalization: Bool {
    if case .normalization = self { true } else { false }
  }

  func undone(_ vector: [Float]) -> [Float] {
    guard case .rotation(let rows, let offsets, let outer) = self else { return vector }
    var result = [Double](repeating: 0, count: outer)
    for (row, number) in vector.enumerated() {
      let moved = Double(number) - (offsets.isEmpty ? 0 : Double(offsets[row]))
      for i in 0..<outer { result[i] += Double(rows[row * outer + i]) * moved }
    }
    return result.map { Float($0) }
  }
}

extension FaissReader {
  private static let whole = "take an index that keeps the vectors as they were"

  /// A transform.
  ///
  /// - Parameters:
  ///   - outer: Dimension of what it takes.
  ///   - metric: How its results are compared.
  /// - Returns: The transform, and the dimension of its results.
  /// - Throws: 65 where it is damaged; 78 for one that loses what comparisons need.
  mutating func transform(
    _ outer: Int, _ metric: FaissIndex.Metric
  ) throws(Failure) -> (FaissTransform, Int) {
    let name = try name()
    var result = FaissTransform.normalization
    switch name {
    case "VNrm":
      let norm: Float = try value()
      guard norm == 2 else {
        throw .config(path, "vectors normalized by their norm \(norm) are not read")
      }
    case "rrot", "LTra", "Pcam", "PcAm":
      if name.hasPrefix("P") { try skipAnalysis() }
      _ = try flag()
      let rows: [Float] = try numbers()
      result = .rotation(rows, offsets: try numbers(), outer: outer)
    default:
      throw .config(
        path, "transform \(name) of faiss is not read", hint: "L2norm, OPQ, RR and PCA are")
    }
    let (from, to): (Int32, Int32) = (try value(), try value())
    guard try flag(), Int(from) == outer, to > 0 else {
      throw damaged("a transform of \(from) to \(to) dimensions, expected \(outer)")
    }
    if case .rotation(let rows, let offsets, _) = result {
      try checkRotation(rows, offsets, outer, Int(to))
      guard metric == .distance || offsets.allSatisfy({ $0 == 0 }) else {
        throw .config(
          path, "its transform moves vectors, which changes their inner products",
          hint: Self.whole)
      }
    }
    return (result, Int(to))
  }

  /// What a principal component analysis keeps beside its rotation.
  private mutating func skipAnalysis() throws(Failure) {
    let _: Float = try value()
    let _: Float = try value()
    _ = try flag()
    let _: Int32 = try value()
    for _ in 0..<3 { _ = try elements(of: 4) }
  }

  private func checkRotation(
    _ rows: [Float], _ offsets: [Float], _ outer: Int, _ inner: Int
  ) throws(Failure) {
    let (size, overflow) = outer.multipliedReportingOverflow(by: inner)
    guard !overflow, rows.count == size, rows.allSatisfy(\.isFinite),
      offsets.isEmpty || offsets.count == inner, offsets.allSatisfy(\.isFinite)
    else { throw damaged("a transform of \(rows.count) numbers, expected \(inner) x \(outer)") }
    func refusal(_ what: String) -> Failure {
      .config(
        path, "its transform \(what): vectors cannot be taken out of it",
        hint: Self.whole)
    }
    guard inner == outer else { throw refusal("has fewer dimensions than vectors") }
    for first in 0..<inner {
      for second in 0...first {
        var product = 0.0
        for i in 0..<outer {
          product += Double(rows[first * outer + i]) * Double(rows[second * outer + i])
        }
        // Rotations that were computed in single precision are one to about 1e-6.
        guard abs(product - (first == second ? 1 : 0)) < 1e-4 else {
          throw refusal("is no rotation")
        }
      }
    }
  }
}
