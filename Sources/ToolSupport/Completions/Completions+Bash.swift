extension Completions {
  /// A function for bash 4 and later, which needs no package of completions.
  var bash: String {
    """
    # Completions of \(tool) for bash, made by \(tool) --generate-completion-script bash.

    \(function)_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word"); }

    \(function)_files() {
      mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
      compopt -o filenames 2>/dev/null || :
    }

    \(function)_nothing() { compopt +o default +o bashdefault 2>/dev/null || :; }

    \(function)() {
      local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= index=1
      COMPREPLY=()
      # Bash cuts --name=value in three.
      if [ "$word" = = ]; then
        word=
      elif [ "$before" = = ]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
      fi
      while [ "$index" -lt "$COMP_CWORD" ]; do
        case ${COMP_WORDS[index]} in
          \(CommandOrder.flags.sorted().joined(separator: " | "))) ;;
          \(CommandOrder.options.sorted().joined(separator: " | ")))
            index=$((index + 1))
            [ "${COMP_WORDS[index]}" != = ] || index=$((index + 1))
            ;;
          \((["help"] + names).joined(separator: " | "))) command=${COMP_WORDS[index]} && break ;;
          *) break ;;
        esac
        index=$((index + 1))
      done
      case $command in
    \(commands.map(bash).joined(separator: "\n"))
      help) \(function)_words \(Self.quoted(names.joined(separator: " "))) ;;
      esac
    }

    complete -o bashdefault -o default -F \(function) \(tool)

    """
  }

  /// The branch of one command.
  private func bash(_ name: String?, _ command: CommandTree) -> String {
    let options = command.options.flatMap(\.spellings) + ["--help"]
    let values = command.options.filter { $0.kind == .option }.map { option in
      "      \(option.spellings.joined(separator: " | "))) \(bash(option.values)); return ;;"
    }
    let operands = command.arguments.first(where: \.isOperand)?.values ?? .none
    var lines = ["  \(name ?? "''"))", "    case $before in"] + values
    lines += [
      "    esac", "    case $word in",
      "      -*) \(function)_words \(Self.quoted(options.joined(separator: " "))) ;;",
      "      *) \(bash(operands)) ;;", "    esac",
    ]
    if name == nil, !names.isEmpty {
      lines += [
        "    if [ \"$index\" = \"$COMP_CWORD\" ]; then",
        "      mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "
          + "\(Self.quoted(names.joined(separator: " "))) -- \"$word\")",
        "    fi",
      ]
    }
    return (lines + ["    ;;"]).joined(separator: "\n")
  }

  private func bash(_ values: CommandArgument.Values) -> String {
    switch values {
    case .none: "\(function)_nothing"
    case .files: "\(function)_files -f"
    case .folders: "\(function)_files -d"
    case .words(let words): "\(function)_words \(Self.quoted(words.joined(separator: " ")))"
    case .printed(let command): "\(function)_words \"$(\(command) 2>/dev/null)\""
    }
  }
}
