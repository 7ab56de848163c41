import Glibc

/// Rule by which weights follow their gradients.
package enum OptimizerKind: Sendable, Equatable {
  /// Adam whose decay of weights does not pass through the moments (Loshchilov and Hutter,
  /// arXiv:1711.05101); torch `optim/adamw.py`.
  case adamW(AdamSettings)
  /// Adam whose decay of weights is part of the gradient (Kingma and Ba, arXiv:1412.6980); torch
  /// `optim/adam.py`.
  case adam(AdamSettings)
  /// Stochastic gradient descent with momentum; torch `optim/sgd.py`.
  case sgd(momentum: Double, nesterov: Bool)

  package struct AdamSettings: Sendable, Equatable {
    /// Shares of the first and second moments that each step keeps.
    package var betas: (Double, Double)
    package var epsilon: Double

    package init(betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8) {
      self.betas = betas
      self.epsilon = epsilon
    }

    package static func == (a: AdamSettings, b: AdamSettings) -> Bool {
      a.betas == b.betas && a.epsilon == b.epsilon
    }
  }

  /// Arrays of the weights' size that are kept between steps.
  package var stateCount: Int {
    switch self {
    case .adamW, .adam: 2
    case .sgd(let momentum, _): momentum == 0 ? 0 : 1
    }
  }
}

/// One step of an optimiser on one parameter.
///
/// Arithmetic is torch's: single precision for the elements, factors rounded once from double.
package struct OptimizerStep: Sendable {
  package let kind: OptimizerKind
  package let learningRate: Double
  package let weightDecay: Double
  /// Steps so far with this one, from 1.
  package let number: Int

  package init(_ kind: OptimizerKind, learningRate: Double, weightDecay: Double, number: Int) {
    precondition(number > 0, "step \(number)")
    self.kind = kind
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.number = number
  }

  /// Moves `weights` against `gradient`, each element scaled by `gradientScale` first.
  ///
  /// - Parameters:
  ///   - weights: Of one parameter, or of a part of it.
  ///   - gradient: The derivatives by them.
  ///   - gradientScale: What clipping leaves of a derivative.
  ///   - state: `kind.stateCount` arrays, zero before the first step.
  package func apply(
    to weights: UnsafeMutableBufferPointer<Float>, gradient: UnsafeBufferPointer<Float>,
    gradientScale: Float = 1, state: [UnsafeMutableBufferPointer<Float>]
  ) {
    precondition(
      gradient.count == weights.count && state.count == kind.stateCount
        && state.allSatisfy { $0.count == weights.count },
      "step: \(weights.count) weights, \(gradient.count) derivatives, \(state.count) states")
    switch kind {
    case .adamW(let settings):
      adam(settings, decoupled: true, weights, gradient, gradientScale, state[0], state[1])
    case .adam(let settings):
      adam(settings, decoupled: false, weights, gradient, gradientScale, state[0], state[1])
    case .sgd(let momentum, let nesterov):
      descend(Float(momentum), nesterov, weights, gradient, gradientScale, state.first)
    }
  }

  private func adam(
    _ settings: OptimizerKind.AdamSettings, decoupled: Bool,
    _ weights: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeBufferPointer<Float>,
    _ gradientScale: Float, _ first: UnsafeMutableBufferPointer<Float>,
    _ second: UnsafeMutableBufferPointer<Float>
  ) {
    let (beta1, beta2) = settings.betas
    let correction1 = 1 - pow(beta1, Double(number))
    let correction2 = (1 - pow(beta2, Double(number))).squareRoot()
    let stepSize = Float(learningRate / correction1)
    let root = Float(correction2)
    let epsilon = Float(settings.epsilon)
    let keep = Float(1 - learningRate * weightDecay)
    let decay = Float(weightDecay)
    let (new1, kept2, new2) = (Float(1 - beta1), Float(beta2), Float(1 - beta2))
    let adds = !decoupled && weightDecay != 0
    for i in 0..<weights.count {
      var g = gradient[i] * gradientScale
      var w = weights[i]
      if decoupled { w *= keep }
      if adds { g += decay * w }
      let m = first[i] + new1 * (g - first[i])
      let v = second[i] * kept2 + new2 * (g * g)
      first[i] = m
      second[i] = v
      weights[i] = w - stepSize * (m / (v.squareRoot() / root + epsilon))
    }
  }

  private func descend(
    _ momentum: Float, _ nesterov: Bool, _ weights: UnsafeMutableBufferPointer<Float>,
    _ gradient: UnsafeBufferPointer<Float>, _ gradientScale: Float,
    _ velocity: UnsafeMutableBufferPointer<Float>?
  ) {
    let rate = Float(learningRate)
    let decay = Float(weightDecay)
    for i in 0..<weights.count {
      var g = gradient[i] * gradientScale
      if decay != 0 { g += decay * weights[i] }
      if let velocity {
        // The first velocity is the gradient itself, as torch has it without dampening.
        velocity[i] = momentum * velocity[i] + g
        g = nesterov ? g + momentum * velocity[i] : velocity[i]
      }
      weights[i] -= rate * g
    }
  }
}
