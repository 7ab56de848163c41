import ArgumentParser
import IndexSupport
import ToolSupport

@main
struct LirIndex: Tool {
  static let name = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "lir-index",
    abstract: "Build and look after indexes of embeddings.",
    subcommands: [
      Build.self, Train.self, Append.self, Delete.self, Replace.self, Compact.self, Merge.self,
      Verify.self, Info.self, Types.self, Export.self, Import.self,
    ],
    defaultSubcommand: Build.self)

  static func declaredOptions(of subcommand: String?) -> [DeclaredOption]? {
    ["build", "train", "import", nil].contains(subcommand)
      ? DeclaredOption.parameters(.build) : nil
  }
}
