import Kernels

/// A learned function of the similarities of two texts' vectors: LITE in its separable form (Ji et al.,
/// arXiv:2406.17968, equations 3 and 4).
///
/// S[L₁,L₂] are the dot products of the vectors of a query with those of a document, 0 where either has
/// none. Two layers go over each row, two over each column, each followed by σ and layer normalisation, and
/// one linear layer makes the score of all elements. The paper leaves σ open: it is max(x, 0).
package struct LearnedScorer: Sendable {
  /// Two layers over one axis of the similarities.
  package struct Axis: Sendable {
    package let layers: [Linear]
    package let norms: [LayerNorm]

    /// - Parameters:
    ///   - layers: L to M, and M to L.
    ///   - norms: Of M and of L numbers.
    package init(layers: [Linear], norms: [LayerNorm]) {
      precondition(layers.count == norms.count, "a norm for each layer")
      (self.layers, self.norms) = (layers, norms)
    }

    fileprivate func apply<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
      zip(layers, norms).reduce(x) { x, layer in
        o.layerNorm(o.linear(x, layer.0, .relu), layer.1)
      }
    }
  }

  /// Layers over rows: L₂ numbers, a document's tokens.
  package let rows: Axis
  /// Layers over columns: L₁ numbers, a query's tokens.
  package let columns: Axis
  /// L₁·L₂ to 1, row by row.
  package let output: Linear
  /// L₁.
  package let queryTokens: Int
  /// L₂.
  package let docTokens: Int

  package init(rows: Axis, columns: Axis, output: Linear) {
    self.rows = rows
    self.columns = columns
    self.output = output
    queryTokens = columns.layers[0].inputs
    docTokens = rows.layers[0].inputs
    precondition(output.inputs == queryTokens * docTokens, "\(output.name): inputs")
  }

  /// Scores of P pairs: similarities [P·L₁,L₂] to [P,1].
  package func scores<O: Operations>(_ similarities: O.Value, _ o: O) -> O.Value {
    let byRow = rows.apply(similarities, o)
    let byColumn = columns.apply(o.turn(byRow, rows: queryTokens), o)
    let pairs = o.rowCount(similarities) / queryTokens
    return o.linear(o.reshape(o.turn(byColumn, rows: docTokens), rows: pairs), output)
  }
}

extension LearnedScorer {
  /// All weights, with those of low-rank updates.
  package var parameters: [Parameter] {
    let layers = rows.layers + columns.layers + [output]
    let norms = rows.norms + columns.norms
    return layers.flatMap { layer in
      layer.weights + layer.biases + layer.weights.flatMap { $0.lowRank?.parameters ?? [] }
    } + norms.flatMap { [$0.weight, $0.bias].compactMap { $0 } }
  }
}
