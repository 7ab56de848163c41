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
      guard let label = child.label, label.hasPrefix("_"), !(child.value is Argument<[String]>)
      else { continue }
      let key = flagName(label.dropFirst())
      if let value = common(child.value) {
        settings.append(Setting(key: key, value: value))
      } else if let choice = child.value as? any ParsedChoice {
        settings.append(Setting(key: key, value: .text(choice.text)))
      } else if let group = child.value as? any ParsedGroup {
        collect(Mirror(reflecting: group.options), into: &settings)
      } else if let property = child.value as? any ParsedProperty {
        settings.append(Setting(key: key, value: describe(property.value)))
      }
    }
  }

  /// The value of a property of one of the types that most have; nil of another.
  ///
  /// What a type conforms to is found by looking through all conformances of the program and of the
  /// standard library, once a type: most of the time that a tool takes to start. Exact types are not
  /// looked for.
  private static func common(_ property: Any) -> Setting.Value? {
    switch property {
    case let flag as Flag<Bool>: .flag(flag.wrappedValue)
    case let text as Option<String>: .text(text.wrappedValue)
    case let text as Option<String?>: text.wrappedValue.map { .text($0) } ?? Setting.Value.none
    case let number as Option<Int>: .number("\(number.wrappedValue)")
    case let number as Option<Int?>:
      number.wrappedValue.map { .number("\($0)") } ?? Setting.Value.none
    case let number as Option<UInt64>: .number("\(number.wrappedValue)")
    case let number as Option<Float?>:
      number.wrappedValue.map { .number("\($0)") } ?? Setting.Value.none
    case let list as Option<[String]>: .list(list.wrappedValue)
    default: nil
    }
  }

  /// `batchTokens` to `batch-tokens`.
  private static func flagName(_ property: Substring) -> String {
    var name = ""
    for byte in property.utf8 {
      // Names of properties are ASCII.
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      if isUpper { name += "-" }
      name.unicodeScalars.append(Unicode.Scalar(isUpper ? byte | 0x20 : byte))
    }
    return name
  }

  private static func describe(_ value: Any) -> Setting.Value {
    guard let value = unwrap(value) else { return .none }
    switch value {
    case let flag as Bool: return .flag(flag)
    case let text as String: return .text(text)
    case let list as [any CustomStringConvertible]: return .list(list.map(\.description))
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

/// A property of a command whose value was parsed.
private protocol ParsedProperty {
  var value: Any { get }
}

extension Option: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

extension Flag: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

/// One of several words.
private protocol ParsedChoice {
  var text: String { get }
}

extension Option: ParsedChoice where Value: RawRepresentable, Value.RawValue == String {
  fileprivate var text: String { wrappedValue.rawValue }
}

/// Options that several commands share.
private protocol ParsedGroup {
  var options: any ParsableArguments { get }
}

extension OptionGroup: ParsedGroup {
  fileprivate var options: any ParsableArguments { wrappedValue }
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
