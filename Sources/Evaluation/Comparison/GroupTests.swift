/// Tests of several runs at once.
package enum GroupTests {
  /// Tukey's HSD for each pair of groups, as `scipy.stats.tukey_hsd`: groups are independent.
  package static func tukey(_ groups: [[Double]]) -> [[Double]] {
    let count = groups.reduce(0) { $0 + $1.count }
    let means = groups.map(PairedTests.mean)
    var within = 0.0
    for (group, mean) in zip(groups, means) {
      for value in group { within += (value - mean) * (value - mean) }
    }
    let degrees = Double(count - groups.count)
    let variance = within / degrees
    var p = [[Double]](
      repeating: [Double](repeating: 1, count: groups.count), count: groups.count)
    for i in groups.indices {
      for j in groups.indices where j > i {
        let error =
          (variance / 2 * (1 / Double(groups[i].count) + 1 / Double(groups[j].count))).squareRoot()
        p[i][j] = Distributions.studentizedRange(
          above: abs(means[i] - means[j]) / error, groups: groups.count, degrees: degrees)
        p[j][i] = p[i][j]
      }
    }
    return p
  }

  /// Bonferroni's correction of p-values for their number; NaN stays and does not count.
  package static func bonferroni(_ values: [Double]) -> [Double] {
    let count = Double(values.count { !$0.isNaN })
    return values.map { $0.isNaN ? $0 : min(1, $0 * count) }
  }

  /// Holm's correction: the smallest counts for all, the next for all but one, and so on.
  package static func holm(_ values: [Double]) -> [Double] {
    let order = values.indices.filter { !values[$0].isNaN }.sorted { values[$0] < values[$1] }
    var corrected = values
    var highest = 0.0
    for (i, index) in order.enumerated() {
      highest = max(highest, min(1, values[index] * Double(order.count - i)))
      corrected[index] = highest
    }
    return corrected
  }
}
