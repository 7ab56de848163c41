import Failures
import Glibc

/// Factor of a learning rate, or another value, at each step: 0 during the delay, then a rise to 1,
/// then perhaps a decay.
///
/// Lightning IR `schedulers/schedulers.py`; the cosine is that of transformers' `optimization.py`.
package struct Schedule: Sendable, Equatable {
  package enum Shape: String, Sendable, CaseIterable {
    /// Linear rise, linear decay.
    case linear
    /// Linear rise, no decay.
    case constant
    /// Quadratic rise, no decay.
    case quadratic
    /// Linear rise, decay along half a cosine.
    case cosine
  }

  package var shape: Shape
  /// Steps at 0 in front of the rise.
  package var delay: Int
  /// Steps of the rise.
  package var warmup: Int
  /// Steps in all, at the end of which a decay has reached `final`.
  package var steps: Int
  /// Factor at which a decay ends.
  package var final: Double

  /// A schedule of `steps` steps.
  ///
  /// - Throws: 78 for negative numbers.
  package init(
    _ shape: Shape, steps: Int, warmup: Int = 0, delay: Int = 0, final: Double = 0,
    place: String? = nil
  ) throws(Failure) {
    for (name, value) in [("steps", steps), ("warmup", warmup), ("delay", delay)] where value < 0 {
      throw .config(place, "\(name): expected at least 0, found \(value)")
    }
    self.shape = shape
    self.steps = steps
    self.warmup = warmup
    self.delay = delay
    self.final = final
  }

  /// The factor at `step`, from 0.
  ///
  /// A learning rate starts at step 0, other values at step 1, as in
  /// the reference.
  package func factor(_ step: Int) -> Double {
    if step < delay { return 0 }
    if step < delay + warmup {
      let risen = Double(step - delay) / Double(warmup)
      return shape == .quadratic ? risen * risen : risen
    }
    let done = Double(step - delay - warmup)
    // Where delay and rise take all steps, there is nothing to decay over.
    let decaying = Double(steps - delay - warmup)
    if decaying == 0, step >= steps, shape == .linear || shape == .cosine { return final }
    switch shape {
    case .constant, .quadratic: return 1
    case .linear: return max(final, 1 - (1 - final) / decaying * done)
    case .cosine:
      let progress = min(max(done / decaying, 0), 1)
      return final + (1 - final) * 0.5 * (1 + cos(.pi * progress))
    }
  }
}
