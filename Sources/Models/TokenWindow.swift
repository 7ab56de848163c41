import Failures
import Tokenizers
import Workers

/// Some texts as tokens, laid end to end.
package struct TokenWindow: Sendable {
  package var ids: [Int32] = []
  package var typeIDs: [UInt8] = []
  /// 0 where others must not attend to the token, 1 elsewhere.
  package var attended: [UInt8] = []
  /// Index of the first token of each text, and the number of tokens at the end: count + 1.
  package var offsets: [Int] = [0]
  /// Texts that were cut.
  package var truncated = 0

  package init() {}

  package var count: Int { offsets.count - 1 }
  package func range(_ index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

  /// The texts behind the first `number`.
  package func dropFirst(_ number: Int) -> TokenWindow {
    let start = offsets[number]
    var rest = TokenWindow()
    rest.ids = Array(ids[start...])
    rest.typeIDs = Array(typeIDs[start...])
    rest.attended = Array(attended[start...])
    rest.offsets = offsets[number...].map { $0 - start }
    rest.truncated = truncated
    return rest
  }

  /// One text alone.
  package func selecting(_ index: Int) -> TokenWindow {
    let range = range(index)
    var one = TokenWindow()
    one.ids = Array(ids[range])
    one.typeIDs = Array(typeIDs[range])
    one.attended = Array(attended[range])
    one.offsets = [0, range.count]
    return one
  }

  package mutating func append(_ other: TokenWindow) {
    let start = ids.count
    ids += other.ids
    typeIDs += other.typeIDs
    attended += other.attended
    offsets += other.offsets.dropFirst().map { $0 + start }
    truncated += other.truncated
  }

  /// Takes out texts without tokens.
  ///
  /// - Parameter texts: their places, in ascending order.
  package mutating func removeEmpty(_ texts: [Int]) {
    for text in texts.reversed() {
      precondition(range(text).isEmpty, "text \(text) has tokens")
      offsets.remove(at: text + 1)
    }
  }

  /// Ends a text with the tokens that were appended to `buffer` since the last one.
  fileprivate mutating func endText(_ buffer: TokenBuffer, _ counts: TokenCounts) {
    let new = buffer.count - (offsets.last ?? 0)
    attended += repeatElement(1, count: new - counts.hidden)
    attended += repeatElement(0, count: counts.hidden)
    offsets.append(buffer.count)
    if counts.removed > 0 { truncated += 1 }
  }
}

/// Numbers of tokens of a text that were cut off or are hidden.
package struct TokenCounts: Sendable, Equatable {
  /// Tokens that were cut off.
  package var removed: Int
  /// Tokens at the end that others must not attend to.
  package var hidden: Int

  package init(removed: Int, hidden: Int = 0) {
    self.removed = removed
    self.hidden = hidden
  }
}

/// Tokenises windows of texts on the pool's threads.
package final class WindowTokenizer: Sendable {
  private let pool: WorkerPool
  private let scratch: WorkerLocal<TokenizerScratch>

  /// Texts that a worker takes at a time.
  private static let chunk = 64

  package init(_ pool: WorkerPool) {
    self.pool = pool
    scratch = WorkerLocal(pool) { TokenizerScratch() }
  }

  /// Tokenises `count` texts; `append` appends the tokens of one to the buffer and counts them.
  package func tokenize(
    _ count: Int,
    _ append:
      @escaping @Sendable (
        _ index: Int, _ buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
      ) throws(Failure) -> TokenCounts
  ) throws(Failure) -> TokenWindow {
    let chunks = (count + Self.chunk - 1) / Self.chunk
    let results = Results<TokenWindow>(chunks)
    try pool.forEach(chunks) { [scratch] chunk, worker throws(Failure) in
      var buffer = TokenBuffer()
      var window = TokenWindow()
      try scratch.with(worker) { scratch throws(Failure) in
        for index in chunk * Self.chunk..<min((chunk + 1) * Self.chunk, count) {
          let counts = try append(index, &buffer, &scratch)
          window.endText(buffer, counts)
        }
      }
      window.ids = buffer.ids
      window.typeIDs = buffer.typeIDs
      results.set(chunk, window)
    }
    var all = TokenWindow()
    for chunk in 0..<chunks { all.append(results.take(chunk)) }
    return all
  }
}
