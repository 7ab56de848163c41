/// A form that other libraries open a model in.
package enum ExportFormat: String, CaseIterable, Sendable {
  /// A class of transformers: a backbone, a masked language model, a classifier.
  case transformers
  /// `modules.json` of sentence-transformers 6.
  case sentenceTransformers = "sentence-transformers"
  /// A ColBERT of PyLate.
  case pylate
}
