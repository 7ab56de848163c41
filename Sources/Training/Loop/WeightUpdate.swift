import Autograd
import Failures
import Kernels
import Workers

/// Moves the weights of a store along their derivatives, step by step.
package final class WeightUpdate {
  package let kind: OptimizerKind
  private let store: ParameterStore
  private let pool: WorkerPool
  /// State of each weight, in the order of the store.
  private var states: [State]

  /// State that the optimiser keeps of one weight.
  private struct State {
    /// Steps in which the weight had a derivative.
    var steps = 0
    /// `kind.stateCount` arrays of the weight's size; none before the first step.
    var moments: [AlignedBuffer] = []
    var weightDecay: Double
    /// Factor of the learning rate.
    var rate: Double
  }

  /// Elements that one thread takes at a time.
  private static let chunk = 1 << 15

  /// Prepares to update the weights of `store`, which `pool` does; `weightDecay` and `rate`, the factor of
  /// the learning rate, know names.
  package init(
    _ kind: OptimizerKind, _ store: ParameterStore, _ pool: WorkerPool,
    weightDecay: (String) -> Double, rate: (String) -> Double = { _ in 1 }
  ) {
    self.kind = kind
    self.store = store
    self.pool = pool
    states = store.parameters.map {
      State(weightDecay: weightDecay($0.name), rate: rate($0.name))
    }
  }

  // MARK: Saving

  /// Steps of every weight, in the order of the store.
  package var steps: [Int] { states.map(\.steps) }

  /// Moments of a weight in the optimiser; empty before its first step.
  package func moments(_ index: Int) -> [AlignedBuffer] { states[index].moments }

  /// Goes on from what another update has remembered of a weight.
  ///
  /// - Precondition: there are as many moments as `kind` has, of the weight's size.
  package func restore(_ index: Int, steps: Int, moments: [AlignedBuffer]) {
    precondition(
      moments.count == kind.stateCount
        && moments.allSatisfy { $0.count == store.parameters[index].count },
      "moments of another weight")
    states[index].steps = steps
    states[index].moments = moments
  }

  /// The Euclidean norm of all derivatives together, summed in chunks of fixed size.
  package func gradientNorm() -> Double {
    var sum = 0.0
    for training in store.parameters.compactMap(\.training) where training.hasGradient {
      let gradient = training.gradient
      let chunks = (gradient.count + Self.chunk - 1) / Self.chunk
      let sums = UnsafeMutableBufferPointer<Double>.allocate(capacity: chunks)
      defer { sums.deallocate() }
      pool.forEachUnchecked(chunks) { chunk, _ in
        var part = 0.0
        for i in chunk * Self.chunk..<min((chunk + 1) * Self.chunk, gradient.count) {
          part += Double(gradient.pointer[i]) * Double(gradient.pointer[i])
        }
        sums[chunk] = part
      }
      sum += sums.reduce(0, +)
    }
    return sum.squareRoot()
  }

  /// One step; weights without a derivative stay as they are, decay included, as torch does it.
  ///
  /// - Parameters:
  ///   - learningRate: That of the step.
  ///   - norm: As `gradientNorm` gave it.
  ///   - clip: Derivatives of a larger norm are scaled down to this one; nil for any.
  package func step(learningRate: Double, norm: Double, clip: Double?) {
    // The little more is torch's (`clip_grad_norm_`).
    let factor = clip.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    for (i, parameter) in store.parameters.enumerated() {
      guard let training = parameter.training, training.hasGradient else { continue }
      if states[i].moments.isEmpty {
        states[i].moments = (0..<kind.stateCount).map { _ in
          let buffer = AlignedBuffer(count: parameter.count)
          buffer.pointer.update(repeating: 0, count: parameter.count)
          return buffer
        }
      }
      states[i].steps += 1
      let step = OptimizerStep(
        kind, learningRate: learningRate * states[i].rate, weightDecay: states[i].weightDecay,
        number: states[i].steps)
      apply(step, training, states[i].moments, Float(factor))
    }
  }

  private func apply(
    _ step: OptimizerStep, _ training: TrainedValues, _ moments: [AlignedBuffer], _ factor: Float
  ) {
    let count = training.values.count
    pool.forEachUnchecked((count + Self.chunk - 1) / Self.chunk) { chunk, _ in
      let first = chunk * Self.chunk
      let size = min(Self.chunk, count - first)
      func part(_ buffer: AlignedBuffer) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: buffer.pointer + first, count: size)
      }
      step.apply(
        to: part(training.values), gradient: UnsafeBufferPointer(part(training.gradient)),
        gradientScale: factor, state: moments.map(part))
    }
  }
}
