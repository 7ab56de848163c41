/// Where the name of a subcommand stands among arguments.
///
/// Options that every command has may stand in front of it: `lir-index -q build` is
/// `lir-index build -q`.
package enum CommandOrder {
  /// Flags that every command has; they stand alone.
  package static let flags: Set<String> = [
    "-v", "--verbose", "-q", "--quiet", "--print-config", "--allow-empty", "-h", "--help",
  ]
  /// Options that every command has, each with a value.
  package static let options: Set<String> = [
    "--threads", "--seed", "--config", "--progress", "--log-format",
  ]

  /// The arguments with the subcommand first, where nothing but options of every command stands in
  /// front of it.
  package static func subcommandFirst(
    _ arguments: [String], _ names: @autoclosure () -> [String]
  ) -> [String] {
    guard arguments.first?.utf8.first == UInt8(ascii: "-") else { return arguments }
    let names = names()
    let count = leading(arguments)
    guard count < arguments.count, names.contains(arguments[count]) else { return arguments }
    return [arguments[count]] + arguments[..<count] + arguments[(count + 1)...]
  }

  /// The number of arguments at the start that are options of every command, with their values.
  package static func leading(_ arguments: [String]) -> Int {
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      if flags.contains(argument) || isCluster(argument) {
        index += 1
      } else if options.contains(argument), index + 1 < arguments.count {
        index += 2
      } else if let equals = argument.firstIndex(of: "="),
        options.contains(String(argument[..<equals]))
      {
        index += 1
      } else {
        break
      }
    }
    return index
  }

  /// Whether an argument is `-v`, by its long name or among other short flags, too.
  static func asksForMore(_ argument: String) -> Bool {
    argument == "-v" || argument == "--verbose"
      || (isCluster(argument) && argument.utf8.contains(UInt8(ascii: "v")))
  }

  /// `-vq`, short flags in one.
  private static func isCluster(_ argument: String) -> Bool {
    argument.utf8.count > 2 && argument.utf8.first == UInt8(ascii: "-")
      && argument.utf8.dropFirst().allSatisfy { flags.contains("-\(Unicode.Scalar($0))") }
  }
}
