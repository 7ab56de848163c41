import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// Several vectors a document, one for each viewer token, and one a query (MVR, arXiv:2203.08372;
/// Lightning IR `models/bi_encoders/mvr.py`).
package struct ViewerHead: BiEncoderHead {
  package let projection: Linear?
  package let queryPooling: Pooling
  /// Vectors of a document.
  package let viewers: Int
  package let normalizes: Bool
  package let dimension: Int

  init(
    projection: Linear?, queryPooling: Pooling, viewers: Int, normalizes: Bool, width: Int
  ) {
    self.projection = projection
    self.queryPooling = queryPooling
    self.viewers = viewers
    self.normalizes = normalizes
    dimension = projection?.outputs ?? width
  }

  package var form: VectorForm { .vectors(VectorShape(width: dimension, hasTokens: false)) }

  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    let hidden = texts.states()
    let x =
      texts.role == .query ? query(hidden, texts.batch, o) : document(hidden, texts.batch, o)
    return [normalizes ? o.normalize(x) : x]
  }

  /// [T,D] to [B,dimension].
  private func query<O: Operations>(_ hidden: O.Value, _ batch: PackedBatch, _ o: O) -> O.Value {
    let x = projection.map { o.linear(hidden, $0) } ?? hidden
    // The reference pools without a mask and never divides: a mean is a sum, padding included.
    return o.pool(x, queryPooling == .mean ? .sum : queryPooling, batch)
  }

  /// [T,D] to [N,dimension]: the viewers' vectors of each document, fewer where it is shorter.
  private func document<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    let x = o.stack((0..<batch.sequences).map { o.rows(hidden, rows(batch.range($0))) })
    return projection.map { o.linear(x, $0) } ?? x
  }

  /// The viewers stand behind the first token.
  private func rows(_ sequence: Range<Int>) -> Range<Int> {
    let start = min(sequence.lowerBound + 1, sequence.upperBound)
    return start..<min(start + viewers, sequence.upperBound)
  }

  package func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] {
    if role == .query { return [VectorGroups(texts: batch.sequences)] }
    var first = 0
    return [
      VectorGroups(
        rows: (0..<batch.sequences).map { sequence in
          let count = rows(batch.range(sequence)).count
          defer { first += count }
          return Array(first..<first + count)
        })
    ]
  }

  package var givesViews: Bool { true }

  package var layersOfSomeTokens: [Linear] { projection.map { [$0] } ?? [] }

  package var facts: [JSON.Member] {
    [
      JSON.Member("pooling", .array([.string(queryPooling.rawValue)])),
      JSON.Member("viewers", .integer(viewers)),
      JSON.Member("normalize", .bool(normalizes)),
    ]
  }
}

extension ViewerHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["mvr"]
    package static let fields = LightningIRFolder.interactionFields.union([
      "embedding_dim", "normalization_strategy", "num_viewer_tokens", "pooling_strategy",
      "projection",
    ])

    /// Nil for none.
    package var projection: Projection?
    package var queryPooling: Pooling
    package var viewers: Int
    package var normalizes: Bool
    package var interaction: LateInteraction?

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      projection.map { [($0.place.path, "projection")] } ?? []
    }

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      let pooling = try folder.choice(
        "pooling_strategy", default: LightningIRFolder.PoolingStrategy.first)
      let viewers = try folder.integer("num_viewer_tokens", in: FieldRanges.viewers, default: 8)
      var description = try LightningIRFolder.biEncoder(
        folder,
        Self(
          projection: try LightningIRFolder.projection(folder, "projection", isOptional: true),
          queryPooling: pooling.pooling, viewers: viewers,
          normalizes: try LightningIRFolder.normalizes(folder),
          interaction: try LightningIRFolder.interaction(folder)))
      description.roles[.doc]?.inserted += (0..<viewers).map { InsertedToken("[VIE\($0)]") }
      if pooling.pooling != .first {
        // The reference pools padding, too, and pads to multiples of this number.
        description.roles[.query]?.filling = .padding(multiple: 8)
      }
      return description
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      .biEncoder(
        ViewerHead(
          projection: try projection.map { layer throws(Failure) in
            try loader.linear(layer, inputs: loader.width)
          }, queryPooling: queryPooling, viewers: viewers, normalizes: normalizes,
          width: loader.width))
    }
  }
}
