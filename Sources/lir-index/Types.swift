import ArgumentParser
import Failures
import IndexFormat
import Indexes
import Retrieval
import ToolSupport

/// `lir-index types`: the types of indexes, one a line.
struct Types: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "types",
    abstract: "List the types of indexes: name, what they take and summary, separated by tabs.")

  static let isSilent = true

  @OptionGroup(title: "Common") var common: CommonOptions

  @Flag(
    help:
      "List their files instead: type (* for all), name, tensor, element types, shape, when, meaning."
  )
  var files = false

  @Flag(help: "List their parameters instead: type, stage, name, default, range, meaning.")
  var parameters = false

  func execute(_ context: ToolContext) throws {
    if files, parameters { throw Failure.usage("--files or --parameters, not both") }
    let rows = files ? fileRows : parameters ? parameterRows : typeRows
    try StandardOutput.write(rows.map { $0.joined(separator: "\t") + "\n" }.joined())
  }

  private var typeRows: [[String]] {
    IndexTypes.all.map { [$0.name, $0.takes.words, $0.summary] }
  }

  private var fileRows: [[String]] {
    let all = [("*", DocumentTable.files)] + IndexTypes.all.map { ($0.name, $0.files) }
    return all.flatMap { type, files in
      files.map { file in
        [
          type, file.name, file.tensor,
          file.types.isEmpty ? "element" : file.types.map(\.rawValue).joined(separator: " or "),
          "[\(file.shape.map(\.description).joined(separator: ", "))]", file.presence.description,
          file.meaning,
        ]
      }
    }
  }

  private var parameterRows: [[String]] {
    IndexTypes.all.flatMap { type in
      type.parameters.map { parameter in
        [
          type.name, parameter.stage == .build ? "build" : "search", parameter.name,
          parameter.value ?? "none", parameter.expected, parameter.meaning,
        ]
      }
    }
  }
}
