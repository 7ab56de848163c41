import JSON
import TestSupport
import Testing
import Training

@Suite struct OptimizerTests {
  private static func kind(_ item: JSON) throws -> OptimizerKind {
    if item["name"]?.string == "SGD" {
      return .sgd(
        momentum: try #require(item["momentum"]?.double),
        nesterov: try #require(item["nesterov"]?.bool as Bool?))
    }
    let betas = try #require(item["betas"]?.array).compactMap(\.double)
    let settings = OptimizerKind.AdamSettings(
      betas: (betas[0], betas[1]), epsilon: try #require(item["eps"]?.double))
    return item["name"]?.string == "Adam" ? .adam(settings) : .adamW(settings)
  }

  /// Steps of torch's optimisers, made by `scripts/golden/make_optimizers.py`.
  @Test func stepsEqualTorchs() throws {
    let golden = try Fixtures.json("optimizers.json")
    func floats(_ json: JSON?) -> [Float] { (json?.array ?? []).map { Float($0.double ?? .nan) } }
    let gradients = (golden["gradients"]?.array ?? []).map { floats($0) }
    for item in try #require(golden["cases"]?.array) {
      let kind = try Self.kind(item)
      var weights = floats(golden["start"])
      let state = (0..<kind.stateCount).map { _ in
        UnsafeMutableBufferPointer<Float>.allocate(capacity: weights.count)
      }
      defer { for array in state { array.deallocate() } }
      for array in state { array.initialize(repeating: 0) }
      let values = try #require(item["values"]?.array)
      for (index, gradient) in gradients.enumerated() {
        let step = OptimizerStep(
          kind, learningRate: try #require(item["lr"]?.double),
          weightDecay: try #require(item["weight_decay"]?.double), number: index + 1)
        // Half of twice the gradient is the gradient.
        let doubled = gradient.map { 2 * $0 }
        weights.withUnsafeMutableBufferPointer { weights in
          doubled.withUnsafeBufferPointer { gradient in
            step.apply(to: weights, gradient: gradient, gradientScale: 0.5, state: state)
          }
        }
        for (found, wanted) in zip(weights, floats(values[index])) {
          // A few roundings of single precision: torch may fuse what is two operations here.
          #expect(
            abs(found - wanted) <= 4e-7 * max(1, abs(wanted)), "\(item["name"]?.string ?? "")")
        }
      }
    }
  }
}
