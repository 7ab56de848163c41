import Indexes
import Retrieval
import ToolSupport

extension DeclaredOption {
  /// The parameters of types of index in one stage, those of one name once.
  package static func parameters(
    _ stage: IndexParameter.Stage, of types: [any IndexType.Type] = IndexTypes.all
  ) -> [DeclaredOption] {
    var options: [DeclaredOption] = []
    for type in types {
      for parameter in type.parameters(stage) {
        if let known = options.firstIndex(where: { $0.name == parameter.name }) {
          options[known].owners.append(type.name)
          let help = options[known].help
          if let value = parameter.value, help.contains(" (default: "),
            !help.contains(" (default: \(value))")
          {
            options[known].help += " (of \(type.name): \(value))"
          }
        } else {
          options.append(DeclaredOption(parameter, of: type.name))
        }
      }
    }
    return options
  }

  private init(_ parameter: IndexParameter, of type: String) {
    let isFlag = if case .flag = parameter.form { true } else { false }
    self.init(
      parameter.name, aliases: parameter.aliases,
      valueName: isFlag ? nil : parameter.form.valueName,
      help: parameter.meaning + (parameter.value.map { " (default: \($0))" } ?? ""),
      owners: [type])
  }
}

extension IndexParameter.Form {
  fileprivate var valueName: String {
    switch self {
    case .integer: "n"
    case .limit: "n|all"
    case .number: "x"
    case .word: "word"
    case .wordOrFile: "word|file"
    case .flag: ""
    }
  }
}
