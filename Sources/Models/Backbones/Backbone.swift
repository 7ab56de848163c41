import Autograd
import Failures
import JSON
import Kernels

/// A transformer in memory that turns tokens into vectors.
package protocol Backbone: Sendable {
  /// D.
  var width: Int { get }
  var vocabularySize: Int { get }
  /// Layers that states go through, one after the other.
  var layerCount: Int { get }
  /// Width of the states between layers.
  var layerWidth: Int { get }
  /// Segments that tokens may belong to.
  var segmentCount: Int { get }
  /// Longest sequence, `BackboneConfiguration.longestText`; `Int.max` where there is no limit.
  var maximumTokens: Int { get }
  /// word[V,D], which masked language model heads share.
  var wordEmbeddings: Parameter { get }
  /// Activation function of the layers.
  var activation: Activation { get }
  /// Epsilon of the normalisations.
  var normEpsilon: Double { get }
  /// Members that `lir-encode --inspect` prints of it, such as switches of its family.
  var facts: [JSON.Member] { get }
  /// Whether there is one hidden state a sequence, made by a decoder, instead of one a token.
  var decodes: Bool { get }

  /// Bytes of what is kept of each token of a prefix, so that sequences may stand behind it with the
  /// states that they have as a whole; nil where a token's state depends on what is behind it.
  var prefixBytes: Int? { get }

  /// Hidden states of the last layer, [T,D], or [B,D] of a decoder.
  ///
  /// - Parameters:
  ///   - batch: The tokens.
  ///   - onlyFirst: Whether only the states of the first token of each sequence are wanted, [B,D]:
  ///     the last layer computes no more. Not on a tape, nor for sets; a decoder takes no notice.
  ///   - o: What computes: inference or a tape.
  /// - Returns: The states.
  func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value
}

extension Backbone {
  /// Hidden states of the last layer, [T,D], or [B,D] of a decoder.
  package func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    self(batch, onlyFirst: false, o)
  }

  package var layerWidth: Int { width }

  package var decodes: Bool { false }

  package var prefixBytes: Int? { nil }

  package var facts: [JSON.Member] { [] }
}
