import Autograd
import Failures
import Kernels
import Tensors
import Tokenizers

/// A model in memory: backbone and head, ready to run on any thread.
package final class Model: Sendable {
  package let description: ModelDescription
  package let precisions: LayerPrecisions
  package let backbone: any Backbone
  package let head: Head
  /// Tokens whose vectors do not count.
  package let maskedTokens: [Role: Set<Int32>]
  /// Tokens whose vectors alone count.
  package let keptTokens: [Role: Set<Int32>]
  /// Settings of the folder that change nothing here.
  package let withoutEffect: [String]
  /// Tensors of the checkpoint that this model does not need.
  package let unusedTensors: [String]
  /// Tensors of the head that the checkpoint lacks, and training begins with values of its own.
  package let freshTensors: [String]

  /// Reads the weights of a folder.
  ///
  /// - Parameters:
  ///   - description: What the folder holds.
  ///   - tokenizer: The folder's, if it is loaded already.
  ///   - precisions: Precisions of the wide linear layers: the backbone's, and those that weight the
  ///     vocabulary.
  ///   - packed: Gathers the forms of weights that inference takes, or has them.
  ///   - store: Gets the weights where they are to be trained: then the model runs on tapes only.
  ///   - fresh: Gives those of the head their values where the checkpoint lacks them; nil where it
  ///     must not.
  /// - Throws: 78 where a tensor is missing or has another shape, or the weights are in a format
  ///   that is not read; 65 where they are damaged.
  package init(
    _ description: ModelDescription, tokenizer: Tokenizer? = nil,
    precisions: LayerPrecisions = .f32, packed: PackedWeights? = nil,
    trainingIn store: ParameterStore? = nil, fresh: FreshWeights? = nil
  ) throws(Failure) {
    self.description = description
    self.precisions = precisions
    let sources = try WeightSources(
      description.folder, trainingIn: store, packed: packed)
    backbone = try description.folder.backbones.load(
      description.backboneType, description.folder, sources.main,
      scoresPairs: description.isCrossEncoder, precisions)
    sources.main.fresh = fresh
    head = try description.head.load(HeadLoader(description, sources, backbone, precisions))
    freshTensors = sources.main.freshNames
    var unknownWords: [String] = []
    maskedTokens = try Self.maskedTokens(description, tokenizer, &unknownWords)
    keptTokens = (description.head.interaction?.kept ?? [:]).mapValues { Set($0) }
    withoutEffect =
      description.withoutEffect
      + unknownWords.map { "skiplist_words: \($0) (the tokenizer has no such token)" }
    if let stranger = sources.adapter?.strangers(to: sources.main.names).first {
      throw .config(
        description.folder.adapter, "the model has no \(stranger), which the adapter updates")
    }
    unusedTensors = sources.main.unused
  }

  /// Reads the weights of another head of the same folder.
  ///
  /// - Parameters:
  ///   - description: What the folder holds, read for that head.
  ///   - other: A model of the folder, whose backbone this one has.
  /// - Throws: As the other initialiser does.
  package init(_ description: ModelDescription, sharing other: Model) throws(Failure) {
    self.description = description
    precisions = other.precisions
    backbone = other.backbone
    head = try description.head.load(
      HeadLoader(description, WeightSources(description.folder), backbone, precisions))
    (maskedTokens, keptTokens) = ([:], [:])
    (freshTensors, unusedTensors) = ([], [])
    withoutEffect = description.withoutEffect
  }

  /// Longest sequence that a role may have.
  package func maximumTokens(_ role: Role) -> Int {
    min(description.roles[role]?.maximumLength ?? Int.max, backbone.maximumTokens)
  }

  private static func maskedTokens(
    _ description: ModelDescription, _ tokenizer: Tokenizer?, _ unknownWords: inout [String]
  ) throws(Failure) -> [Role: Set<Int32>] {
    guard let masked = description.head.interaction?.masked, !masked.isEmpty else { return [:] }
    var own = tokenizer
    if own == nil { own = try Tokenizer.load(folder: description.folder.modelPath) }
    guard let tokenizer = own else { return [:] }
    var all: [Role: Set<Int32>] = [:]
    for (role, tokens) in masked {
      var ids: Set<Int32> = []
      for name in tokens.names {
        if let id = tokenizer.id(of: name) {
          ids.insert(id)
        } else if case .knownWords = tokens {
          if !unknownWords.contains(name) { unknownWords.append(name) }
        } else if case .words = tokens, let unknown = tokenizer.unkID {
          ids.insert(unknown)
        } else {
          throw .config(
            description.folder.path, "the tokenizer has no token \(name), which is to be masked")
        }
      }
      all[role] = ids
    }
    return all
  }
}

extension LateInteraction.MaskedTokens {
  package var names: [String] {
    switch self {
    case .punctuation: Self.punctuationMarks.map { String($0) }
    case .tokens(let names), .words(let names), .knownWords(let names): names
    }
  }
}
