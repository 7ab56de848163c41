import Failures
import Models
import Records
import Tokenizers

/// Turns text records into tokens, in one of three ways.
package enum RecordTokenizer: Sendable {
  /// The tokenizer alone: no markers, no prompt, and no limit but the user's.
  case plain(Tokenizer, maximumLength: Int?)
  /// As a role of a model has it.
  case role(RoleTokenizer)
  /// Records of a query and a document each, as one sequence.
  case pairs(PairTokenizer)

  /// What tokenises for a role; nil where there is none.
  package var role: RoleTokenizer? { if case .role(let role) = self { role } else { nil } }

  /// The tokens of a block of records.
  ///
  /// - Parameters:
  ///   - batch: The records; pairs for `.pairs`, texts for the others.
  ///   - threads: Runs the tokenizers.
  ///   - uncut: Whether to leave out special tokens and limits, for passages to be cut from the
  ///     tokens; pairs are never cut into passages.
  /// - Returns: A text a record, in their order.
  /// - Throws: 64 where a limit leaves no room for the special tokens.
  package func tokens(
    of batch: RecordBatch, _ threads: WindowTokenizer, uncut: Bool = false
  ) throws(Failure) -> TokenWindow {
    try threads.tokenize(batch.count) { index, buffer, scratch throws(Failure) in
      switch self {
      case .plain(let tokenizer, let maximumLength):
        let counts = try batch.withText(index) { text throws(Failure) in
          try tokenizer.encode(
            text, addSpecialTokens: !uncut, maxLength: uncut ? nil : maximumLength, into: &buffer,
            scratch: &scratch)
        }
        return TokenCounts(removed: counts.removed)
      case .role(let role):
        return try batch.withText(index) { text throws(Failure) in
          uncut
            ? try role.appendUncut(text, to: &buffer, &scratch)
            : try role.append(text, to: &buffer, &scratch)
        }
      case .pairs(let pairs):
        return try batch.withPair(index) { query, document throws(Failure) in
          let prepared = try pairs.prepared(query: query, &scratch)
          return try pairs.append(
            query: prepared.text, document: document, to: &buffer, &scratch)
        }
      }
    }
  }
}
