import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// One vector a token, and a learned score of the similarities of two texts' vectors (LITE).
///
/// Ji et al., arXiv:2406.17968. Fields are those of Lightning IR's `col`, and the widths of the scorer's layers.
package enum LiteHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["lite"]
    package static let fields: Set = [
      docHidden, "doc_mask_scoring_tokens", "embedding_dim", "normalization_strategy", "projection",
      queryHidden, "query_mask_scoring_tokens",
    ]

    private static let queryHidden = "lite_query_hidden"
    private static let docHidden = "lite_doc_hidden"
    /// Lengths of texts that the paper has.
    private static let lengths: [Role: Int] = [.query: 30, .doc: 200]
    /// Width of the inner layers over so many tokens, as the paper has them: 360 and 2400.
    private static let innerFactor = 12
    /// Longest texts whose similarities a scorer takes.
    private static let longest = 1...8192
    /// Epsilon of torch.nn.LayerNorm.
    private static let epsilon = 1e-5

    /// Layers over every token, in order.
    let layers: [HeadLayerSettings]
    /// Most vectors of a text.
    let tokens: [Role: Int]
    /// Widths of the inner layers over the tokens of a query, and over those of a document.
    let inner: [Role: Int]
    package let interaction: LateInteraction?

    package var writtenFields: [JSON.Member] {
      [
        .init("query_length", .integer(tokens[.query] ?? 0)),
        .init("doc_length", .integer(tokens[.doc] ?? 0)),
        .init(Self.queryHidden, .integer(inner[.query] ?? 0)),
        .init(Self.docHidden, .integer(inner[.doc] ?? 0)),
      ]
    }

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      layers.projections.prefix(1).map { ($0.place.path, "projection") }
        + [("scorer", "scorer")]
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      let scope = WeightScope(loader.sources.main)("scorer")
      func axis(_ name: String, _ role: Role) throws(Failure) -> LearnedScorer.Axis {
        let (outer, inner) = (tokens[role] ?? 1, inner[role] ?? 1)
        return LearnedScorer.Axis(
          layers: [
            try scope.linear("\(name)_layers.0", inputs: outer, outputs: inner),
            try scope.linear("\(name)_layers.1", inputs: inner, outputs: outer),
          ],
          norms: [
            try scope.layerNorm("\(name)_norms.0", width: inner, epsilon: Self.epsilon),
            try scope.layerNorm("\(name)_norms.1", width: outer, epsilon: Self.epsilon),
          ])
      }
      let scorer = LearnedScorer(
        rows: try axis("row", .doc), columns: try axis("column", .query),
        output: try scope.linear(
          "output", inputs: (tokens[.query] ?? 1) * (tokens[.doc] ?? 1), outputs: 1))
      return .biEncoder(
        MultiVectorHead(
          layers: try loader.layers(layers, inputs: loader.width), width: loader.width,
          scorer: scorer))
    }

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      let projection = try LightningIRFolder.projection(
        folder, "projection", width: "embedding_dim", default: 128, isOptional: true)
      var (tokens, inner): ([Role: Int], [Role: Int]) = ([:], [:])
      for (role, key) in [(Role.query, queryHidden), (.doc, docHidden)] {
        let length = try folder.integer(
          "\(role.rawValue)_length", in: longest, default: lengths[role] ?? 1)
        tokens[role] = length
        inner[role] = try folder.integer(
          key, in: FieldRanges.outputs, default: innerFactor * length)
      }
      var description = try LightningIRFolder.biEncoder(
        folder,
        Self(
          layers: (projection.map { [.linear($0)] } ?? [])
            + (try LightningIRFolder.normalizes(folder) ? [.normalize] : []),
          tokens: tokens, inner: inner, interaction: try LightningIRFolder.interaction(folder)))
      guard description.similarity == .dot else {
        throw .config(
          folder.configPlace,
          "similarity_function: expected dot, of which the scorer is a function, found "
            + description.similarity.rawValue, hint: "normalization_strategy l2 makes it a cosine")
      }
      for (role, count) in tokens { description.roles[role]?.maximumLength = count }
      return description
    }
  }
}

extension LearnedScorer {
  /// What `lir-encode --inspect` prints of the scorer.
  var fact: JSON {
    [
      "query_tokens": .integer(queryTokens), "doc_tokens": .integer(docTokens),
      "query_hidden": .integer(columns.layers[0].outputs),
      "doc_hidden": .integer(rows.layers[0].outputs),
    ]
  }
}
