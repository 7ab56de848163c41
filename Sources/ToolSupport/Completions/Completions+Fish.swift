extension Completions {
  /// Commands for fish.
  var fish: String {
    let flags = CommandOrder.flags.sorted().joined(separator: " ")
    let options = CommandOrder.options.sorted()
    return """
      # Completions of \(tool) for fish, made by \(tool) --generate-completion-script fish.

      function _\(function)_command -d 'The subcommand that is typed, or none'
          set -l typed (commandline -opc)
          set -e typed[1]
          while set -q typed[1]
              switch $typed[1]
                  case \(flags)
                  case \(options.joined(separator: " "))
                      set -e typed[1]
                      set -q typed[1]; or return
                  case \(options.map { "'\($0)=*'" }.joined(separator: " "))
                  case \((["help"] + names).joined(separator: " "))
                      echo $typed[1]
                      return
                  case '*'
                      echo operand
                      return
              end
              set -e typed[1]
          end
      end

      function _\(function)_is -d 'Whether a subcommand is the one that is typed'
          set -l command (_\(function)_command)
          if test -z "$argv[1]"
              not contains -- "$command" help \(names.joined(separator: " "))
          else
              test "$command" = "$argv[1]"
          end
      end

      \(firstWords)\(commands.map(fish).joined(separator: "\n"))

      """
  }

  /// The subcommands as the first word.
  private var firstWords: String {
    var lines = ""
    for case (let name?, let tree) in commands {
      lines +=
        "complete -c \(tool) -n 'test -z (_\(function)_command | string collect -a)' -a \(name)"
        + " -d \(Self.quotedForFish(Self.summary(tree.abstract)))\n"
      lines += "complete -c \(tool) -n '_\(function)_is help' -f -a \(name)\n"
    }
    return lines
  }

  private func fish(_ name: String?, _ command: CommandTree) -> String {
    let condition = "-n \(Self.quotedForFish("_\(function)_is '\(name ?? "")'"))"
    var lines = command.options.map { option in
      let names = option.spellings.map { spelling in
        spelling.hasPrefix("--") ? "-l \(spelling.dropFirst(2))" : "-s \(spelling.dropFirst())"
      }
      return "complete -c \(tool) \(condition) \(names.joined(separator: " "))"
        + (option.kind == .flag ? "" : " " + fish(option.values))
        + " -d \(Self.quotedForFish(Self.summary(option.help)))"
    }
    lines.append("complete -c \(tool) \(condition) -s h -l help -d 'Show help'")
    if let operand = command.arguments.first(where: \.isOperand), operand.values == .folders {
      lines.append(
        "complete -c \(tool) \(condition) -f -a '(__fish_complete_directories "
          + "(commandline -ct))'")
    }
    return lines.joined(separator: "\n")
  }

  private func fish(_ values: CommandArgument.Values) -> String {
    switch values {
    case .none: "-x"
    case .files: "-r -F"
    case .folders: "-x -a '(__fish_complete_directories (commandline -ct))'"
    case .words(let words): "-x -a \(Self.quotedForFish(words.joined(separator: " ")))"
    case .printed(let command): "-x -a \(Self.quotedForFish("(\(command) 2>/dev/null)"))"
    }
  }

  private static func quotedForFish(_ text: String) -> String {
    "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
  }
}
