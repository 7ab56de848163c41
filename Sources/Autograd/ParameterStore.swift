import Kernels

/// The values of a weight in training and the derivative of the loss by them.
///
/// Unchecked: a tape adds to the derivative, each element by one thread at a time; everything else
/// happens between its runs, on the thread that owns it.
package final class TrainedValues: @unchecked Sendable {
  package let values: AlignedBuffer
  /// Zero where nothing was added since the last `clear`; made when it is first asked for, so that
  /// frozen weights have none.
  package private(set) lazy var gradient = Self.zeros(values.count)
  /// Whether anything was added since.
  package var hasGradient = false
  /// How often what a tape has recorded will add to the derivative; not counting what layers record
  /// when they are computed again.
  package internal(set) var uses = 0
  /// Whether the weight stays as it is: then no derivative is computed.
  package var isFrozen = false
  /// Whether layers multiply with it.
  var multiplies = false
  /// What layers add to their products with it.
  var lowRank: LowRankUpdate?

  init(_ values: AlignedBuffer) {
    self.values = values
  }

  private static func zeros(_ count: Int) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: count)
    buffer.pointer.update(repeating: 0, count: count)
    return buffer
  }

  /// Forgets the derivative.
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
  /// The derivative to add to; nil where none is wanted.
  var gradient: UnsafeMutablePointer<Float>? {
    guard let training, !training.isFrozen else { return nil }
    return training.gradient.pointer + offset
  }

  /// The derivative as rows × columns, as `matrix` has the values; notes that something is added.
  func gradientToAddTo() -> MutableMatrixView? {
    guard let gradient else { return nil }
    training?.hasGradient = true
    return MutableMatrixView(gradient, rows: matrix.rows, columns: matrix.columns)
  }
}
