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
  /// Models of other heads, which share the backbone of the first.
  private let others: [Model]
  private let threads: WindowTokenizer
  private let promptTokens: Int

  package var model: Model { encoder.model }

  /// - Parameters:
  ///   - loaded: The model and its tokenizer.
  ///   - others: Models of its folder's other heads, which share its backbone.
  ///   - role: Whose texts are embedded.
  ///   - pool: Runs both.
  ///   - kernels: Compute.
  ///   - batchTokens: Tokens that are computed at once.
  ///   - maxLength: `--max-length`.
  ///   - prompt: `--prompt`.
  ///   - watch: Told how far a window of texts is.
  /// - Throws: 64 or 78 for a length, a prompt or a role that the model cannot have.
  package init(
    _ loaded: LoadedModel, also others: [Model] = [], _ role: Role, _ pool: WorkerPool,
    _ kernels: Kernels,
    batchTokens: Int, maxLength: Int? = nil, prompt: String? = nil,
    watch: (@Sendable (_ share: Double, _ texts: Int) -> Void)? = nil
  ) throws(Failure) {
    self.role = role
    self.others = others
    tokenizer = try RoleSetup.tokenizer(
      loaded.tokenizer, loaded.description, role, maxLength: maxLength, prompt: prompt)
    encoder = BatchEncoder(loaded.model, pool, kernels, batchTokens: batchTokens, watch: watch)
    threads = WindowTokenizer(pool)
    var scratch = TokenizerScratch()
    promptTokens = try tokenizer.promptTokens(&scratch)
  }

  /// The records of a block as tokens; those that the tokenizer refuses are left out where bad ones
  /// are.
  package func tokens(of batch: inout RecordBatch) throws(Failure) -> TokenizedRecords {
    try TokenizedRecords(&batch, .role(tokenizer), threads)
  }

  /// Embeds a block of records.
  ///
  /// - Throws: 78 for tokens that do not fit the model.
  package func embed(_ records: TokenizedRecords) throws(Failure) -> Embeddings {
    try encoder.encode(records.tokens, role: role, promptTokens: promptTokens)
  }

  /// Embeds a block of records by the model and by those of its folder's other heads.
  ///
  /// - Throws: 78 for tokens that do not fit the model.
  package func embedByAll(_ records: TokenizedRecords) throws(Failure) -> [Embeddings] {
    try encoder.encode(records.tokens, role: role, promptTokens: promptTokens, also: others)
  }

  /// Embeds texts.
  ///
  /// - Parameters:
  ///   - texts: The texts, valid UTF-8.
  ///   - place: Says where one of them came from, for messages; nil where that is nowhere.
  /// - Returns: Their embeddings, and how many of them were cut.
  /// - Throws: 64 where a limit leaves no room for the special tokens; 65 for a text that the
  ///   tokenizer refuses.
  package func embed(
    _ texts: [[UInt8]], place: (@Sendable (Int) -> String)? = nil
  ) throws(Failure) -> (embeddings: Embeddings, truncated: Int) {
    let tokenizer = tokenizer
    let tokens = try threads.tokenize(texts.count) { index, buffer, scratch throws(Failure) in
      do throws(Failure) {
        return try texts[index].withBytes { text throws(Failure) in
          try tokenizer.append(text, to: &buffer, &scratch)
        }
      } catch { throw place.map { error.ofText(at: $0(index)) } ?? error }
    }
    let embeddings = try encoder.encode(tokens, role: role, promptTokens: promptTokens)
    return (embeddings, tokens.truncated)
  }

  /// Refuses tokens that the model would not have made of the same texts.
  ///
  /// - Parameters:
  ///   - segment: A part of a stream.
  ///   - digest: The digest of the model's tokenizer.
  ///   - operand: The name of the stream, for messages.
  /// - Throws: 78.
  package func check(
    _ segment: TensorSegment, tokenizer digest: String, _ operand: String
  ) throws(Failure) {
    let description = segment.description
    guard segment.schema.kind == .tokens else {
      throw .config(
        operand, "expected a token stream, found kind \(segment.schema.kind.rawValue)")
    }
    guard description.role == role else {
      throw .config(
        operand,
        "the tokens are of role \(description.role.rawValue), --role says \(role.rawValue)")
    }
    if let prompt = description.prompt, prompt != tokenizer.settings.prompt,
      !model.description.head.poolsPrompt
    {
      throw .config(
        operand, "the tokens were made with another prompt, which the model does not pool",
        hint: "encode the texts themselves with --prompt")
    }
    guard description.maxLength != nil else {
      throw .config(
        operand, "the tokens were made without --role",
        hint: "tokenise again with lir-tokenize --role \(role.rawValue)")
    }
    if let found = description.tokenizer, found != digest {
      throw .config(
        operand, "the tokens were made by another tokenizer than the model's",
        hint: "tokenise again with lir-tokenize --model \(model.description.folder.path)")
    }
  }
}
