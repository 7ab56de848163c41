/// What scores are multiplied by in front of a softmax, as a number that configurations have.
///
/// sentence-transformers' losses have a scale, most papers a temperature, its inverse.
package struct LogitScale: Sendable, Equatable {
  package enum Name: String, Sendable { case temperature, scale }

  package var name: Name
  package var number: Double

  /// The scale or the temperature `number`; 1 of either changes nothing.
  package init(_ name: Name = .temperature, _ number: Double = 1) {
    self.name = name
    self.number = number
  }

  package var factor: Double { name == .temperature ? 1 / number : number }

  /// The cross entropy of scaled scores, and its derivatives by the scores as they are.
  func crossEntropy(
    _ scores: ArraySlice<Float>, right: Int
  ) -> (value: Double, slopes: [Double]) {
    let factor = factor
    let (value, slopes) = Softmax(scores.map { Double($0) * factor }).crossEntropy(right: right)
    return (value, slopes.map { $0 * factor })
  }
}
