import Failures
import Glibc

/// A run of whole lines, stored flat: what is handed from the reader to the parsers.
package struct LineBlock: Sendable {
  /// The lines' bytes, each ended by `\n` but perhaps the last one of the input.
  package var bytes: [UInt8]
  /// Number of the first line, from 1.
  package var firstLine: Int
  /// How many lines there are, the last one of the input counted even without its `\n`.
  package var lineCount: Int

  /// Calls `body` with the range of each line, without its `\n` (or `\r\n`), and its number.
  package func forEachLine<E: Error>(
    _ body: (_ line: UnsafeRawBufferPointer, _ start: Int, _ number: Int) throws(E) -> Void
  ) throws(E) {
    let result: Result<Void, E> = bytes.withUnsafeBytes { buffer in
      do throws(E) {
        try Self.split(buffer, firstLine: firstLine, body)
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
  }

  private static func split<E: Error>(
    _ buffer: UnsafeRawBufferPointer, firstLine: Int,
    _ body: (UnsafeRawBufferPointer, Int, Int) throws(E) -> Void
  ) throws(E) {
    guard let base = buffer.baseAddress else { return }
    var start = 0
    var number = firstLine
    while start < buffer.count {
      var end = buffer.count
      if let newline = memchr(base + start, 0x0A, buffer.count - start) {
        end = UnsafeRawPointer(newline) - base
      }
      let next = end + 1
      if end > start, buffer[end - 1] == 0x0D { end -= 1 }
      try body(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), start, number)
      start = next
      number += 1
    }
  }
}

/// Cuts an input into blocks of whole lines.
package final class LineReader {
  /// Longest line that is read: a guard against binary files.
  package static let maximumLineLength = 1 << 30

  private let reader: ByteReader
  private let blockSize: Int
  private var carry: [UInt8] = []
  private var line = 1
  private var finished = false

  package init(_ reader: ByteReader, blockSize: Int = 1 << 18) {
    self.reader = reader
    self.blockSize = blockSize
  }

  package var name: String { reader.name }

  /// The next block, of about `blockSize` bytes or one longer line; nil at the end.
  ///
  /// An eager reader takes what one read gives, as long as it has a whole line, rather than wait
  /// for a full block: for a pipe that somebody types into.
  package func next(eager: Bool = false) throws(Failure) -> LineBlock? {
    if finished { return nil }
    var bytes = carry
    carry = []
    var newlineBefore: Int?
    while newlineBefore == nil {
      let old = bytes.count
      let read = try append(to: &bytes, eager: eager)
      if read == 0 {
        finished = true
        if bytes.isEmpty { return nil }
        return block(bytes)
      }
      newlineBefore = bytes[old...].lastIndex(of: 0x0A).map { $0 + 1 }
      if bytes.count > Self.maximumLineLength {
        throw .data("\(name):\(line)", "expected a line of at most \(Self.maximumLineLength) bytes")
      }
    }
    if let end = newlineBefore, end < bytes.count {
      carry = Array(bytes[end...])
      bytes.removeSubrange(end...)
    }
    return block(bytes)
  }

  private func append(to bytes: inout [UInt8], eager: Bool) throws(Failure) -> Int {
    var failure: Failure?
    let added = [UInt8](unsafeUninitializedCapacity: blockSize) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      do throws(Failure) {
        count = eager ? try reader.read(into: raw) : try reader.readFully(into: raw)
      } catch { failure = error }
    }
    if let failure { throw failure }
    if bytes.isEmpty { bytes = added } else { bytes.append(contentsOf: added) }
    return added.count
  }

  private func block(_ bytes: [UInt8]) -> LineBlock {
    let newlines = bytes.withUnsafeBytes { buffer in Self.countNewlines(buffer) }
    let count = bytes.last == 0x0A ? newlines : newlines + 1
    let block = LineBlock(bytes: bytes, firstLine: line, lineCount: count)
    line += count
    return block
  }

  private static func countNewlines(_ buffer: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var i = 0
    // Eight bytes at a time: a byte of `x` is 0 where the text has a newline.
    while i + 8 <= buffer.count {
      let x = buffer.loadUnaligned(fromByteOffset: i, as: UInt64.self) ^ 0x0A0A_0A0A_0A0A_0A0A
      let zero =
        ~(((x & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F) | x | 0x7F7F_7F7F_7F7F_7F7F)
      count += zero.nonzeroBitCount
      i += 8
    }
    while i < buffer.count {
      if buffer[i] == 0x0A { count += 1 }
      i += 1
    }
    return count
  }
}
