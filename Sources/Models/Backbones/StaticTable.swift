import Autograd
import Failures
import JSON
import Kernels

/// A vector for every token, wherever it stands: no layers (model2vec; StaticEmbedding of
/// sentence-transformers, `sentence_transformer/modules/static_embedding.py` at 6.2).
package struct StaticTable: Backbone, BackboneFamily {
  package let wordEmbeddings: Parameter

  package var width: Int { wordEmbeddings.columns }
  package var layerCount: Int { 0 }
  package var vocabularySize: Int { wordEmbeddings.rows }
  package var maximumTokens: Int { .max }
  package var activation: Activation { .none }
  package var normEpsilon: Double { 0 }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  /// The name in Lightning IR's configurations, of which there are none by others.
  package static let name = "static-embedding"
  /// Those of sentence-transformers and of model2vec.
  package static let wordEmbeddings = ["embedding.weight", "embeddings"]

  package static func load(
    _ configuration: StaticTableConfiguration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    let shape = [configuration.vocabularySize, configuration.width]
    guard !weights.has(wordEmbeddings[0]), weights.has(wordEmbeddings[1]) else {
      return StaticTable(wordEmbeddings: try weights.table(wordEmbeddings[0], shape))
    }
    let path = weights.checkpoint.path
    let rows = try weights.checkpoint.integers(weights.prefix + "mapping")
    let stored = weights.checkpoint.shape(weights.prefix + wordEmbeddings[1])?.first ?? shape[0]
    let table = try weights.parameter(
      wordEmbeddings[1], [rows == nil ? shape[0] : stored, shape[1]])
    let own = weights.has("weights") ? try weights.parameter("weights", [shape[0]]) : nil
    guard rows != nil || own != nil else { return StaticTable(wordEmbeddings: table) }
    guard table.training == nil else {
      throw .config(path, "a table with weights of tokens, or shared rows, cannot be trained")
    }
    if let rows, rows.count != shape[0] {
      throw .config(path, "tensor mapping: expected \(shape[0]) rows, found \(rows.count)")
    }
    if let wrong = rows?.first(where: { !(0..<table.rows).contains($0) }) {
      throw .config(path, "tensor mapping: expected rows of \(table.rows), found \(wrong)")
    }
    return StaticTable(wordEmbeddings: ofTokens(table, rows, own, count: shape[0]))
  }

  /// A row for each token: its row of the table, times its weight.
  private static func ofTokens(
    _ table: Parameter, _ rows: [Int]?, _ weights: Parameter?, count: Int
  ) -> Parameter {
    let columns = table.columns
    let product = AlignedBuffer(count: count * columns)
    for token in 0..<count {
      let row = table.values + (rows?[token] ?? token) * columns
      let weight = weights?.values[token] ?? 1
      for i in 0..<columns { product.pointer[token * columns + i] = row[i] * weight }
    }
    return Parameter(
      name: table.name, shape: [count, columns], values: UnsafePointer(product.pointer),
      owner: product)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let states = o.embed(batch, word: wordEmbeddings, type: nil, positions: nil)
    return onlyFirst ? o.pool(states, .first, batch) : states
  }

  /// What stands for the `config.json` that a folder of sentence-transformers does not have.
  ///
  /// - Parameters:
  ///   - path: The folder of the weights.
  ///   - others: What else is said of the model; nil for nothing.
  /// - Returns: The members.
  /// - Throws: 78 where there is no table, 65 where the weights are damaged.
  static func configuration(of path: String, beside others: JSON?) throws(Failure) -> JSON {
    let checkpoint = try Checkpoint(path)
    let shape = wordEmbeddings.lazy.compactMap { checkpoint.shape($0) }.first
    guard let shape, shape.count == 2 else {
      throw .config(path, "tensor \(wordEmbeddings[0]) is missing")
    }
    let tokens = checkpoint.shape("mapping")?.first ?? shape[0]
    let own = [
      JSON.Member("model_type", .string(name)), JSON.Member("vocab_size", .integer(tokens)),
      JSON.Member("hidden_size", .integer(shape[1])),
    ]
    let more = ["max_length", "normalize"].compactMap { key in
      others?[key].map { JSON.Member(key, $0) }
    }
    return .object(own + more)
  }
}

/// Sizes of the table.
package struct StaticTableConfiguration: BackboneConfiguration {
  let vocabularySize: Int
  let width: Int

  package var longestText: Int { .max }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    width = try fields.integer("hidden_size", in: FieldRanges.width)
  }
}
