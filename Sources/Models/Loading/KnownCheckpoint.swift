import Failures
import JSON
import Streams
import Tensors

/// A checkpoint that Lightning IR registers by name: what its `config.json` leaves out.
///
/// Source: `lightning_ir/models/register_external_models.py`. A new checkpoint is a new row; where
/// its head's weights are, `HeadNames` says.
struct KnownCheckpoint: Sendable {
  /// Sign that a folder is one of the row.
  enum Evidence: Sendable {
    /// A file that only such folders have.
    case file(String)
    /// A tensor that only such checkpoints have.
    case tensor(String)
    case architecture(String)
    /// Nothing: the user must name it, or `config.json` does.
    case name
  }

  let names: [String]
  let modelType: String
  /// Fields of Lightning IR's configuration.
  var fields: [String: JSON] = [:]
  var evidence: [Evidence] = [.name]
  /// A `model_type` that means this checkpoint and no other.
  var ownModelType: String?
  /// Rows of the embedding table that `[QUE]` and `[DOC]` use, which the tokenizer does not have.
  var markerRows: (query: Int32, doc: Int32)?
  /// Put in front of texts.
  var prompts: [Role: String] = [:]
}

extension KnownCheckpoint {
  private static let noLengths: [String: JSON] = ["query_length": .null, "doc_length": .null]
  private static let meanWithoutProjection: [String: JSON] = [
    "projection": .null, "pooling_strategy": "mean",
  ]
  private static let staticQueries: [String: JSON] = [
    "query_expansion": false, "query_weighting": "static",
  ]

  static let all: [KnownCheckpoint] = [
    KnownCheckpoint(
      names: ["colbert-ir/colbertv2.0"], modelType: "col",
      fields: [
        "query_length": 32, "doc_length": 184, "add_marker_tokens": true,
        "normalization_strategy": "l2", "query_expansion": true,
        "doc_mask_scoring_tokens": "punctuation",
      ], evidence: [.file("artifact.metadata"), .architecture("HF_ColBERT")], markerRows: (1, 2)),
    KnownCheckpoint(
      names: ["lightonai/GTE-ModernColBERT-v1"], modelType: "col",
      fields: [
        "query_length": 32, "doc_length": 296, "add_marker_tokens": true,
        "normalization_strategy": "l2", "query_expansion": false, "projection": "linear_no_bias",
        "doc_mask_scoring_tokens": "punctuation",
      ], markerRows: (50368, 50369)),
    KnownCheckpoint(
      names: ["google/xtr-base-en"], modelType: "col",
      fields: ["projection": "linear_no_bias", "normalization_strategy": "l2"],
      evidence: [.file("2_Dense/pytorch_model.bin")], ownModelType: "xtr"),
    KnownCheckpoint(
      names: [
        "naver/splade-v3", "naver/splade-v3-distilbert", "naver/splade_v2_distil",
        "opensearch-project/opensearch-neural-sparse-encoding-v2-distill",
      ], modelType: "splade"),
    KnownCheckpoint(
      names: ["naver/splade-v3-doc"], modelType: "splade",
      fields: ["query_expansion": false, "query_weighting": .null]),
    KnownCheckpoint(
      names: ["naver/splade-v3-lexical"], modelType: "splade", fields: ["query_expansion": false]),
    KnownCheckpoint(
      names: [
        "opensearch-project/opensearch-neural-sparse-encoding-doc-v2-distill",
        "opensearch-project/opensearch-neural-sparse-encoding-doc-v2-mini",
      ], modelType: "splade", fields: staticQueries),
    KnownCheckpoint(
      names: ["opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill"],
      modelType: "splade",
      fields: staticQueries.merging(["sparsification_strategy": "relu_2xlog"]) { $1 }),
    KnownCheckpoint(
      names: [
        "sentence-transformers/msmarco-bert-base-dot-v5",
        "sentence-transformers/msmarco-distilbert-dot-v5",
        "sentence-transformers/msmarco-MiniLM-L-6-v3",
      ], modelType: "lir-dpr", fields: meanWithoutProjection),
    KnownCheckpoint(
      names: [
        "castorini/monot5-base-msmarco-10k", "castorini/monot5-base-msmarco",
        "castorini/monot5-large-msmarco-10k", "castorini/monot5-large-msmarco",
        "castorini/monot5-3b-msmarco-10k", "castorini/monot5-3b-msmarco",
      ], modelType: "mono", fields: noLengths.merging(["scoring_strategy": "mono"]) { $1 }),
    KnownCheckpoint(
      names: ["Soyoung97/RankT5-base", "Soyoung97/RankT5-large", "Soyoung97/RankT5-3b"],
      modelType: "mono", fields: noLengths.merging(["scoring_strategy": "rank"]) { $1 }),
    KnownCheckpoint(
      names: [
        "castorini/monobert-large-msmarco-finetune-only", "castorini/monobert-large-msmarco",
      ], modelType: "mono",
      fields: [
        "scoring_strategy": "mono", "linear_bias": true, "pooling_strategy": "bert_pool",
      ]),
    // Ours, by their model cards: folders as they are downloaded without their modules.
    KnownCheckpoint(
      names: [
        "Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-Embedding-4B", "Qwen/Qwen3-Embedding-8B",
      ], modelType: "lir-dpr",
      fields: [
        "projection": .null, "pooling_strategy": "last", "normalization_strategy": "l2",
        "query_length": 8192, "doc_length": 8192,
      ],
      prompts: [
        .query:
          "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
      ]),
    KnownCheckpoint(
      names: [
        "Qwen/Qwen3-Reranker-0.6B", "Qwen/Qwen3-Reranker-4B", "Qwen/Qwen3-Reranker-8B",
      ], modelType: "mono", fields: ["answer_recipe": "qwen3-reranker"]),
    KnownCheckpoint(
      names: ["mixedbread-ai/mxbai-rerank-base-v2", "mixedbread-ai/mxbai-rerank-large-v2"],
      modelType: "mono", fields: ["answer_recipe": "mxbai-rerank-v2"]),
    KnownCheckpoint(
      names: ["fschlatt/coil-with-hn"], modelType: "coil", evidence: [.file("model.pt")]),
    KnownCheckpoint(
      names: ["castorini/unicoil-noexp-msmarco-passage"], modelType: "unicoil",
      fields: ["projection": "linear"], evidence: [.tensor("coil_encoder.tok_proj.weight")]),
  ]

