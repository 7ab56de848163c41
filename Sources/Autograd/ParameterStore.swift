import Kernels

/// The values of a weight in training and the derivative of the loss by them.
///
/// Unchecked: the elements of `values` and of the derivative are written by the workers of one loop,
/// each element by one of them. All variables are written by the one thread that records on the
/// tapes, runs them backward and starts those loops, and never while a loop runs; so workers may
/// read them.
package final class TrainedValues: @unchecked Sendable {
  package let values: AlignedBuffer
  /// Nil until something is added, so that frozen weights take no memory for it.
  private var derivative: AlignedBuffer?
  /// Whether anything was added to the derivative since the last `clear`.
  package private(set) var hasGradient = false
  /// Number of recorded operations that will add to the derivative, without those that layers record
  /// when they are computed again.
  package internal(set) var uses = 0
  /// Whether the weight stays as it is: then no derivative is computed.
  package var isFrozen = false
  /// Whether layers multiply with the weight.
  var multiplies = false
  /// Update that layers add to their products with the weight.
  var lowRank: LowRankUpdate?
  /// What a layer's update adds to this bias of the layer: a factor times another bias.
  var addition: (bias: Parameter, factor: Double)?

  init(_ values: AlignedBuffer) {
    self.values = values
  }

  /// The derivative, which is zero where nothing was added since the last `clear`.
  ///
  /// - Precondition: `addsToGradient` was called once.
  package var gradient: AlignedBuffer {
    guard let derivative else { preconditionFailure("there is no derivative yet") }
    return derivative
  }

  /// Notes that something will be added to the derivative, and makes it where there is none.
  package func addsToGradient() {
    hasGradient = true
    if derivative != nil { return }
    let zeros = AlignedBuffer(count: values.count)
    zeros.pointer.update(repeating: 0, count: zeros.count)
    derivative = zeros
  }

  /// Forgets the derivative, and keeps its memory.
  package func clear() {
    if hasGradient { gradient.pointer.update(repeating: 0, count: gradient.count) }
    hasGradient = false
  }
}

/// The weights of a model in training, each once, however many layers share it.
package final class ParameterStore {
  /// In the order in which the model asked for them.
  package private(set) var parameters: [Parameter] = []
  private var places: [String: Int] = [:]

  package init() {}

  /// The weight of a name, if there is one.
  package subscript(name: String) -> Parameter? { places[name].map { parameters[$0] } }

  /// Adds a weight; `values` belongs to the store from now on.
  ///
  /// - Precondition: the store has none of that name.
  package func add(_ name: String, shape: [Int], _ values: AlignedBuffer) -> Parameter {
    precondition(places[name] == nil, "\(name) is in the store")
    precondition(values.count == shape.reduce(1, *), "\(name): \(values.count) values, \(shape)")
    let parameter = Parameter(name: name, shape: shape, training: TrainedValues(values))
    places[name] = parameters.count
    parameters.append(parameter)
    return parameter
  }

  /// Forgets all derivatives.
  package func clearGradients() {
    for parameter in parameters { parameter.training?.clear() }
  }
}

extension Parameter {
  /// Whether the derivative by the parameter is wanted.
  var isTrained: Bool { training.map { !$0.isFrozen } ?? false }

  /// The derivative as rows × columns, as `matrix` has the values; nil where none is wanted.
  ///
  /// Notes that something is added: not to be called by the workers of a loop.
  func gradientToAddTo() -> MutableMatrixView? {
    guard let training, !training.isFrozen else { return nil }
    training.addsToGradient()
    return MutableMatrixView(
      training.gradient.pointer + offset, rows: matrix.rows, columns: matrix.columns)
  }
}
