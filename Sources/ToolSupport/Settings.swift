import ArgumentParser
import Failures
import JSON

/// One setting of a command: a long flag and the value that is in force.
package struct Setting: Sendable, Equatable {
  package enum Value: Sendable, Equatable {
    case none
    case flag(Bool)
    case number(String)
    case text(String)
    case list([String])
  }

  /// The long flag without its dashes.
  package var key: String
  package var value: Value
}

/// The settings of a parsed command, found by looking at its properties: what is not listed by hand
/// cannot be forgotten.
///
/// Properties are named like their long flags.
package enum Settings {
  /// All options and flags of a command and its option groups; operands are left out.
  package static func of(_ command: any ParsableArguments) -> [Setting] {
    var settings: [Setting] = []
    collect(Mirror(reflecting: command), into: &settings)
    return settings.sorted { $0.key < $1.key }
  }

  private static func collect(_ mirror: Mirror, into settings: inout [Setting]) {
    for child in mirror.children {
      guard let label = child.label, label.hasPrefix("_") else { continue }
      let wrapper = String(describing: type(of: child.value))
      let value = parsedValue(child.value)
      if wrapper.hasPrefix("OptionGroup<") {
        if let value { collect(Mirror(reflecting: value), into: &settings) }
      } else if wrapper.hasPrefix("Option<") || wrapper.hasPrefix("Flag<") {
        settings.append(Setting(key: flagName(label.dropFirst()), value: describe(value)))
      }
    }
  }

  /// The value inside a property wrapper of ArgumentParser.
  private static func parsedValue(_ wrapper: Any) -> Any? {
    for child in Mirror(reflecting: wrapper).children where child.label == "_parsedValue" {
      return Mirror(reflecting: child.value).children.first?.value
    }
    return nil
  }

  /// `batchTokens` to `batch-tokens`.
  private static func flagName(_ property: Substring) -> String {
    var name = ""
    for character in property {
      if character.isUppercase { name += "-" }
      name += character.lowercased()
    }
    return name
  }

  private static func describe(_ value: Any?) -> Setting.Value {
    guard let value = value.flatMap(unwrap) else { return .none }
    switch value {
    case let flag as Bool: return .flag(flag)
    case let list as [String]: return .list(list)
    case let list as [any CustomStringConvertible]: return .list(list.map(\.description))
    case let text as String: return .text(text)
    case let choice as any RawRepresentable:
      return .text("\(choice.rawValue)")
    case let number as any Numeric: return .number("\(number)")
    default: return .text("\(value)")
    }
  }

  /// What is in an optional; nil if nothing.
  private static func unwrap(_ value: Any) -> Any? {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle != .optional { return value }
    return mirror.children.first?.value
  }
}

extension Setting {
  /// Settings that cannot change what a record becomes: where things go, how fast, how much is
  /// said; and those that name files, for which the files' digests stand.
  private static let withoutEffect: Set<String> = [
    "output", "compress", "no-provenance", "resume", "threads", "batch-tokens", "isa", "config",
    "print-config", "progress", "verbose", "quiet", "log-format", "max-memory", "tmp-dir", "shard",
    "model", "query-model", "adapter", "index", "queries", "docs", "qrels", "latency", "filter",
    "tag", "model-config", "calibrate", "cache",
  ]

  /// Whether the setting belongs to the provenance of what was made under it.
  package var canChangeRecords: Bool {
    !Self.withoutEffect.contains(key) && value != .none && value != .flag(false)
      && value != .list([])
  }

  package var json: JSON {
    switch value {
    case .none: .null
    case .flag(let flag): .bool(flag)
    case .number(let text), .text(let text): .string(text)
    case .list(let list): .array(list.map { .string($0) })
    }
  }

  /// A line of YAML.
  package var yaml: String {
    switch value {
    case .none: return "\(key): null"
    case .flag(let flag): return "\(key): \(flag)"
    case .number(let text): return "\(key): \(text)"
    case .text(let text): return "\(key): \(JSON.string(text).serialized())"
    case .list(let list):
      return "\(key): \(JSON.array(list.map { .string($0) }).serialized())"
    }
  }
}
