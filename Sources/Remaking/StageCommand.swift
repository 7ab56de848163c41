import Failures
import JSON

/// What a stage reads: a file that a variable names, or one that another rule makes.
enum Source {
  case variable(String)
  /// What could not be read twice, from the file that the variable names.
  case piped(String)
  case target(String)

  /// The file, as a word of a recipe.
  var word: String {
    switch self {
    case .variable(let name): "\"$$\(name)\""
    case .piped(let name): "<(cat -- \"$$\(name)\")"
    case .target(let path): "\"\(path)\""
    }
  }
}

/// The command of a stage, but for the name of its output.
struct StageCommand {
  private(set) var flags: [String] = []
  private(set) var operands: [Source] = []
  /// The file that goes through the standard input; nil for none.
  private(set) var standardInput: Source?

  /// Options as the record has them.
  ///
  /// - Parameters:
  ///   - stage: The stage.
  ///   - path: Gets the name and the value of an option that is a path, and gives the variable.
  /// - Throws: As `path` does.
  mutating func add(
    optionsOf stage: Stage, path: (String, String?) throws(Failure) -> String
  ) throws(Failure) {
    for option in stage.options {
      let values: [JSON] = option.value.array ?? [option.value]
      for value in values {
        switch (option.key, value) {
        case (_, .null), (_, .bool(false)): continue
        case (_, .bool(true)): flags.append("--\(option.key)")
        // Such an option is recorded as it was given, as a path, or as the word for any file.
        case ("vocabulary", .string(let text)):
          flags.append("--vocabulary=\"$$\(try path("vocabulary", text))\"")
        case ("originals", .string("file")):
          flags.append("--originals=\"$$\(try path("originals", nil))\"")
        default:
          let text = value.string ?? value.serialized()
          flags.append(
            option.key == "k"
              ? "-k \(Quoting.word(text))" : "--\(option.key)=\(Quoting.word(text))")
        }
      }
    }
  }

  mutating func add(_ flag: String, _ source: Source) { flags.append("--\(flag)=\(source.word)") }

  mutating func add(flag: String) { flags.append(flag) }

  mutating func add(operand: Source) { operands.append(operand) }

  mutating func read(_ source: Source) { standardInput = source }

  /// The targets that the command reads.
  var operandWords: [String] {
    standardInput == nil ? operands.map(\.word) : operands.map(\.word) + ["-"]
  }

  /// The line of a recipe.
  ///
  /// - Parameters:
  ///   - tool: The tool, with its subcommand.
  ///   - output: Options of the output; empty of a tool that changes a folder.
  ///   - folder: The folder that is changed; nil for none.
  ///   - more: The variable of more options.
  /// - Returns: The line, without the tabulator in front.
  func line(_ tool: String, output: String, changing folder: String?, more: String) -> String {
    var words = [tool] + flags + ["$(\(more))"]
    if !output.isEmpty { words.append(output) }
    let behind = (folder.map { ["\"\($0)\""] } ?? []) + operandWords
    if !behind.isEmpty { words += ["--"] + behind }
    if let standardInput { words.append("<\(standardInput.word)") }
    return words.joined(separator: " ")
  }
}
