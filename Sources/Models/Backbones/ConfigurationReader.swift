import Failures
import JSON
import Kernels

/// Reads the fields of a backbone's configuration, or lists their names.
package final class ConfigurationReader {
  /// Nil where names are listed.
  private let folder: ModelFolder?
  private var names: [String] = []

  /// Path of `config.json`, for messages.
  package var place: String { folder?.configPlace ?? "config.json" }

  package init(_ folder: ModelFolder) { self.folder = folder }

  private init() { folder = nil }

  /// Names of the fields that a configuration has.
  ///
  /// Found by reading it from nowhere: every field that it asks for is noted, and is its default or
  /// nothing.
  static func names<C: BackboneConfiguration>(of configuration: C.Type) -> [String] {
    let reader = ConfigurationReader()
    _ = try? configuration.init(reader)
    return reader.names
  }

  /// The folder to read from; nil, with the name noted, where names are listed.
  private func source(_ name: String) -> ModelFolder? {
    if folder == nil { names.append(name) }
    return folder
  }

  /// A field that a folder has to have.
  ///
  /// - Parameters:
  ///   - name: The field.
  ///   - alias: Another name of it, which transformers maps to the first and which counts more.
  ///   - range: What it may be.
  /// - Returns: Its value.
  /// - Throws: 78 where it is absent or out of the range.
  package func integer(
    _ name: String, alias: String? = nil, in range: ClosedRange<Int>
  ) throws(Failure) -> Int {
    let folder = source(name)
    guard let alias, source(alias)?.config[alias] != nil else {
      return try folder?.integer(name, in: range) ?? range.lowerBound
    }
    return try folder?.integer(alias, in: range) ?? range.lowerBound
  }

  package func integer(
    _ name: String, alias: String? = nil, in range: ClosedRange<Int>, default fallback: Int
  ) throws(Failure) -> Int {
    let folder = source(name)
    guard let alias, source(alias)?.config[alias] != nil else {
      return try folder?.integer(name, in: range, default: fallback) ?? fallback
    }
    return try folder?.integer(alias, in: range) ?? fallback
  }

  /// An integer or null; nil where the field is absent.
  package func optionalInteger(
    _ name: String, in range: ClosedRange<Int>
  ) throws(Failure) -> Int? {
    try source(name)?.optionalInteger(name, in: range, default: nil)
  }

  /// An integer or null; the default where the field is absent.
  package func optionalInteger(
    _ name: String, in range: ClosedRange<Int>, default fallback: Int?
  ) throws(Failure) -> Int? {
    guard let folder = source(name) else { return fallback }
    return try folder.optionalInteger(name, in: range, default: fallback)
  }

  package func double(
    _ name: String, in range: ClosedRange<Double>, default fallback: Double
  ) throws(Failure) -> Double {
    try source(name)?.double(name, in: range, default: fallback) ?? fallback
  }

  /// The one of two names that a folder has, the first where it has both or neither.
  func present(_ name: String, or other: String?) -> String {
    guard let other, let config = source(other)?.config else { return name }
    return config[name] == nil && config[other] != nil ? other : name
  }

  /// A number or null; the default where the field is absent.
  package func optionalDouble(
    _ name: String, in range: ClosedRange<Double>, default fallback: Double
  ) throws(Failure) -> Double? {
    guard let folder = source(name) else { return fallback }
    return try folder.optionalDouble(name, in: range, default: fallback)
  }

  package func bool(_ name: String, default fallback: Bool) throws(Failure) -> Bool {
    try source(name)?.bool(name, default: fallback) ?? fallback
  }

  /// True, false or null; nil where the field is absent.
  package func optionalBool(_ name: String) throws(Failure) -> Bool? {
    guard let folder = source(name), folder.config[name]?.isNull == false else { return nil }
    return try folder.bool(name, default: false)
  }

  /// A string; null is the default, too.
  package func string(_ name: String, default fallback: String) throws(Failure) -> String {
    try source(name)?.string(name, default: fallback) ?? fallback
  }

  /// The activation function that a field names.
  func activation(_ name: String, default fallback: String) throws(Failure) -> Activation {
    try ActivationName.parse(try string(name, default: fallback), of: name, at: place)
  }

  /// The share of elements that training drops.
  package func rate(_ name: String, default fallback: Double) throws(Failure) -> Float {
    Float(try double(name, in: FieldRanges.rate, default: fallback))
  }

  /// A field of several values; nil where it is absent or null.
  package func json(_ name: String) -> JSON? {
    guard let value = source(name)?.config[name], !value.isNull else { return nil }
    return value
  }
}

/// Names of activation functions as configurations give them (transformers `activations.py`).
enum ActivationName {
  /// - Parameters:
  ///   - name: The function's.
  ///   - field: The field that has it.
  ///   - place: The file of the field.
  /// - Returns: The function.
  /// - Throws: 78 for one that is not supported.
  static func parse(
    _ name: String, of field: String, at place: String
  ) throws(Failure) -> Activation {
    switch name {
    case "gelu", "gelu_python": .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate": .geluTanh
    case "relu": .relu
    case "tanh": .tanh
    case "silu", "swish": .silu
    case "linear": .none
    default: throw .config(place, "\(field): activation \(name) is not supported")
    }
  }
}
