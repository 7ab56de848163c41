/// Files of a flat index.
package enum FlatFiles {
  /// embeddings[documents, dim].
  package static let vectors = "vectors.safetensors"
  /// scales[documents] of int8 vectors.
  package static let scales = "scales.safetensors"
}

/// Files of a sparse index.
package enum SparseFiles {
  /// offsets[dim + 1]: where each term's postings start.
  package static let offsets = "terms.safetensors"
  /// documents[postings], ascending within a term.
  package static let documents = "postings.documents.safetensors"
  /// weights[postings].
  package static let weights = "postings.weights.safetensors"
}
