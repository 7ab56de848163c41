import Kernels

/// Keys and values of tokens that several sequences begin with: where no token sees what is behind it,
/// they are the same in each of the sequences, and are computed once.
///
/// Unchecked: whoever computes the states of these tokens writes it, one layer after the other, on one
/// thread; whoever reads it begins later.
package final class PrefixStates: @unchecked Sendable {
  /// P.
  package let tokens: Int
  /// Keys and values side by side, [P,2·G·E] each.
  private var layers: [AlignedBuffer] = []

  package init(tokens: Int) {
    precondition(tokens > 0, "a prefix without tokens")
    self.tokens = tokens
  }

  /// Keeps keys and values of the next layer, [P,2·G·E].
  func keep(_ states: MatrixView, layer: Int) {
    precondition(
      states.rows == tokens && layer == layers.count,
      "layer \(layer) of a prefix of \(tokens) tokens, of which \(layers.count) are kept")
    let copy = AlignedBuffer(count: states.rows * states.columns)
    copy.matrix(rows: states.rows, columns: states.columns).copy(states)
    layers.append(copy)
  }

  /// Copies keys and values of a layer to the first rows of a matrix [P+L,2·G·E].
  func copy(layer: Int, into target: Matrix) {
    precondition(layer < layers.count, "layer \(layer) of a prefix that has \(layers.count)")
    target.buffer.pointer.update(from: layers[layer].pointer, count: tokens * target.columns)
  }
}

/// What a sequence of a batch has to do with a prefix.
package enum SequencePrefix: Sendable {
  case none
  /// The sequence is the prefix, of which keys and values are kept.
  case keeping(PrefixStates)
  /// The sequence stands behind the prefix.
  case behind(PrefixStates)

  /// Tokens in front of the sequence's own.
  var tokens: Int {
    if case .behind(let states) = self { states.tokens } else { 0 }
  }
}

extension Inference {
  /// Keys and values of a sequence and of the prefix in front of it, side by side, [P+L,2·G·E].
  ///
  /// - Parameters:
  ///   - own: Those of the sequence's own tokens, [L,2·G·E].
  ///   - prefix: The prefix.
  ///   - layer: The layer.
  /// - Returns: The keys, then the values.
  func joined(_ own: MatrixView, behind prefix: PrefixStates, layer: Int) -> Matrix {
    let all = matrix(prefix.tokens + own.rows, own.columns)
    prefix.copy(layer: layer, into: all)
    all.view.rows(prefix.tokens..<all.rows).copy(own)
    return all
  }
}
