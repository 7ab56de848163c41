import Failures

/// Tokens by id and ids by token, on bytes.
struct Vocabulary: Sendable {
  /// The tokens' bytes end to end, with slack after the last so that eight bytes can be read at
  /// any of them.
  private(set) var arena: [UInt8]
  private var used = 0
  /// Where the token of each id lies in `arena`; `length` is -1 for ids without a token.
  private(set) var spans: [Span] = []
  private(set) var table: TokenTable
  /// How many ids have a token; not all numbers below the largest id need to.
  private(set) var count = 0

  struct Span: Sendable {
    var offset: Int32
    var length: Int32
  }

  /// Larger ids are taken for damage: they would cost memory for nothing.
  static let largestID: Int = 1 << 24

  /// - Parameters:
  ///   - expected: about how many tokens will be added.
  ///   - bytes: about how long they are together.
  init(expected: Int, bytes: Int) {
    table = TokenTable(expected: expected)
    arena = [UInt8](repeating: 0, count: bytes + TokenTable.slack)
    spans.reserveCapacity(expected)
  }

  /// Adds a token; an id that the same token had before loses it.
  ///
  /// - Returns: whether the token is new.
  mutating func add(_ token: UnsafeRawBufferPointer, id: Int) -> Bool {
    let offset = used
    used += token.count
    if used + TokenTable.slack > arena.count {
      arena.append(
        contentsOf: repeatElement(0, count: used + TokenTable.slack + arena.count))
    }
    if spans.count <= id {
      spans.append(
        contentsOf: repeatElement(Span(offset: 0, length: -1), count: id + 1 - spans.count))
    }
    let old = arena.withUnsafeMutableBytes { arena in
      UnsafeMutableRawBufferPointer(rebasing: arena[offset...]).copyMemory(from: token)
      let bytes = arena.assumingMemoryBound(to: UInt8.self)
      return table.insert(
        UnsafePointer(bytes.baseAddress.unsafelyUnwrapped), offset, token.count, id: Int32(id))
    }
    if let old { spans[Int(old)].length = -1 } else { count += 1 }
    spans[id] = Span(offset: Int32(offset), length: Int32(token.count))
    return old == nil
  }

  /// Gives `body` the table for look-ups.
  @inline(__always)
  func withLookup<R>(_ body: (TokenTable.Lookup) -> R) -> R {
    arena.withUnsafeBufferPointer { arena in
      table.withLookup(arena.baseAddress.unsafelyUnwrapped, body)
    }
  }

  /// The id of a token.
  func id(of token: UnsafeRawBufferPointer) -> Int32? {
    // A copy with slack, because the table reads words of eight bytes.
    withUnsafeTemporaryAllocation(byteCount: token.count + TokenTable.slack, alignment: 8) { copy in
      copy.copyMemory(from: token)
      let bytes = copy.bindMemory(to: UInt8.self)
      return arena.withUnsafeBufferPointer { arena in
        table.withLookup(arena.baseAddress.unsafelyUnwrapped) { lookup in
          let id = lookup.find(bytes.baseAddress.unsafelyUnwrapped, token.count)
          return id < 0 ? nil : id
        }
      }
    }
  }

  func id(of token: String) -> Int32? {
    var token = token
    return token.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  /// The bytes of the token `id`.
  func bytes(of id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, id < spans.count, spans[Int(id)].length >= 0 else { return nil }
    let span = spans[Int(id)]
    return arena[Int(span.offset)..<Int(span.offset + span.length)]
  }
}
