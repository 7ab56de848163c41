import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Tokenizers
import Vectors

extension DualDocumentHead {
  /// Fields have the names of the authors' configurations (`model_config`, `saves`).
  package struct Settings: HeadSettings {
    package static let modelTypes = ["spade"]
    package static let fields: Set = [
      "alpha", "duplicate_term", "expand_method", "log_saturation", "num_expand",
    ]

    /// Folder of the second encoder's weights.
    package static let folder = "1_Expansion"
    /// Name of a weight of 0 for every term that is pruned, and 1 for others, [V].
    package static let mask = "df_pruning_mask"
    /// Name of the numbers of documents with each term that training counts, [V].
    package static let counts = "df_array"
    /// Name of the number of documents that it has counted, and of times that it has pruned, [2].
    package static let state = "df_state"
    /// Names of the layers that weight tokens.
    private static let layers = ["term_score_layer1", "term_score_layer2"]
    /// What the authors' `run_train.sh` trains with, and chooses.
    private static let defaults = (alpha: 0.3, expansions: 2)
    /// Length of documents that the authors have.
    private static let length = 256

    let alpha: Double
    let expansion: Expansion
    let count: Int
    let repetition: Repetition
    let saturates: Bool

    package var weightFolders: [String] { [Self.folder] }

    package var interactionWeights: [Double] { [1 - alpha, alpha] }

    package func interactions(_ similarity: Similarity) -> [Interaction] {
      [Interaction(similarity), Interaction(similarity)]
    }

    package var writtenFields: [JSON.Member] {
      [
        .init("alpha", .double(alpha)), .init("expand_method", .string(expansion.rawValue)),
        .init("num_expand", .integer(count)), .init("duplicate_term", .string(repetition.rawValue)),
        .init("log_saturation", .bool(saturates)),
      ]
    }

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      var description = try LightningIRFolder.biEncoder(
        folder,
        Self(
          alpha: try folder.double("alpha", in: 0...1, default: defaults.alpha),
          expansion: try folder.choice("expand_method", default: .topk),
          count: try folder.integer(
            "num_expand", in: FieldRanges.outputs, default: defaults.expansions),
          repetition: try folder.choice("duplicate_term", default: .first),
          saturates: try folder.bool("log_saturation", default: false)))
      guard description.similarity == .dot else {
        throw .config(
          folder.configPlace,
          "similarity_function: expected dot, found \(description.similarity.rawValue)")
      }
      description.roles[.query]?.addsSpecialTokens = false
      if folder.config["doc_length"] == nil { description.roles[.doc]?.maximumLength = length }
      return description
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      let (description, width) = (loader.description, loader.width)
      let scope = WeightScope(loader.sources.main)
      let weighting = [
        try scope.linear(Self.layers[0], inputs: width, outputs: width),
        try scope.linear(Self.layers[1], inputs: width, outputs: 1),
      ]
      let second = try loader.second(Self.folder)
      let words = SpladeHead.Settings(
        pooling: .max, sparsification: .none, weighting: [:], expands: [:], naming: .transformers)
      let tokenizer = try Tokenizer.load(folder: description.folder.modelPath)
      return .biEncoder(
        DualDocumentHead(
          weighting: weighting, repetition: repetition,
          silent: Set(
            [tokenizer.clsID, tokenizer.sepID, tokenizer.bosID, tokenizer.eosID, tokenizer.padID]
              .compactMap { $0 }),
          expansion: ExpansionEncoder(
            backbone: second.backbone, terms: try VocabularyHead(words, second), kind: expansion,
            count: count, aliases: description.aliases),
          alpha: Float(alpha), saturates: saturates,
          mask: TermMask(try Self.mask(scope, loader.backbone.vocabularySize))))
    }

    /// The weights of terms that are pruned, and in training what decides of others.
    private static func mask(
      _ scope: WeightScope, _ vocabulary: Int
    ) throws(Failure) -> Parameter? {
      let isFresh = scope.checkpoint.fresh != nil
      guard isFresh || scope.has(mask) else { return nil }
      let weights = try scope.parameter(mask, [vocabulary])
      weights.training?.isFrozen = true
      for (name, count) in [(counts, vocabulary), (state, 2)] where isFresh || scope.has(name) {
        let isNew = !scope.has(name)
        let training = try scope.parameter(name, [count]).training
        training?.isFrozen = true
        if isNew { training?.values.pointer.update(repeating: 0, count: count) }
      }
      return weights
    }
  }
}

extension HeadLoader {
  /// A second backbone of the same configuration, with weights in a folder below.
  ///
  /// - Throws: 78 where it has none.
  func second(_ source: String) throws(Failure) -> HeadLoader {
    let folder = description.folder
    let sources = try sources.second(source, of: folder)
    // What is made is of the head alone: a backbone has weights or is none.
    let fresh = sources.main.fresh
    sources.main.fresh = nil
    let backbone = try folder.backbones.load(
      description.backboneType, folder, sources.main, scoresPairs: false, precisions)
    sources.main.fresh = fresh
    return HeadLoader(description, sources, backbone, precisions)
  }
}
