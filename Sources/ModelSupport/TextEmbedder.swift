import Encoding
import Failures
import Kernels
import Models
import Records
import Tensors
import Tokenizers
import Vectors
import Workers

/// Turns texts of one role into embeddings.
package struct TextEmbedder: Sendable {
  package let role: Role
  package let tokenizer: RoleTokenizer
  package let encoder: BatchEncoder
  private let windowTokenizer: WindowTokenizer
  private let promptTokens: Int

  /// `maxLength`, `prompt`: `--max-length` and `--prompt`.
  package init(
    _ loaded: LoadedModel, _ role: Role, _ pool: WorkerPool, _ kernels: Kernels,
    batchTokens: Int, maxLength: Int? = nil, prompt: String? = nil
  ) throws(Failure) {
    self.role = role
    tokenizer = try RoleSetup.tokenizer(
      loaded.tokenizer, loaded.description, role, maxLength: maxLength, prompt: prompt)
    encoder = BatchEncoder(loaded.model, pool, kernels, batchTokens: batchTokens)
    windowTokenizer = WindowTokenizer(pool)
    var scratch = TokenizerScratch()
    promptTokens = try tokenizer.promptTokens(&scratch)
  }

  package var model: Model { encoder.model }

  /// The records of a block as tokens.
  package func window(_ batch: RecordBatch) throws(Failure) -> InputWindow {
    try InputWindow(batch, windowTokenizer, tokenizer)
  }

  package func embed(_ window: InputWindow) throws(Failure) -> Embeddings {
    try encoder.encode(window.tokens, role: role, promptTokens: promptTokens)
  }

  package func embed(
    _ texts: [[UInt8]]
  ) throws(Failure) -> (embeddings: Embeddings, truncated: Int) {
    let tokenizer = tokenizer
    let tokens = try windowTokenizer.tokenize(texts.count) {
      index, buffer, scratch throws(Failure) in
      var counts = TokenCounts(removed: 0)
      try texts[index].withUnsafeBufferPointer { text throws(Failure) in
        counts = try tokenizer.append(UnsafeRawBufferPointer(text), to: &buffer, &scratch)
      }
      return counts
    }
    let embeddings = try encoder.encode(tokens, role: role, promptTokens: promptTokens)
    return (embeddings, tokens.truncated)
  }
}
