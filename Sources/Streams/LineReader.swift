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
    while !finished {
      let (block, isEnd) = try read(eager: eager)
      if isEnd {
        finished = true
        if block.isEmpty { return nil }
      } else if block.isEmpty {
        // No line has ended yet.
        if carry.count > Self.maximumLineLength {
          throw .data(
            "\(name):\(line)", "expected a line of at most \(Self.maximumLineLength) bytes")
        }
        continue
      }
      let newlines = block.withUnsafeBytes { Self.countNewlines($0) }
      let count = block.last == 0x0A ? newlines : newlines + 1
      defer { line += count }
      return LineBlock(bytes: block, firstLine: line, lineCount: count)
    }
    return nil
  }

  /// What was carried and what is read now, up to the last newline; what is behind it is carried.
  ///
  /// At the end of the input all of it, newline or not.
  private func read(eager: Bool) throws(Failure) -> (block: [UInt8], isEnd: Bool) {
    let old = carry
    var rest: [UInt8] = []
    var failure: Failure?
    var isEnd = false
    // Doubling, so that a long line is not copied once for every block of it.
    let capacity = old.count + max(blockSize, old.count)
    let block = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      old.withUnsafeBytes { raw.copyMemory(from: $0) }
      let room = UnsafeMutableRawBufferPointer(rebasing: raw[old.count...])
      do throws(Failure) {
        let added = eager ? try reader.read(into: room) : try reader.readFully(into: room)
        isEnd = added == 0
        let end = old.count + added
        count = isEnd ? end : Self.endOfLastLine(raw, old.count..<end)
        rest = Array(raw[count..<end])
      } catch { failure = error }
    }
    if let failure { throw failure }
    carry = rest
    return (block, isEnd)
  }

  /// The offset behind the last newline of a range; 0 if there is none.
  private static func endOfLastLine(
    _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>
  ) -> Int {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1] != 0x0A { end -= 1 }
    return end > range.lowerBound ? end : 0
  }

  private static func countNewlines(_ buffer: UnsafeRawBufferPointer) -> Int {
    let low7 = SIMD8<UInt64>(repeating: 0x7F7F_7F7F_7F7F_7F7F)
    let newline = SIMD8<UInt64>(repeating: 0x0A0A_0A0A_0A0A_0A0A)
    let one = SIMD8<UInt64>(repeating: 0x0101_0101_0101_0101)
    let evenBytes: UInt64 = 0x00FF_00FF_00FF_00FF
    var count = 0
    var i = 0
    // One counter a byte; 255 of them fit before the counters are added up.
    while i + 64 <= buffer.count {
      var counters = SIMD8<UInt64>.zero
      let end = min(buffer.count - 63, i + 255 * 64)
      while i < end {
        let x = buffer.loadUnaligned(fromByteOffset: i, as: SIMD8<UInt64>.self) ^ newline
        // The high bit of a byte is clear where it is 0: where the text has a newline.
        let marks = ((x & low7) &+ low7) | x
        counters &+= (~marks &>> 7) & one
        i += 64
      }
      for lane in 0..<8 {
        let pairs = (counters[lane] & evenBytes) &+ (counters[lane] >> 8 & evenBytes)
        count += Int((pairs &* 0x0001_0001_0001_0001) >> 48)
      }
    }
    while i < buffer.count {
      if buffer[i] == 0x0A { count += 1 }
      i += 1
    }
    return count
  }
}
