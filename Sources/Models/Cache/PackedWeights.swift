import Autograd
import Failures
import Kernels
import Tensors

/// The weights of a model as inference takes them: layers packed, all else in single precision.
///
/// Either gathered while a model is read, to be written, or those of a `PackedFile`.
///
/// Not thread-safe: a model is read by one thread.
package final class PackedWeights {
  /// Something to be written; `owner` keeps its floats.
  struct Item {
    let name: String
    let values: UnsafePointer<Float>
    let count: Int
    let owner: AnyObject
  }

  private let file: PackedFile?
  private(set) var items: [Item] = []
  private var names: Set<String> = []

  /// Gathers what a model is read of.
  package init() { file = nil }

  /// Gives what a file holds.
  package init(_ file: PackedFile) { self.file = file }

  /// Whether values come from a file, and those of the checkpoint are not looked at.
  var isMapped: Bool { file != nil }

  // MARK: Reading

  /// Floats of a file, mapped.
  private func memory(_ name: String, count: Int) throws(Failure) -> AlignedBuffer {
    guard let file else { preconditionFailure("\(name) of weights that are gathered") }
    guard let memory = file.memory(name, count: count) else {
      throw .data(file.path, "expected \(count) floats as \(name)")
    }
    return memory
  }

  /// A weight; nil where values are gathered.
  func parameter(
    _ name: String, stored: String, shape: [Int]
  ) throws(Failure) -> Parameter? {
    if !isMapped { return nil }
    let memory = try memory(Self.place(stored), count: shape.reduce(1, *))
    return Parameter(
      name: name, shape: shape, values: UnsafePointer(memory.pointer), owner: memory)
  }

  /// A layer; nil where layers are gathered.
  func linear(
    _ weights: [Parameter], _ biases: [Parameter], _ precision: Precision, prefix: String
  ) throws(Failure) -> Linear? {
    if !isMapped { return nil }
    let memory = try memory(
      Self.place(weights, precision, prefix),
      count: Linear.memoryCount(
        outputs: weights.reduce(0) { $0 + $1.rows }, inputs: weights[0].columns, precision))
    return Linear(weights: weights, biases: biases, precision: precision, memory: memory)
  }

  /// Projections of cross-attention; nil where they are gathered.
  func crossProjections(
    key: Parameter, value: Parameter, heads: Int, scale: Float
  ) throws(Failure) -> CrossProjections? {
    if !isMapped { return nil }
    let counts = CrossProjections.memoryCounts(inner: key.rows, width: key.columns, heads: heads)
    var memory: [AlignedBuffer] = []
    for (i, count) in counts.enumerated() {
      memory.append(try self.memory(Self.place(key, i), count: count))
    }
    return CrossProjections(key: key, value: value, heads: heads, scale: scale, memory: memory)
  }

  // MARK: Gathering

  func gather(_ parameter: Parameter, stored: String) {
    gather(Self.place(stored), parameter.values, parameter.count, parameter)
  }

  func gather(_ layer: Linear, _ precision: Precision, prefix: String) {
    guard let memory = layer.memory else { return }
    gather(Self.place(layer.weights, precision, prefix), memory)
  }

  func gather(_ projections: CrossProjections) {
    for (i, memory) in (projections.memory ?? []).enumerated() {
      gather(Self.place(projections.key, i), memory)
    }
  }

  private func gather(_ name: String, _ memory: AlignedBuffer) {
    gather(name, UnsafePointer(memory.pointer), memory.count, memory)
  }

  private func gather(
    _ name: String, _ values: UnsafePointer<Float>, _ count: Int, _ owner: AnyObject
  ) {
    // Queries and documents may share a layer.
    guard !isMapped, names.insert(name).inserted else { return }
    items.append(Item(name: name, values: values, count: count, owner: owner))
  }

  // MARK: Names

  private static func place(_ stored: String) -> String { "weights/\(stored)" }

  private static func place(
    _ weights: [Parameter], _ precision: Precision, _ prefix: String
  ) -> String {
    "layers/\(precision.rawValue)/\(prefix)" + weights.map(\.name).joined(separator: "+")
  }

  private static func place(_ key: Parameter, _ index: Int) -> String {
    "cross/\(key.name)/\(index)"
  }
}
