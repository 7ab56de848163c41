import ArgumentParser
import Failures
import JSON
import Streams

/// A command whose `--config` is a file of its own kind, which it reads itself.
package protocol ReadsOwnConfiguration {}

/// Turns a YAML file whose keys are long flags into arguments that stand before the user's own.
package enum Configuration {
  /// The arguments with those of `--config FILE` put in; unchanged where there is none.
  ///
  /// - Throws: 66 where the file is missing, 65 where it is not YAML, 78 for a key that is no flag
  ///   of the command.
  package static func expand(
    _ arguments: [String], for root: any ParsableCommand.Type, _ declared: [DeclaredOption] = []
  ) throws(Failure) -> [String] {
    guard let path = value(of: "--config", in: arguments) else { return arguments }
    let (command, depth) = selectedCommand(arguments, root)
    if command is any ReadsOwnConfiguration.Type { return arguments }
    var known = names(of: command)
    for option in declared {
      for name in [option.name] + option.aliases {
        known[name] = option.valueName == nil ? .flag : .option(repeats: false)
      }
    }
    let given = Set(arguments.compactMap { longName($0) })
    var inserted: [String] = []
    for (key, node) in try mapping(path) {
      let name = key.replacing("_", with: "-")
      guard let kind = known[name], name != "config" else {
        throw unknownKey(key, path: path, known: Set(known.keys))
      }
      if given.contains(name) { continue }
      inserted += try Self.arguments(name, node, kind, path: path)
    }
    return Array(arguments.prefix(depth)) + inserted + Array(arguments.dropFirst(depth))
  }

  private static func value(of flag: String, in arguments: [String]) -> String? {
    for (i, argument) in arguments.enumerated() {
      if argument == "--" { return nil }
      if argument == flag { return i + 1 < arguments.count ? arguments[i + 1] : nil }
      if argument.hasPrefix(flag + "=") { return String(argument.dropFirst(flag.count + 1)) }
    }
    return nil
  }

  /// `--max-length=3` and `--max-length` are both `max-length`; `-k` is `k`.
  private static func longName(_ argument: String) -> String? {
    if argument.hasPrefix("--"), argument.count > 2 {
      return argument.dropFirst(2).split(separator: "=").first.map(String.init)
    }
    if argument.hasPrefix("-"), argument.count >= 2 {
      let short = String(argument.dropFirst().prefix(1))
      return shortNames[short] ?? short
    }
    return nil
  }

  private static let shortNames = ["o": "output", "v": "verbose", "q": "quiet", "m": "measure"]

  private static func selectedCommand(
    _ arguments: [String], _ root: any ParsableCommand.Type
  ) -> (command: any ParsableCommand.Type, depth: Int) {
    if let first = arguments.first,
      let subcommand = root.configuration.subcommands.first(where: {
        $0._commandName == first || $0.configuration.aliases.contains(first)
      })
    {
      return (subcommand, 1)
    }
    return (root.configuration.defaultSubcommand ?? root, 0)
  }

  /// Long names of the options of the command that arguments ask for.
  static func optionNames(
    _ arguments: [String], _ root: any ParsableCommand.Type
  ) -> Set<String> {
    Set(names(of: selectedCommand(arguments, root).command).keys)
  }

  /// Kind of a name on the command line: a flag stands alone, an option has a value, or several.
  private enum Kind {
    case flag
    case option(repeats: Bool)
  }

  /// Long names (and single letters) of a command, as its own help lists them.
  private static func names(of command: any ParsableCommand.Type) -> [String: Kind] {
    guard let dump = try? JSONParser.parse(command._dumpHelp()),
      let arguments = dump["command"]?["arguments"]?.array
    else { preconditionFailure("the help of a command is not JSON") }
    var names: [String: Kind] = [:]
    for argument in arguments where argument["kind"]?.string != "positional" {
      for name in argument["names"]?.array ?? [] {
        guard let text = name["name"]?.string, !["help", "version", "h"].contains(text) else {
          continue
        }
        names[text] =
          argument["kind"]?.string == "flag"
          ? .flag : .option(repeats: argument["isRepeating"]?.bool ?? false)
      }
    }
    return names
  }

  private static func mapping(
    _ path: String
  ) throws(Failure) -> [(key: String, value: YAMLNode)] {
    let text = try WholeFile.readText(path, limit: YAMLParser.mostBytes)
    guard let node = try YAMLParser.document(text, place: path) else { return [] }
    guard case .mapping(let members) = node else {
      throw .data(path, "expected a mapping of flags to values")
    }
    return members
  }

  private static func arguments(
    _ name: String, _ node: YAMLNode, _ kind: Kind, path: String
  ) throws(Failure) -> [String] {
    let flag = name.count == 1 ? "-\(name)" : "--\(name)"
    switch node {
    case .sequence(let elements):
      guard case .option(repeats: true) = kind else {
        throw .config(path, "\(name): expected one value, found a list of \(elements.count)")
      }
      var result: [String] = []
      for element in elements {
        guard case .scalar(let text, _) = element else {
          throw .config(path, "\(name): expected a list of plain values")
        }
        result += [flag, text]
      }
      return result
    case .mapping: throw .config(path, "\(name): expected a plain value")
    case .scalar where node.isNull: return []
    case .scalar(let text, let isPlain):
      if case .flag = kind {
        guard isPlain, let bool = bool(text) else {
          throw .config(path, "\(name): expected true or false")
        }
        return bool ? [flag] : []
      }
      return name.count == 1 ? [flag, text] : ["\(flag)=\(text)"]
    }
  }

  /// YAML 1.1 has several words for true and false.
  private static func bool(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: nil
    }
  }

  private static func unknownKey(_ key: String, path: String, known: Set<String>) -> Failure {
    let nearest = NearestName.suggest(key, in: known.filter { $0.count > 1 })
    return .config(
      path, "unknown key \(key)", hint: nearest.map { "did you mean \($0)?" })
  }
}
