extension Completions {
  /// A function for zsh, to be found in a folder of `fpath`.
  var zsh: String {
    """
    #compdef \(tool)
    # Completions of \(tool) for zsh, made by \(tool) --generate-completion-script zsh.

    \(function)() {
      local command= index=2
      while (( index < CURRENT )); do
        case ${words[index]} in
          (\(CommandOrder.flags.sorted().joined(separator: "|"))) ;;
          (\(CommandOrder.options.sorted().joined(separator: "|"))) (( index++ )) ;;
          (\(CommandOrder.options.sorted().map { "\($0)=*" }.joined(separator: "|"))) ;;
          (\((["help"] + names).joined(separator: "|"))) command=${words[index]}; break ;;
          (*) break ;;
        esac
        (( index++ ))
      done
      local -a subcommands=(\(commands.compactMap { name, tree in
        name.map { Self.quoted("\($0):" + Self.escapedForZsh(Self.summary(tree.abstract))) }
      }.joined(separator: " ")))
      if [[ -n $command ]]; then
        # The subcommand stands for the tool, behind what was in front of it.
        shift $(( index - 1 )) words
        (( CURRENT -= index - 1 ))
      fi
      case $command in
    \(commands.map(zsh).joined(separator: "\n"))
        (help) _describe command subcommands ;;
      esac
    }

    \(function)_first() {
      _describe command subcommands
      _files
    }

    # As a file of fpath this is the body of a function; a script that is read registers itself.
    if [[ $funcstack[1] = _\(tool) ]]; then
      \(function) "$@"
    else
      compdef \(function) \(tool)
    fi

    """
  }

  private func zsh(_ name: String?, _ command: CommandTree) -> String {
    var specs = command.options.map(zsh)
    specs.append("'(-h --help)'{-h,--help}'[Show help]'")
    if name == nil, !names.isEmpty { specs.append(Self.quoted("1: :\(function)_first")) }
    if let operand = command.arguments.first(where: \.isOperand) {
      specs.append(Self.quoted("*:\(operand.valueName):\(zsh(operand.values))"))
    }
    return "    (\(name ?? "''"))\n      _arguments -s -S : \\\n        "
      + specs.joined(separator: " \\\n        ") + "\n      ;;"
  }

  /// One option as `_arguments` takes it.
  private func zsh(_ option: CommandArgument) -> String {
    let text = "[" + Self.escapedForZsh(Self.summary(option.help)) + "]"
    var tail = text
    if option.kind == .option {
      tail += ":" + Self.escapedForZsh(option.valueName) + ":" + zsh(option.values)
    }
    let names = option.spellings.map { spelling in
      option.kind == .flag ? spelling : spelling + (spelling.hasPrefix("--") ? "=" : "+")
    }
    let others = option.isRepeating ? "*" : "(" + option.spellings.joined(separator: " ") + ")"
    if names.count == 1 { return Self.quoted(others + names[0] + tail) }
    return Self.quoted(others) + "{" + names.joined(separator: ",") + "}" + Self.quoted(tail)
  }

  private func zsh(_ values: CommandArgument.Values) -> String {
    switch values {
    case .none: " "
    case .files: "_files"
    case .folders: "_files -/"
    case .words(let words): "(" + words.joined(separator: " ") + ")"
    case .printed(let command): "{compadd -- ${(f)\"$(\(command) 2>/dev/null)\"}}"
    }
  }

  /// A description, in which brackets, colons and backslashes mean something.
  private static func escapedForZsh(_ text: String) -> String {
    var escaped = ""
    for character in text {
      if "\\[]:".contains(character) { escaped += "\\" }
      escaped.append(character)
    }
    return escaped
  }
}
