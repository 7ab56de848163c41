import Encoding
import Failures
import Models
import Tokenizers
import Workers

/// Scores query and document read together.
package struct CrossEncoderScorer: PairScorer {
  private let encoder: BatchEncoder
  private let pairs: PairTokenizer
  private let threads: WindowTokenizer
  private let scoring: CrossEncoderScoring

  package let needs = NeededTexts(queries: true, docs: true)

  /// - Parameters:
  ///   - loaded: The model and its tokenizer.
  ///   - encoder: Runs the model.
  ///   - pool: Runs the tokenizer.
  ///   - scoring: Makes scores of the pairs.
  ///   - maxLength: `--max-length`: most tokens of a pair.
  ///   - prompt: `--prompt`: what stands in front of a query, or the name of a prompt of the model's.
  /// - Throws: 64 for a length below 1; 78 where the tokenizer lacks a token that the model's pairs have.
  package init(
    _ loaded: LoadedModel, _ encoder: BatchEncoder, _ pool: WorkerPool,
    _ scoring: CrossEncoderScoring, maxLength: Int? = nil, prompt: String? = nil
  ) throws(Failure) {
    self.encoder = encoder
    self.scoring = scoring
    if let maxLength, maxLength < 1 {
      throw .usage("--max-length: expected at least 1, found \(maxLength)")
    }
    var description = loaded.description
    if let prompt { description.roles[.pair]?.prompt = description.prompts[prompt] ?? prompt }
    pairs = try PairTokenizer(
      loaded.tokenizer, description, maximumTokens: loaded.model.backbone.maximumTokens,
      maxLength: maxLength)
    threads = WindowTokenizer(pool)
  }

  package func score(
    _ window: PairWindow
  ) throws(Failure) -> WindowScores {
    var prepared: [[UInt8]] = []
    var scratch = TokenizerScratch()
    for (index, query) in window.queries.enumerated() {
      do throws(Failure) {
        try query.withBytes { bytes throws(Failure) in
          prepared.append(try self.pairs.prepared(query: bytes, &scratch).text)
        }
      } catch { throw error.ofText(at: window.place(query: index)) }
    }
    let members = window.docs.enumerated().flatMap { query, docs in
      docs.indices.map { (query: query, doc: $0) }
    }
    let (pairs, docs, queries) = (pairs, window.docs, prepared)
    let tokens = try threads.tokenize(members.count) { index, buffer, scratch throws(Failure) in
      let (query, doc) = members[index]
      do throws(Failure) {
        return try docs[query][doc].withBytes { text throws(Failure) in
          try pairs.append(query: queries[query], document: text, to: &buffer, &scratch)
        }
      } catch { throw error.ofText(at: window.place(query: query, doc: doc)) }
    }
    let flat = try scoring.score(
      tokens, queries: window.queryIDs, counts: window.docIDs.map(\.count), encoder)
    return WindowScores(flat, like: window.docIDs, truncated: tokens.truncated)
  }
}
