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
  package func integer(_ name: String) throws(Failure) -> Int {
    try source(name)?.integer(name) ?? 0
  }

  package func integer(_ name: String, default fallback: Int) throws(Failure) -> Int {
    try source(name)?.integer(name, default: fallback) ?? fallback
  }

  /// An integer or null; nil where the field is absent.
  package func optionalInteger(_ name: String) throws(Failure) -> Int? {
    try source(name)?.optionalInteger(name, default: nil)
  }

  package func double(_ name: String, default fallback: Double) throws(Failure) -> Double {
    try source(name)?.double(name, default: fallback) ?? fallback
  }

  /// A number or null; the default where the field is absent.
  package func optionalDouble(_ name: String, default fallback: Double) throws(Failure) -> Double? {
    guard let folder = source(name) else { return fallback }
    if folder.config[name]?.isNull == true { return nil }
    return try folder.double(name, default: fallback)
  }

  package func bool(_ name: String, default fallback: Bool) throws(Failure) -> Bool {
    try source(name)?.bool(name, default: fallback) ?? fallback
  }

  /// A string; null is the default, too.
  package func string(_ name: String, default fallback: String) throws(Failure) -> String {
    try source(name)?.string(name, default: fallback) ?? fallback
  }

  /// The share of elements that training drops.
  package func rate(_ name: String, default fallback: Double) throws(Failure) -> Float {
    let rate = try double(name, default: fallback)
    guard rate >= 0, rate < 1 else {
      throw .config(place, "\(name): expected at least 0 and less than 1, found \(rate)")
    }
    return Float(rate)
  }

  /// A field of several values; nil where it is absent or null.
  package func json(_ name: String) -> JSON? {
    guard let value = source(name)?.config[name], !value.isNull else { return nil }
    return value
  }
}

/// Names of activation functions as configurations give them.
enum ActivationName {
  static func parse(_ name: String, at place: String) throws(Failure) -> Activation {
    switch name {
    case "gelu", "gelu_python": .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": .geluTanh
    case "relu": .relu
    case "tanh": .tanh
    default: throw .config(place, "activation \(name) is not supported")
    }
  }
}
