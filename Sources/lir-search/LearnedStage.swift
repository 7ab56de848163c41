import ArgumentParser
import Failures
import IndexFormat
import Kernels
import Models
import Retrieval
import ToolSupport
import Vectors

/// What `--scorer` and `--scored` say.
struct LearnedOptions: ParsableArguments, OptionsWithoutEffect {
  static let withoutEffect = ["scorer"]

  @Option(
    help: ArgumentHelp(
      "Model folder with a learned scorer (LITE): it scores the documents that the index finds, or those of --first-stage and --pairs. It must be the model that made the index.",
      valueName: "dir"), completion: .directory)
  var scorer: String?

  @Option(
    help: ArgumentHelp(
      "With --scorer: documents a query that the index finds and the scorer scores, or all. (default: 1000)",
      valueName: "n|all"))
  var scored: String?
}

/// The scorer of a model, as the last stage of a search: what `--scorer` asks for.
struct LearnedStage {
  /// Documents a query that are scored.
  let candidates: Int
  private let scorer: LearnedModelScore
  /// Digest of the model.
  let digest: String
  private let folder: String

  private static let usualCandidates = 1000

  /// Loads the scorer; nil where none is asked for.
  ///
  /// - Throws: 64 for `--scored` without it or of no number, 78 for a model without a scorer.
  init?(_ options: LirSearch, _ kernels: Kernels) throws(Failure) {
    guard let path = options.learned.scorer else {
      if options.learned.scored != nil { throw .usage("--scored goes with --scorer") }
      return nil
    }
    if options.fuse != nil { throw .usage("--scorer goes without --fuse") }
    if options.tune != nil { throw .usage("--scorer goes without --tune") }
    switch options.learned.scored {
    case nil: candidates = Self.usualCandidates
    case "all"?: candidates = .max
    case let text?:
      guard let number = Int(text), number >= 1 else {
        throw .usage("--scored: expected an integer from 1 up, or all, found \(text)")
      }
      candidates = number
    }
    let model = try ModelFolder(path)
    guard
      let scorer = LearnedModelScore(
        try Model(ModelDescription(recognizing: model)), kernels)
    else {
      throw .config(path, "the model has no learned scorer: its scores are those of the index")
    }
    self.scorer = scorer
    digest = try model.digest()
    folder = path
  }

  /// An index with scores of the scorer.
  ///
  /// - Throws: 78 where the index is of another model or has no vectors.
  func scored(
    _ index: any SearchableIndex, _ place: IndexFolder
  ) throws(Failure) -> any SearchableIndex {
    let source = place.manifest.source
    guard source.description.model == digest else {
      throw .config(
        place.path,
        "the index was made by \(source.words) (\(source.description.model ?? "unknown")), --scorer is "
          + "\(folder) (\(digest))")
    }
    guard let index = index as? any VectorSource, source.schema?.kind == .multivector else {
      throw .config(
        place.path,
        "--scorer: an index of type \(place.manifest.type) has no several vectors a document")
    }
    return index.scored(by: scorer, place: place.path)
  }
}
