import ArgumentParser
import Failures
import ModelSupport
import Models
import Streams
import ToolSupport
import Training

/// `lir-train export`: a model in the form that another library opens.
struct Export: ToolCommand {
  static let tool = LirTrain.name

  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a model in the form that another library opens.",
    discussion: """
      transformers: a backbone, a masked language model (SPLADE) or a classifier (cross-encoder). \
      sentence-transformers: a SentenceTransformer, SparseEncoder, CrossEncoder or \
      MultiVectorEncoder of release 6. pylate: a ColBERT. What a form cannot say is an error.
      """)

  static let withoutEffect = ["format"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Folder that gets the model; a new one.", valueName: "dir"))
  var output: String?

  @Option(help: "Form of the folder: transformers, sentence-transformers or pylate.")
  var format: ExportFormat

  @OptionGroup var models: ModelOptions

  @Argument(help: ArgumentHelp("The model folder, instead of --model.", valueName: "dir"))
  var folder: String?

  func execute(_ context: ToolContext) throws {
    var models = models
    if let folder {
      guard models.model == nil else {
        throw Failure.usage("--model and \(folder) are two model folders")
      }
      models.model = folder
    }
    guard models.queryModel == nil else {
      throw Failure.usage("--query-model: a folder holds one model", hint: "export both")
    }
    guard let output, output != "-" else {
      throw Failure.usage("--output is missing", hint: "name the folder that gets the model")
    }
    let model = try models.folder(for: .doc)
    // It is what compares the files with those that were fetched or trained.
    _ = try model.digest()
    let export = try ModelExport(ModelDescription(recognizing: model), format)
    for warning in export.warnings { context.diagnostics.warning("\(output): \(warning)") }
    try export.write(output)
    context.omitSummary()
  }
}

extension ExportFormat: ExpressibleByArgument {}
