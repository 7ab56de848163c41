import Kernels

/// A weight: values in single precision under the name of its checkpoint.
///
/// Unchecked because of `known` and `owner`: all properties are constants, and `owner` keeps the
/// values in memory. Nobody writes the values after `init`, except those that are trained: an
/// optimiser's loop writes them, each element by one worker, while no tape runs. `discard` may be
/// called on any thread. `TrainedValues` says who guards what it has.
package final class Parameter: @unchecked Sendable {
  package let name: String
  package let shape: [Int]
  private let known: UnsafePointer<Float>?
  private let owner: AnyObject?
  private let discard: (@Sendable () -> Void)?
  /// The values in half precision, as their file has them; nil where they are in single precision.
  let half: HalfTable?
  /// Values and derivative of the weight that is trained; nil where the values are fixed.
  package let training: TrainedValues?
  /// Index of the parameter's first value and derivative among those of `training`.
  let offset: Int

  /// A weight with fixed values, which `owner` keeps in memory.
  ///
  /// Where the values can be had again, from a mapped file, `discard` gives their memory back until
  /// they are touched again.
  package init(
    name: String, shape: [Int], values: UnsafePointer<Float>, owner: AnyObject,
    discard: (@Sendable () -> Void)? = nil
  ) {
    self.name = name
    self.shape = shape
    known = values
    self.owner = owner
    self.discard = discard
    half = nil
    training = nil
    offset = 0
  }

  /// A table in half precision, which `owner` keeps in memory, and of which rows are widened as they are
  /// looked up.
  package init(
    name: String, shape: [Int], halves: UnsafePointer<UInt16>, _ format: HalfFormat,
    owner: AnyObject
  ) {
    self.name = name
    self.shape = shape
    known = nil
    self.owner = owner
    discard = nil
    half = HalfTable(halves, count: shape.reduce(1, *), format, owner: owner)
    training = nil
    offset = 0
  }

  /// A weight whose values only a layer needs, which has them packed.
  package init(packed name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
    known = nil
    owner = nil
    discard = nil
    half = nil
    training = nil
    offset = 0
  }

  /// A weight that training changes, or a part of one that begins at `offset`.
  init(name: String, shape: [Int], training: TrainedValues, offset: Int = 0) {
    self.name = name
    self.shape = shape
    self.training = training
    self.offset = offset
    known = UnsafePointer(training.values.pointer + offset)
    owner = training
    discard = nil
    half = nil
  }

  /// The values, row by row.
  ///
  /// - Precondition: The values are here, not only packed in a layer.
  package var values: UnsafePointer<Float> {
    if let half { return half.values }
    guard let known else { preconditionFailure("the values of \(name) are packed") }
    return known
  }

  /// A vector of ones that nothing changes.
  package static func ones(_ count: Int) -> Parameter {
    let buffer = AlignedBuffer(count: count)
    buffer.pointer.update(repeating: 1, count: count)
    return Parameter(
      name: "", shape: [count], values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  /// Copies the values.
  func copy(to target: UnsafeMutablePointer<Float>) {
    if let half {
      half.copy(
        from: 0, into: UnsafeMutableBufferPointer(start: target, count: count), Kernels())
    } else {
      target.update(from: values, count: count)
    }
  }

  /// Row `index` of a matrix [N,K], as a matrix [1,K] that is trained with it.
  package func row(_ index: Int) -> Parameter {
    let columns = columns
    precondition(index >= 0 && index < rows, "row \(index) of \(name)")
    let name = "\(name)[\(index)]"
    if let training {
      return Parameter(
        name: name, shape: [1, columns], training: training, offset: offset + index * columns)
    }
    if let half {
      let row = AlignedBuffer(count: columns)
      half.copy(
        from: index * columns,
        into: UnsafeMutableBufferPointer(start: row.pointer, count: columns), Kernels())
      return Parameter(
        name: name, shape: [1, columns], values: UnsafePointer(row.pointer), owner: row)
    }
    return Parameter(
      name: name, shape: [1, columns], values: values + index * columns, owner: self)
  }

  /// The parameter with another shape.
  package func reshaped(_ shape: [Int]) -> Parameter {
    precondition(shape.reduce(1, *) == count, "\(name): \(self.shape) as \(shape)")
    if let training {
      return Parameter(name: name, shape: shape, training: training, offset: offset)
    }
    if known == nil, half == nil { return Parameter(packed: name, shape: shape) }
    return Parameter(name: name, shape: shape, values: values, owner: self)
  }

  /// Some rows of a matrix [N,K], which are trained with it.
  package func rows(_ range: Range<Int>) -> Parameter {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(name)")
    let (name, shape) = ("\(name)[\(range)]", [range.count, columns])
    if let training {
      return Parameter(
        name: name, shape: shape, training: training, offset: offset + range.lowerBound * columns)
    }
    if known == nil, half == nil { return Parameter(packed: name, shape: shape) }
    return Parameter(
      name: name, shape: shape, values: values + range.lowerBound * columns, owner: self)
  }

  /// Gives memory back once the values were copied: a mapped file need not stay in memory beside the
  /// copy.
  package func wereCopied() { discard?() }

  package var count: Int { shape.reduce(1, *) }

  /// A matrix [K,N] as [N,K], for a layer that packs it.
  ///
  /// - Precondition: The values are not in training.
  package func turned() -> Parameter {
    precondition(training == nil && shape.count == 2, "\(name) of \(shape) to be turned")
    let shape = [columns, rows]
    if known == nil, half == nil { return Parameter(packed: name, shape: shape) }
    let buffer = AlignedBuffer(count: count)
    let target = MutableMatrixView(buffer.pointer, rows: shape[0], columns: shape[1])
    Kernels().transpose(matrix, into: target)
    return Parameter(
      name: name, shape: shape, values: UnsafePointer(buffer.pointer), owner: buffer)
  }

  /// N of a matrix [N,K]; 1 of a vector.
  package var rows: Int { count / max(columns, 1) }

  /// K.
  package var columns: Int { shape.last ?? 1 }

  /// The values as rows × columns; a vector is one row.
  package var matrix: MatrixView {
    MatrixView(values, rows: rows, columns: columns)
  }
}

/// y[T,N] = x[T,K] · W[N,K]ᵀ + b[N], where W may be several matrices on top of each other, whose
/// products then lie side by side.
package final class Linear: Sendable {
  package let weights: [Parameter]
  package let biases: [Parameter]
  /// N.
  package let outputs: Int
  /// K.
  package let inputs: Int
  private let fixed: Fixed
  /// Whether the one weight is stored as [K,N].
  let isTurned: Bool
  /// The weights in bytes beside those of the layer, where a calibration compares the products of
  /// both; else nil.
  let trial: NarrowMatrix?

  private enum Fixed: Sendable {
    case inTraining(Precision)
    case single(PackedMatrix)
    case narrow(NarrowMatrix)
  }

  /// The first weight's name in the checkpoint, without `.weight`.
  package var name: String { Self.name(weights[0].name) }

  /// The name of a layer by that of its first weight.
  package static func name(_ weight: String) -> String {
    let suffix = ".weight"
    return weight.hasSuffix(suffix) ? String(weight.dropLast(suffix.count)) : weight
  }

  /// Weights and biases in single precision, as the kernels take them.
  ///
  /// - Precondition: The layer is not in training, where packed weights would be those of an earlier
  ///   step, and its weights are not narrow.
  var packed: PackedMatrix {
    guard case .single(let matrix) = fixed else {
      preconditionFailure("\(weights[0].name) is in training or narrow")
    }
    return matrix
  }

  /// Weights in bfloat16 or bytes, and biases, as the kernels take them; nil where the layer is in
  /// single precision or in training.
  var narrow: NarrowMatrix? {
    if case .narrow(let matrix) = fixed { matrix } else { nil }
  }

  /// Precision of the layer's products.
  package var precision: Precision {
    switch fixed {
    case .inTraining(let precision): precision
    case .single: .f32
    case .narrow(let matrix): matrix.precision
    }
  }

  /// A layer that packs its weights, unless they are in training.
  ///
  /// - Parameters:
  ///   - weights: W[N,K] each, of one K.
  ///   - biases: b[N] for each weight, or none at all.
  ///   - precision: Precision of the products; in training not bytes.
  ///   - calibrates: Whether the weights are kept in bytes as well.
  package init(
    weights: [Parameter], biases: [Parameter] = [], precision: Precision = .f32,
    calibrates: Bool = false
  ) {
    precondition(!weights.isEmpty && (biases.isEmpty || biases.count == weights.count))
    self.biases = biases
    isTurned = false
    defer { for weight in weights { weight.wereCopied() } }
    let columns = weights[0].columns
    precondition(weights.allSatisfy { $0.columns == columns }, "widths differ")
    inputs = columns
    outputs = weights.reduce(0) { $0 + $1.rows }
    if (weights + biases).contains(where: { $0.training != nil }) {
      Self.noteProducts(with: weights)
      self.weights = weights
      fixed = .inTraining(precision)
      trial = nil
      return
    }
    // From here on the packed form counts, and the values need not stay in memory beside it.
    self.weights = weights.map { Parameter(packed: $0.name, shape: $0.shape) }
    let isOne = weights.count == 1 && weights[0].half == nil
    var (values, bias) = (isOne ? weights[0].values : nil, biases.first?.values)
    var copies: [AlignedBuffer] = []
    if !isOne {
      copies = [AlignedBuffer(count: outputs * columns), AlignedBuffer(count: outputs)]
      Self.stack(weights, into: copies[0].pointer)
      Self.stack(biases, into: copies[1].pointer)
      values = UnsafePointer(copies[0].pointer)
      bias = biases.isEmpty ? nil : UnsafePointer(copies[1].pointer)
    }
    guard let values else { preconditionFailure("a layer without weights") }
    (fixed, trial) = withExtendedLifetime(copies) { [outputs] in
      (
        Self.pack(values, outputs, columns, bias: bias, precision),
        calibrates
          ? NarrowMatrix(values, .int8, rows: outputs, columns: columns, bias: bias) : nil
      )
    }
  }

  /// Notes which weights layers multiply with as a whole, though perhaps with their rows in another order.
  private static func noteProducts(with weights: [Parameter]) {
    for weight in weights {
      guard let training = weight.training else { continue }
      let parts = weights.filter { $0.training === training }
      if parts.reduce(0, { $0 + $1.count }) == training.values.count { training.multiplies = true }
    }
  }

  /// A layer whose weights another layer packed and kept.
  ///
  /// - Parameters:
  ///   - weights: W[N,K] each, of one K; their values are not read.
  ///   - biases: b[N] for each weight, or none at all.
  ///   - precision: Precision of the other layer.
  ///   - memory: The `memory` of the other layer.
  package init(
    weights: [Parameter], biases: [Parameter], precision: Precision, memory: AlignedBuffer
  ) {
    self.weights = weights
    self.biases = biases
    isTurned = false
    inputs = weights[0].columns
    outputs = weights.reduce(0) { $0 + $1.rows }
    trial = nil
    if precision == .f32 {
      let bias = AlignedBuffer(count: biases.isEmpty ? 0 : outputs)
      Self.stack(biases, into: bias.pointer)
      fixed = .single(
        PackedMatrix(
          rows: outputs, columns: inputs, memory: memory,
          bias: biases.isEmpty ? nil : UnsafePointer(bias.pointer)))
    } else {
      fixed = .narrow(
        NarrowMatrix(
          memory: memory, precision, rows: outputs, columns: inputs, hasBias: !biases.isEmpty))
    }
  }

  /// A layer in training without a bias, whose weight is stored as [K,N].
  ///
  /// - Parameters:
  ///   - weight: Wᵀ[K,N], in training.
  ///   - precision: Precision of the products; not bytes.
  package init(inTraining weight: Parameter, turned precision: Precision) {
    precondition(weight.training != nil, "\(weight.name) is not in training")
    weights = [weight]
    biases = []
    isTurned = true
    (inputs, outputs) = (weight.rows, weight.columns)
    fixed = .inTraining(precision)
    trial = nil
  }

  /// Elements of the stored weights from one output to the next, and from one input to the next.
  var strides: (output: Int, input: Int) { isTurned ? (1, outputs) : (inputs, 1) }

  /// The packed weights; nil in training.
  package var memory: AlignedBuffer? {
    switch fixed {
    case .inTraining: nil
    case .single(let matrix): matrix.storage
    case .narrow(let matrix): matrix.storage
    }
  }

  /// Floats of the `memory` of a layer.
  package static func memoryCount(outputs: Int, inputs: Int, _ precision: Precision) -> Int {
    precision == .f32
      ? PackedMatrix.memoryCount(rows: outputs, columns: inputs)
      : NarrowMatrix.memoryCount(rows: outputs, columns: inputs, precision)
  }

  private static func pack(
    _ weights: UnsafePointer<Float>, _ outputs: Int, _ inputs: Int, bias: UnsafePointer<Float>?,
    _ precision: Precision
  ) -> Fixed {
    if precision == .f32 {
      return .single(PackedMatrix(weights, rows: outputs, columns: inputs, bias: bias))
    }
    return .narrow(NarrowMatrix(weights, precision, rows: outputs, columns: inputs, bias: bias))
  }

  /// Copies parameters one behind the other.
  static func stack(_ parameters: [Parameter], into memory: UnsafeMutablePointer<Float>) {
    var place = memory
    for parameter in parameters {
      parameter.copy(to: place)
      place += parameter.count
    }
  }
}

/// Layer normalisation over the last dimension.
///
/// Ba et al., arXiv:1607.06450.
package struct LayerNorm: Sendable {
  package let weight: Parameter
  package let bias: Parameter?
  package let epsilon: Float

  package init(weight: Parameter, bias: Parameter?, epsilon: Float) {
    self.weight = weight
    self.bias = bias
    self.epsilon = epsilon
  }
}
