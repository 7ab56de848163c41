import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// Description of the model in a folder, made without reading its weights.
package struct ModelDescription: Sendable {
  package var folder: ModelFolder
  package var backboneType: String
  package var head: any HeadSettings
  package var similarity: Similarity
  /// Settings of queries and documents, or of pairs.
  package var roles: [Role: RoleSettings]
  package var prompts: [String: String] = [:]
  /// Most terms of a sparse vector, those of the greatest weights; nil for all.
  package var maximumTerms: Int?
  /// Markers that the checkpoint's vocabulary lacks.
  package var aliases = RowAliases()
  /// Why the folder was read this way.
  package var evidence: [String]
  /// Settings of the folder that change nothing here.
  package var withoutEffect: [String] = []
  /// Fields that `--model-config` has changed, where the folder's own form has them in other files.
  package var overridden: [String] = []

  /// The family of the backbone; nil where this release has none of that name.
  package var family: (any BackboneFamily.Type)? { folder.backbone(backboneType)?.family }

  /// Tokens of the longest text that the backbone takes; nil where it has no limit.
  ///
  /// A backbone that cannot be run, because this release has none of its name or its configuration
  /// lacks a field, may be tokenised for all the same: then it is the number of positions, which most
  /// configurations give.
  package var longestText: Int? {
    let positions = folder.config["max_position_embeddings"]?.integer.flatMap { number in
      FieldRanges.count.contains(number) ? number : nil
    }
    guard let family else { return positions }
    do throws(Failure) {
      let length = try family.longestText(folder)
      return length == .max ? nil : length
    } catch {
      return positions
    }
  }

  package var isCrossEncoder: Bool { head.pairs != nil }
}

// MARK: Where weights are

/// A tensor, or a layer's tensors, of a model folder.
package struct WeightPlace: Sendable, Equatable {
  /// Folder or file below the model's, empty for the model's own checkpoint.
  package var source: String
  /// Name of the layer or tensor.
  package var name: String

  package init(_ name: String, in source: String = "") {
    self.source = source
    self.name = name
  }

  /// Name of the weights in training, without `.weight` and `.bias`.
  package var path: String { source.isEmpty ? name : "\(source)/\(name)" }
}

/// A linear layer that a folder or a checkpoint holds.
package struct Projection: Sendable {
  package var place: WeightPlace
  /// Nil for as many as the backbone is wide.
  package var outputs: Int?
  package var bias: Bias
  /// Name of the activation function, as torch calls it; nil for none.
  package var activation: String?
  /// Whether what goes in is added to what comes out, by a layer `residual` where the widths differ.
  package var hasResidual = false

  /// Whether the layer has a bias.
  package enum Bias: Sendable {
    case none, required
    /// Zero, where the checkpoint has none.
    case optional
  }

  package init(
    _ place: WeightPlace, outputs: Int?, bias: Bias, activation: String? = nil
  ) {
    self.place = place
    self.outputs = outputs
    self.bias = bias
    self.activation = activation
  }
}
