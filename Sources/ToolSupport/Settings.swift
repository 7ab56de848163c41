import ArgumentParser
import Failures
import JSON
import Records

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
  /// Whether the option can change what a record becomes.
  package var hasEffect = true
}

/// Options of which some cannot change what a record becomes: where things go, how fast, how much is
/// said; and those that name files, for which the files' digests stand.
///
/// They are left out of the provenance of what is made under them. An option group says so for its
/// options, a command for those that are its own.
package protocol OptionsWithoutEffect {
  /// The long flags of those options, without their dashes.
  static var withoutEffect: [String] { get }
}

/// The settings of a parsed command, found by looking at its properties: what is not listed by hand
/// cannot be forgotten.
///
/// Properties are named like their long flags.
package enum Settings {
  /// All options and flags of a command and its option groups; operands are left out.
  package static func of<Command: ToolCommand>(_ command: Command) -> [Setting] {
    var settings: [Setting] = []
    collect(command, Command.withoutEffect, into: &settings)
    return settings.sorted { $0.key < $1.key }
  }

  /// Adds the settings of a command, or of an option group.
  private static func collect(
    _ options: Any, _ withoutEffect: [String], into settings: inout [Setting]
  ) {
    var found = 0
    for child in Mirror(reflecting: options).children {
      guard let label = child.label, label.hasPrefix("_"), !(child.value is Argument<[String]>)
      else { continue }
      let value: Setting.Value
      if let simple = common(child.value) ?? choice(child.value) {
        value = simple
      } else if let group = group(child.value) {
        collect(group.options, group.withoutEffect, into: &settings)
        continue
      } else if let property = child.value as? any ParsedProperty {
        if let group = property.group {
          let named = (group as? any OptionsWithoutEffect).map { type(of: $0).withoutEffect }
          collect(group, named ?? [], into: &settings)
          continue
        }
        value = describe(property.value)
      } else {
        continue
      }
      let key = flagName(label.dropFirst())
      let hasEffect = !withoutEffect.contains(key)
      if !hasEffect { found += 1 }
      settings.append(Setting(key: key, value: value, hasEffect: hasEffect))
    }
    assert(found == withoutEffect.count, "\(withoutEffect) names flags that do not exist")
  }

  /// The value of a property of one of the types that most have; nil of another.
  ///
  /// A cast to a protocol looks through all conformances of the program and of the standard library,
  /// once a type, and takes most of the time that a tool needs to start. A cast to an exact type
  /// looks through nothing.
  private static func common(_ property: Any) -> Setting.Value? {
    switch property {
    case let flag as Flag<Bool>: .flag(flag.wrappedValue)
    case let text as Option<String>: .text(text.wrappedValue)
    case let text as Option<String?>: text.wrappedValue.map { .text($0) } ?? Setting.Value.none
    case let number as Option<Int>: .number("\(number.wrappedValue)")
    case let number as Option<Int?>:
      number.wrappedValue.map { .number("\($0)") } ?? Setting.Value.none
    case let seed as Option<Seed>: .number("\(seed.wrappedValue)")
    case let number as Option<Float?>:
      number.wrappedValue.map { .number("\($0)") } ?? Setting.Value.none
    case let list as Option<[String]>: .list(list.wrappedValue)
    default: nil
    }
  }

  /// The value of an option that is one of several words, of those that many tools have; nil of
  /// another.
  private static func choice(_ property: Any) -> Setting.Value? {
    switch property {
    case let word as Option<ProgressPolicy>: .text(word.wrappedValue.rawValue)
    case let word as Option<Diagnostics.Format>: .text(word.wrappedValue.rawValue)
    case let word as Option<RecordFormat>: .text(word.wrappedValue.rawValue)
    case let word as Option<RecordErrorPolicy>: .text(word.wrappedValue.rawValue)
    case let word as Option<InstructionSetName>: .text(word.wrappedValue.rawValue)
    case let word as Option<ComputePrecision>: .text(word.wrappedValue.rawValue)
    default: nil
    }
  }

  /// The options of a group of this library, by its exact type as above; nil of another property.
  private static func group(_ property: Any) -> (options: Any, withoutEffect: [String])? {
    switch property {
    case let group as OptionGroup<CommonOptions>:
      (group.wrappedValue, CommonOptions.withoutEffect)
    case let group as OptionGroup<OutputOptions>:
      (group.wrappedValue, OutputOptions.withoutEffect)
    case let group as OptionGroup<ModelOptions>: (group.wrappedValue, ModelOptions.withoutEffect)
    case let group as OptionGroup<InstructionOptions>:
      (group.wrappedValue, InstructionOptions.withoutEffect)
    case let group as OptionGroup<RecordOptionsGroup>: (group.wrappedValue, [])
    case let group as OptionGroup<QueryFieldOptions>: (group.wrappedValue, [])
    case let group as OptionGroup<VectorOptions>: (group.wrappedValue, VectorOptions.withoutEffect)
    case let group as OptionGroup<ResumeOptions>:
      (group.wrappedValue, ResumeOptions.withoutEffect)
    case let group as OptionGroup<KeepingOptions>:
      (group.wrappedValue, KeepingOptions.withoutEffect)
    case let group as OptionGroup<ShardOptions>: (group.wrappedValue, ShardOptions.withoutEffect)
    case let group as OptionGroup<PrecisionOptions>:
      (group.wrappedValue, PrecisionOptions.withoutEffect)
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
    // Most are one of several words; a mirror would look for conformances of its own.
    if let choice = value as? any RawRepresentable { return .text("\(choice.rawValue)") }
    guard let value = unwrap(value) else { return .none }
    switch value {
    case let flag as Bool: return .flag(flag)
    case let text as String: return .text(text)
    case let list as [any CustomStringConvertible]: return .list(list.map(\.description))
    case let number as any Numeric: return .number("\(number)")
    default: return .text("\(value)")
    }
  }

  /// The value in an optional, nil if it has none; any other value as it is.
  private static func unwrap(_ value: Any) -> Any? {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle != .optional { return value }
    return mirror.children.first?.value
  }
}

/// A property of a command that was parsed.
///
/// One protocol for options, flags and groups, as looking for a conformance costs most.
private protocol ParsedProperty {
  var value: Any { get }
  /// Options that several commands share; nil of an option.
  var group: (any ParsableArguments)? { get }
}

extension ParsedProperty {
  fileprivate var group: (any ParsableArguments)? { nil }
}

extension Option: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

extension Flag: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

extension OptionGroup: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
  fileprivate var group: (any ParsableArguments)? { wrappedValue }
}

extension Setting {
  /// Whether the setting belongs to the provenance of what was made under it.
  package var canChangeRecords: Bool {
    hasEffect && value != .none && value != .flag(false) && value != .list([])
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
