import Encoding
import Failures
import Kernels
import Records
import Reranking
import Tensors
import ToolSupport

/// The files of queries and documents that hold vectors rather than texts.
struct VectorFiles {
  /// The queries; nil where they are texts.
  let queries: VectorInputs?
  /// The documents; nil where they are texts.
  let docs: VectorInputs?

  /// Looks at the files that the options name.
  ///
  /// - Throws: 64 for what is said of vectors where there are none, 65 where texts and vectors are
  ///   mixed.
  init(_ options: Rerank) throws(Failure) {
    var claims = try options.vectors.claims()
    let flags = claims.flags + (options.queryIds == nil ? [] : ["--query-ids"])
    guard claims.role == nil else {
      throw .usage("--role: --queries are queries here, and --docs documents")
    }
    let hasModel = options.modelOptions.model != nil
    let queryFiles = options.queries.map { [$0] } ?? []
    let queriesAreVectors = try TextsOrStream.areVectors(queryFiles, forModel: hasModel)
    let docsAreVectors = try TextsOrStream.areVectors(options.docs, forModel: hasModel)
    if let flag = flags.first, !queriesAreVectors, !docsAreVectors {
      throw .usage("\(flag) is for vectors, --queries and --docs are texts")
    }
    // What is said of vectors is not said of streams, which stand beside them.
    func own(_ files: [String]) throws(Failure) -> VectorClaims {
      for file in files where try VectorInputs.isForeign(file) { return claims }
      return VectorClaims()
    }
    docs = docsAreVectors ? VectorInputs(options.docs, try own(options.docs), as: .doc) : nil
    claims.ids = options.queryIds.map { [$0] } ?? []
    queries = queriesAreVectors ? VectorInputs(queryFiles, try own(queryFiles), as: .query) : nil
  }

  /// The vectors that a run needs.
  ///
  /// - Parameters:
  ///   - files: Those of one side.
  ///   - wanted: The ids of that side.
  ///   - role: The side.
  ///   - model: What they must be of; nil where no model is there.
  ///   - kernels: Compute.
  ///   - context: Gets what a user is to be told.
  /// - Returns: The vectors.
  /// - Throws: As reading them does.
  func stored(
    _ files: VectorInputs, _ wanted: IDTable, _ role: Role,
    _ model: (digest: String, words: String)?, _ kernels: Kernels, _ context: ToolContext
  ) throws(Failure) -> StoredEmbeddings {
    let stored = try StoredEmbeddings(files, wanted, role: role, model: model, kernels)
    for warning in stored.warnings { context.diagnostics.warning(warning) }
    return stored
  }
}
