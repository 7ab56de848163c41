import Failures
import JSON

/// An option that a library declares as data, such as a parameter of a type of index: the argument
/// parser knows nothing of it, and adding one touches no tool.
package struct DeclaredOption: Sendable {
  /// The long flag without its dashes.
  package var name: String
  /// Other names of the option.
  package var aliases: [String]
  /// Name of the value in help; nil for a flag, which takes none.
  package var valueName: String?
  package var help: String
  /// Names of those that declare the option, for the help.
  package var owners: [String]

  package init(
    _ name: String, aliases: [String] = [], valueName: String?, help: String, owners: [String]
  ) {
    self.name = name
    self.aliases = aliases
    self.valueName = valueName
    self.help = help
    self.owners = owners
  }

  /// The help with the owners in front.
  var explanation: String { "\(owners.joined(separator: ", ")): \(help)" }

  /// Whether the option has a name.
  func isCalled(_ other: some StringProtocol) -> Bool {
    name == other || aliases.contains { $0 == other }
  }
}

/// A declared option that was given, and its value.
package typealias DeclaredValue = (name: String, value: String)

/// Finds declared options among arguments, and shows them in help.
package enum DeclaredOptions {
  /// Takes the declared options out of a command line.
  ///
  /// - Returns: What is left for the argument parser, and the values that were given, of an option
  ///   that is given twice the last one.
  /// - Throws: 64 for an option without its value, or a flag with one.
  package static func take(
    _ arguments: [String], _ declared: [DeclaredOption]
  ) throws(Failure) -> (rest: [String], given: [DeclaredValue]) {
    var rest: [String] = []
    var given: [DeclaredValue] = []
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      if argument == "--" {
        rest += arguments[(index - 1)...]
        break
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard argument.hasPrefix("--"),
        let option = declared.first(where: { $0.isCalled(parts[0].dropFirst(2)) })
      else {
        rest.append(argument)
        continue
      }
      var value = parts.count == 2 ? String(parts[1]) : nil
      if option.valueName == nil {
        guard value == nil else { throw .usage("\(parts[0]) takes no value") }
        value = "true"
      } else if value == nil, index < arguments.count, !arguments[index].hasPrefix("--") {
        value = arguments[index]
        index += 1
      }
      guard let value else {
        throw .usage("Missing value for '\(parts[0]) <\(option.valueName ?? "")>'")
      }
      given.removeAll { $0.name == option.name }
      given.append((option.name, value))
    }
    return (rest, given)
  }

  /// Takes long options out of a command line that nobody knows and that are no misspelling of a
  /// known one.
  ///
  /// - Returns: The first that was taken; nil for nothing.
  package static func takeStrangers(
    _ arguments: inout [String], _ known: Set<String>
  ) -> String? {
    var rest: [String] = []
    var taken: String?
    for (index, argument) in arguments.enumerated() {
      if argument == "--" {
        rest += arguments[index...]
        break
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0].dropFirst(2))
      guard argument.hasPrefix("--"), !name.isEmpty, !["help", "version"].contains(name),
        !known.contains(name), NearestName.find(name, in: known) == nil
      else {
        rest.append(argument)
        continue
      }
      taken = taken ?? name
    }
    if taken != nil { arguments = rest }
    return taken
  }

  /// Section of a command's help about its declared options; empty where it has none.
  package static func help(_ declared: [DeclaredOption]) -> String {
    if declared.isEmpty { return "" }
    var text = "\nINDEX PARAMETERS:\n"
    for option in declared {
      let names = ([option.name] + option.aliases).map { "--\($0)" }.joined(separator: ", ")
      text += "  \(names)" + (option.valueName.map { " <\($0)>" } ?? "") + "\n"
      text += "                          \(option.explanation)\n"
    }
    return text
  }

  /// The argument parser's dump of a tool with the declared options of its commands put in.
  ///
  /// - Parameters:
  ///   - dump: The dump.
  ///   - usage: How the command of a name is called, which the parser's dump leaves out.
  ///   - declared: The options of a subcommand, or of the tool itself.
  /// - Returns: The dump with both.
  package static func adding(
    to dump: String, usage: (String) -> String? = { _ in nil },
    _ declared: (String?) -> [DeclaredOption]
  ) -> String {
    parsed(dump, usage: usage, declared)?.indented() ?? dump
  }

  /// What `adding` writes, for those who would read it again.
  ///
  /// - Returns: Nil where the dump is not that of a tool.
  static func parsed(
    _ dump: String, usage: (String) -> String? = { _ in nil },
    _ declared: (String?) -> [DeclaredOption]
  ) -> JSON? {
    guard let json = try? JSONParser.parse(dump), let command = json["command"] else { return nil }
    return replacing("command", in: json, by: adding(to: command, isRoot: true, usage, declared))
  }

  private static func adding(
    to command: JSON, isRoot: Bool, _ usage: (String) -> String?,
    _ declared: (String?) -> [DeclaredOption]
  ) -> JSON {
    var command = command
    if let usage = command["commandName"]?.string.flatMap(usage) {
      command = replacing("usage", in: command, by: .string(usage))
    }
    let options = declared(isRoot ? nil : command["commandName"]?.string)
    let hasSubcommands = !(command["subcommands"]?.array ?? []).isEmpty
    if !options.isEmpty, !(isRoot && hasSubcommands) {
      let arguments = (command["arguments"]?.array ?? []) + options.map(json)
      command = replacing("arguments", in: command, by: .array(arguments))
    }
    if let subcommands = command["subcommands"]?.array {
      command = replacing(
        "subcommands", in: command,
        by: .array(subcommands.map { adding(to: $0, isRoot: false, usage, declared) }))
    }
    return command
  }

  private static func replacing(_ key: String, in object: JSON, by value: JSON) -> JSON {
    var members = object.members ?? []
    if let place = members.firstIndex(where: { $0.key == key }) {
      members[place].value = value
    } else {
      members.append(JSON.Member(key, value))
    }
    return .object(members)
  }

  private static func json(_ option: DeclaredOption) -> JSON {
    func name(_ text: String) -> JSON {
      .object([JSON.Member("kind", .string("long")), JSON.Member("name", .string(text))])
    }
    var members = [
      JSON.Member("kind", .string(option.valueName == nil ? "flag" : "option")),
      JSON.Member("shouldDisplay", .bool(true)), JSON.Member("isOptional", .bool(true)),
      JSON.Member("isRepeating", .bool(false)),
      JSON.Member("names", .array(([option.name] + option.aliases).map(name))),
      JSON.Member("preferredName", name(option.name)),
      JSON.Member("sectionTitle", .string("Index parameters")),
      JSON.Member("abstract", .string(option.explanation)),
    ]
    if let value = option.valueName { members.append(JSON.Member("valueName", .string(value))) }
    return .object(members)
  }
}
