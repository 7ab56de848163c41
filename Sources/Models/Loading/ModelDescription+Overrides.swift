import Failures
import JSON
import Tensors
import Vectors

/// Fields of Lightning IR that `--model-config` sets in a folder that describes itself in another form:
/// that of sentence-transformers, of PyLate or of transformers.
extension ModelDescription {
  /// Fields that say how a folder is read, which was seen to before.
  private static let ofReading: Set<String> = [
    "checkpoint", "model_type", "task", "task_instructions",
  ]
  /// Fields that count in training alone, and that heads read themselves.
  private static let ofTraining: Set<String> = ["k_train", "k_train_scope"]

  /// Does what the user says.
  ///
  /// - Throws: 78 for a value of another type, and for a field that has no meaning here.
  mutating func override() throws(Failure) {
    let known = ConfigurationFields.lightningIR(folder.heads).union(["truncate_dim"])
      .subtracting(Self.ofReading).subtracting(Self.ofTraining)
    // Whether texts are filled up is known before what is attended to.
    for key in folder.overriddenKeys.sorted(by: {
      !$0.hasPrefix("attend") && $1.hasPrefix("attend")
    })
    where known.contains(key) {
      var isDone = try head.override(key, from: folder)
      if !isDone { isDone = try override(key) }
      guard isDone else {
        throw .config(
          "--model-config",
          "\(key) has no meaning for this folder (\(evidence.first ?? backboneType))",
          hint: "with model_type the folder is read as one of Lightning IR's, whose field it is")
      }
      overridden.append(key)
    }
  }

  /// Does what one field says; no where it has no meaning.
  private mutating func override(_ key: String) throws(Failure) -> Bool {
    switch key {
    case "add_marker_tokens", "use_adapter": return try !folder.bool(key, default: false)
    case "similarity_function" where !isCrossEncoder:
      similarity = try folder.choice(key, default: similarity)
      return true
    case "query_length": return try overrideLength(.query, key)
    case "doc_length": return try overrideLength(.doc, key)
    case "query_expansion": return try overrideExpansion(.query, key)
    case "doc_expansion": return try overrideExpansion(.doc, key)
    case "attend_to_query_expanded_tokens": return try overrideAttention(.query, key)
    case "attend_to_doc_expanded_tokens": return try overrideAttention(.doc, key)
    default: return false
    }
  }

  private mutating func overrideLength(_ role: Role, _ key: String) throws(Failure) -> Bool {
    guard var settings = roles[role] else { return false }
    let given = try folder.optionalInteger(key, in: FieldRanges.length, default: nil)
    let length = if let given { given } else { try folder.tokenizerLength() }
    if case .expansion(let token, let least, let isAttended) = settings.filling, let length {
      let isFixed = settings.maximumLength == least
      guard isFixed || length >= least else {
        throw folder.invalid(
          key, expected: "\(least) or more, as short texts are filled up to that")
      }
      if isFixed {
        settings.filling = .expansion(token: token, length: length, isAttended: isAttended)
      }
    }
    settings.maximumLength = length
    roles[role] = settings
    return true
  }

  private var filling: WritableKeyPath<RoleSettings, Filling>? {
    head is MultiVectorHead.Settings ? \.filling : nil
  }

  private mutating func overrideExpansion(_ role: Role, _ key: String) throws(Failure) -> Bool {
    guard let filling, let old = roles[role]?[keyPath: filling] else { return false }
    let expands = try folder.bool(key, default: false)
    if !expands {
      roles[role]?[keyPath: filling] = .none
    } else if old == .none {
      roles[role]?[keyPath: filling] = .mask(isAttended: false)
    }
    return true
  }

  private mutating func overrideAttention(_ role: Role, _ key: String) throws(Failure) -> Bool {
    guard let filling, let old = roles[role]?[keyPath: filling] else { return false }
    let isAttended = try folder.bool(key, default: false)
    switch old {
    case .none, .padding: return false
    case .mask: roles[role]?[keyPath: filling] = .mask(isAttended: isAttended)
    case .expansion(let token, let length, _):
      roles[role]?[keyPath: filling] = .expansion(
        token: token, length: length, isAttended: isAttended)
    }
    return true
  }
}

// MARK: Heads

extension DenseHead.Settings {
  package mutating func override(
    _ key: String, from folder: ModelFolder
  ) throws(Failure) -> Bool {
    switch key {
    case "pooling_strategy":
      poolings = [try folder.choice(key, default: LightningIRFolder.PoolingStrategy.first).pooling]
    case "normalization_strategy": normalizes = try LightningIRFolder.normalizes(folder)
    case "normalize": normalizes = try folder.bool(key, default: false)
    case "sparsification_strategy":
      sparsification = try folder.choice(key, default: .none, nullMeans: Sparsification.none)
    case "truncate_dim":
      kept = try folder.optionalInteger(key, in: FieldRanges.length, default: nil)
    default: return false
    }
    return true
  }
}

extension MultiVectorHead.Settings {
  package mutating func override(
    _ key: String, from folder: ModelFolder
  ) throws(Failure) -> Bool {
    switch key {
    case "normalization_strategy":
      let normalizes = try LightningIRFolder.normalizes(folder)
      guard normalizes != layers.normalizesLast else { return true }
      if normalizes { layers.append(.normalize) } else { layers.removeLast() }
    case "query_aggregation_function":
      interaction?.queryAggregation = try folder.choice(key, default: .sum)
    case "doc_aggregation_function":
      interaction?.docAggregation = try folder.choice(key, default: .max)
    case "query_mask_scoring_tokens":
      interaction?.masked[.query] = try LightningIRFolder.masked(folder, .query)
    case "doc_mask_scoring_tokens":
      interaction?.masked[.doc] = try LightningIRFolder.masked(folder, .doc)
    default: return false
    }
    return true
  }
}

extension SpladeHead.Settings {
  package mutating func override(
    _ key: String, from folder: ModelFolder
  ) throws(Failure) -> Bool {
    switch key {
    case "pooling_strategy":
      pooling = try folder.choice(key, default: LightningIRFolder.PoolingStrategy.max).pooling
    case "sparsification_strategy":
      sparsification = try folder.choice(key, default: .reluLog, nullMeans: Sparsification.none)
    case "query_expansion": expands[.query] = try folder.bool(key, default: true)
    case "doc_expansion": expands[.doc] = try folder.bool(key, default: true)
    default: return false
    }
    return true
  }
}
