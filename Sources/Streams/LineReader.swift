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

  package init(bytes: [UInt8], firstLine: Int, lineCount: Int) {
    self.bytes = bytes
    self.firstLine = firstLine
    self.lineCount = lineCount
  }

  /// Calls `body` with the range of each line, without its `\n` (or `\r\n`), and its number.
  package func forEachLine<E: Error>(
    _ body: (_ line: UnsafeRawBufferPointer, _ start: Int, _ number: Int) throws(E) -> Void
  ) throws(E) {
    try bytes.withBytes { buffer throws(E) in
      try Self.split(buffer, firstLine: firstLine, body)
    }
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

/// Memory for whole lines, to be filled again and again by `LineReader.next(into:)`.
///
/// Unchecked: one thread at a time fills it, which writes the memory and all variables, and it is read
/// only between that; whoever hands it from thread to thread orders the two.
package final class LineBuffer: @unchecked Sendable {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  fileprivate(set) var count = 0
  /// Number of the first line, from 1.
  package fileprivate(set) var firstLine = 1
  /// How many lines there are, the last one of the input counted even without its `\n`.
  package fileprivate(set) var lineCount = 0

  /// No lines.
  package init() {}

  deinit { memory.deallocate() }

  /// The lines' bytes.
  package var text: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count])
  }

  fileprivate var room: UnsafeMutableRawBufferPointer { memory }

  /// Makes room; what was there is lost.
  fileprivate func reserve(_ capacity: Int) {
    count = 0
    if capacity <= memory.count { return }
    memory.deallocate()
    memory = .allocate(byteCount: capacity, alignment: 64)
  }

  /// A copy of the lines.
  package var block: LineBlock {
    LineBlock(bytes: Array(text), firstLine: firstLine, lineCount: lineCount)
  }
}

/// Cuts an input into blocks of whole lines; a byte order mark in front of them is passed over.
package final class LineReader {
  /// Longest line that is read: whoever reads lines holds a few times as much in memory.
  package static let maximumLineLength = 1 << 24

  private let reader: ByteReader
  private let blockSize: Int
  private let refusesMarks: Bool
  private var carry: [UInt8] = []
  private var line = 1
  private var finished = false
  private var isAtStart = true
  /// Bytes of the byte order mark in front of the first line.
  package private(set) var markSize = 0

  /// - Parameters:
  ///   - reader: The input.
  ///   - blockSize: How many bytes to take at once.
  ///   - refusesMarks: Whether a byte order mark in front of a later line ends it with 65, as where lines
  ///     begin with ids.
  package init(_ reader: ByteReader, blockSize: Int = 1 << 18, refusesMarks: Bool = false) {
    self.reader = reader
    self.blockSize = blockSize
    self.refusesMarks = refusesMarks
  }

  package var name: String { reader.name }

  /// Bytes of the (compressed) input that were read.
  package var consumed: Int { reader.consumed }

  /// How much longer than what was read so far the whole input is, as far as can be told: 1 for a
  /// pipe.
  package var extent: Double {
    reader.consumed == 0 ? 1 : max(1, Double(reader.size) / Double(reader.consumed))
  }

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
        try checkCarry()
        continue
      }
      let newlines = block.withUnsafeBytes { Self.countNewlines($0) }
      let count = block.last == 0x0A ? newlines : newlines + 1
      defer { line += count }
      return LineBlock(bytes: block, firstLine: line, lineCount: count)
    }
    return nil
  }

  /// Fills `buffer` with the next lines, of about its size or one longer line; false at the end.
  ///
  /// This is `next` without a new allocation for each block.
  package func next(into buffer: LineBuffer) throws(Failure) -> Bool {
    while !finished {
      buffer.reserve(capacity)
      let (count, isEnd) = try cut(into: buffer.room, eager: false)
      finished = isEnd
      if count == 0 {
        if isEnd { return false }
        try checkCarry()
        continue
      }
      buffer.count = count
      buffer.firstLine = line
      let newlines = Self.countNewlines(buffer.text)
      buffer.lineCount = buffer.text[count - 1] == 0x0A ? newlines : newlines + 1
      line += buffer.lineCount
      return true
    }
    return false
  }

  /// No line has ended yet: this cannot go on for ever.
  private func checkCarry() throws(Failure) {
    if carry.count > Self.maximumLineLength {
      throw .data(
        "\(name):\(line)",
        "expected a line of at most \(Self.maximumLineLength) bytes, found a longer one")
    }
  }

  /// Room for what is carried and more: doubling, so that a long line is not copied once for every
  /// block of it, and no more than the longest line and its end need.
  private var capacity: Int {
    max(blockSize, min(carry.count * 2, Self.maximumLineLength + 1))
  }

  /// What was carried and what is read now, up to the last newline; what is behind it is carried.
  ///
  /// At the end of the input all of it, newline or not.
  private func read(eager: Bool) throws(Failure) -> (block: [UInt8], isEnd: Bool) {
    var isEnd = false
    let block = try [UInt8](atMost: capacity) { memory throws(Failure) in
      let (count, end) = try cut(into: memory, eager: eager)
      isEnd = end
      return count
    }
    return (block, isEnd)
  }

  /// Reads as `read` does into raw memory, which has room for more than what is carried.
  ///
  /// - Returns: How many bytes there are, and whether the input ends with them.
  private func cut(
    into raw: UnsafeMutableRawBufferPointer, eager: Bool
  ) throws(Failure) -> (count: Int, isEnd: Bool) {
    if isAtStart {
      isAtStart = false
      markSize = try reader.passByteOrderMark()
    }
    let start = carry.count
    carry.withUnsafeBytes { raw.copyMemory(from: $0) }
    let room = UnsafeMutableRawBufferPointer(rebasing: raw[start...])
    let added = eager ? try reader.read(into: room) : try reader.readFully(into: room)
    let isEnd = added == 0
    let end = start + added
    if line == 1, ContentSort.beginsTensorStream(raw.prefix(end)) {
      throw .data(
        name, "expected text, found a tensor stream", hint: "lir-encode view shows what is in it")
    }
    let count = isEnd ? end : Self.endOfLastLine(raw, start..<end)
    if refusesMarks {
      try ByteOrderMark.refuse(
        in: UnsafeRawBufferPointer(rebasing: raw[..<count]), file: name, firstLine: line)
    }
    carry.removeAll(keepingCapacity: true)
    carry.append(contentsOf: raw[count..<end])
    return (count, isEnd)
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
