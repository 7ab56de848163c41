import Failures
import Streams

extension TensorStreamReader {
  /// Whether the bytes that come look like a tensor stream: a header's length, then its JSON.
  ///
  /// - Throws: 65 where they look like one that is damaged in its first bytes, or cut in them.
  package static func recognizes(_ input: ByteReader) throws(Failure) -> Bool {
    if try StreamBeginning.isWhole(input) { return true }
    try StreamBeginning.refuseDamaged(input)
    return false
  }
}

/// The first bytes of a tensor stream, which tell it from text.
enum StreamBeginning {
  private static let metadataStart = Array("{\"__metadata__\":".utf8)
  /// Those of the length and of `metadataStart`.
  private static let size = 24

  static func isWhole(_ input: ByteReader) throws(Failure) -> Bool {
    // A writer pads headers so that the data starts at a multiple of 64, and none is 16 MiB long:
    // most texts differ in the first byte, all in the fourth, and no pipe is waited for in vain.
    guard let first = try input.peek(1).first, first % 64 == 56 else { return false }
    let length = try input.peek(4)
    guard length.count == 4, length[3] == 0 || length[3] == 1 else { return false }
    let head = try input.peek(size)
    return head.count == size && head[8...].elementsEqual(metadataStart)
  }

  /// Refuses what is neither a stream nor text: the upper bytes of a length are zeros, of which text
  /// has none.
  static func refuseDamaged(_ input: ByteReader) throws(Failure) {
    // A line that somebody types is not waited for behind its end.
    var head = try input.peek(input.size > 0 ? size : 1)
    while input.size == 0, head.count < size, head.last != 0x0A {
      let more = try input.peek(head.count + 1)
      if more.count == head.count { break }
      head = more
    }
    let upper = head.dropFirst(3).prefix(5)
    let hasZeros = upper.count == 5 ? upper.count { $0 == 0 } >= 3 : upper.allSatisfy { $0 == 0 }
    let agreeing = zip(head.dropFirst(8), metadataStart).count { $0 == $1 }
    guard (hasZeros && !upper.isEmpty) || agreeing >= 11 else { return }
    throw .data(
      input.name,
      "damaged: expected a tensor stream or text, found a stream's beginning with other bytes in it"
    )
  }
}