  /// The row of a folder and why it is that one; nil where there is none.
  ///
  /// A name that the user gives counts most, then the folder's content, then the name in
  /// `config.json`.
  ///
  /// - Throws: 78 for a name that is in no row.
  static func find(
    _ folder: ModelFolder
  ) throws(Failure) -> (row: KnownCheckpoint, evidence: String)? {
    if let name = try folder.string("checkpoint", default: nil) {
      guard let row = all.first(where: { $0.names.contains(name) }) else {
        throw .config(
          folder.configPlace, "checkpoint: \(name) is not known",
          hint: "known: \(all.flatMap(\.names).joined(separator: ", "))")
      }
      return (row, "--model-config: checkpoint is \(name)")
    }
    if let type = folder.modelType, let row = all.first(where: { $0.ownModelType == type }) {
      return (row, "\(folder.sourceOfModelType): model_type is \(type)")
    }
    // The modules of sentence-transformers say themselves what they are.
    if !WholeFile.exists(folder.path + "/modules.json") {
      for row in all {
        if let evidence = try row.evidence(in: folder) { return (row, evidence) }
      }
    }
    guard let name = folder.config["_name_or_path"]?.string,
      let row = all.first(where: { $0.names.contains(name) })
    else { return nil }
    return (row, "config.json: _name_or_path is \(name)")
  }

  private func evidence(in folder: ModelFolder) throws(Failure) -> String? {
    for evidence in evidence {
      switch evidence {
      case .file(let name) where WholeFile.exists("\(folder.path)/\(name)"):
        return "\(name) is there, as in \(names[0])"
      case .architecture(let name) where folder.architectures.contains(name):
        return "config.json: architectures is \(name), as in \(names[0])"
      case .tensor(let name) where try Checkpoint.exists(folder.modelPath):
        if try Checkpoint(folder.modelPath).has(name) {
          return "tensor \(name) is there, as in \(names[0])"
        }
      default: continue
      }
    }
    return nil
  }
}
