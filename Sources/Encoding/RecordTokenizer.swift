import Failures
import Models
import Records
import Synchronization
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
  ///   - batch: The records; pairs for `.pairs`, texts for the others. Those whose texts the
  ///     tokenizer refuses are left out where bad records are.
  ///   - threads: Runs the tokenizers.
  ///   - uncut: Whether to leave out special tokens and limits, for passages to be cut from the
  ///     tokens; pairs are never cut into passages.
  /// - Returns: A text a record, in their order.
  /// - Throws: 64 where a limit leaves no room for the special tokens; 65, with file and line, for a
  ///   text that the tokenizer refuses.
  package func tokens(
    of batch: inout RecordBatch, _ threads: WindowTokenizer, uncut: Bool = false
  ) throws(Failure) -> TokenWindow {
    let refused = Mutex<[(index: Int, failure: Failure)]>([])
    let records = batch
    var window = try threads.tokenize(records.count) { index, buffer, scratch throws(Failure) in
      let start = buffer.count
      do throws(Failure) {
        return try append(records, index, uncut, &buffer, &scratch)
      } catch {
        guard error.status == .data else { throw error }
        let failure = error.at(records.place(index))
        guard records.skips else { throw failure }
        buffer.cut(to: start)
        refused.withLock { $0.append((index, failure)) }
        return TokenCounts(removed: 0)
      }
    }
    let bad = refused.withLock { $0.sorted { $0.index < $1.index } }
    window.removeEmpty(bad.map(\.index))
    batch.leaveOut(bad)
    return window
  }

  /// Appends the tokens of one record.
  private func append(
    _ batch: RecordBatch, _ index: Int, _ uncut: Bool, _ buffer: inout TokenBuffer,
    _ scratch: inout TokenizerScratch
  ) throws(Failure) -> TokenCounts {
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
