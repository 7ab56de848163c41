import Failures
import Models
import TestSupport
import Testing

/// Folders of modules whose names are not those that sentence-transformers gives.
struct ModuleFolderTests {
  private static let transformer = "sentence_transformers.models.Transformer"

  /// A model whose modules lie in `names`; each has a configuration.
  private func model(_ modules: String, router: String? = nil, _ names: [String]) throws
    -> TemporaryFolder
  {
    let folder = try TemporaryFolder()
    try folder.copy(try ModelCase("native/dpr_bert_00").modelPath, to: "m")
    try folder.write("m/modules.json", modules)
    for name in names { try folder.write("m/\(name)/config.json", #"{"a":1}"#) }
    if let router { try folder.write("m/route/router_config.json", router) }
    return folder
  }

  private func digest(_ folder: TemporaryFolder) throws -> String {
    try ModelFolder(folder("m")).digest()
  }

  /// What lies in them counts, wherever a file names them.
  @Test(arguments: ["proj", "a/dense", "route/words", "route/deep/inner", "2_Dense"])
  func namedFoldersCount(_ name: String) throws {
    let modules = """
      [{"type":"\(Self.transformer)","path":""},{"type":"x.Dense","path":"proj"},
       {"type":"x.Dense","path":"./a/dense"},{"type":"x.Router","path":"route"}]
      """
    let router = #"{"types":{"words":"x.Y","deep":"x.Router"},"structure":{"query":["words"]}}"#
    let folder = try model(modules, router: router, ["proj", "a/dense", "route/words"])
    try folder.write(
      "m/route/deep/config.json", #"{"types":{"inner":"x.Y"},"structure":{"query":["inner"]}}"#)
    let before = try digest(folder)
    try folder.write("m/\(name)/config.json", #"{"a":2}"#)
    let changed = try digest(folder)
    #expect(changed != before)
    try folder.write("m/\(name)/model.safetensors", "weights")
    #expect(try digest(folder) != changed)
  }

  @Test func otherFoldersDoNot() throws {
    let folder = try model(#"[{"type":"\#(Self.transformer)","path":""}]"#, [])
    let before = try digest(folder)
    try folder.write("m/onnx/config.json", "{}")
    try folder.write("m/checkpoints/model.safetensors", "x")
    #expect(try digest(folder) == before)
  }
}
