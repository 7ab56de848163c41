import Failures
import Glibc
import Streams
import TestSupport
import Testing

/// What is read, and what is not, whoever reads it.
@Suite struct InputTests {
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private func lines(_ path: String, eager: Bool = false) throws -> [UInt8] {
    let reader = LineReader(try ByteReader(path), blockSize: 16)
    var bytes: [UInt8] = []
    while let block = try reader.next(eager: eager) { bytes += block.bytes }
    return bytes
  }

  @Test func aByteOrderMarkIsPassedOverAtTheHeadAlone() throws {
    let work = try TemporaryFolder()
    let text = Array("a\tone\n".utf8) + Self.mark + Array("b\n".utf8)
    for start in [Self.mark, []] {
      let path = try work.write("x", start + text)
      #expect(try lines(path) == text)
      #expect(try lines(path, eager: true) == text)
      let reader = LineReader(try ByteReader(path))
      let buffer = LineBuffer()
      _ = try reader.next(into: buffer)
      #expect(Array(buffer.text) == text)
      #expect(reader.markSize == start.count)
      #expect(try WholeFile.readText(path) == text)
    }
    // A text that begins like the mark, and one that is nothing else.
    #expect(try lines(work.write("y", [0xEF, 0xBC, 0x81, 0x0A])) == [0xEF, 0xBC, 0x81, 0x0A])
    let alone = try work.write("z", Self.mark)
    let failure = #expect(throws: Failure.self) { try lines(alone) }
    #expect(failure?.status == .data)
    #expect(failure?.message == "expected data, found a byte order mark alone")
    #expect(try ByteReader(alone, allowingEmpty: true).passByteOrderMark() == 3)
    // In a compressed text, too.
    #expect(try lines(writeText(Self.mark + text, to: work("x.zst"))) == text)
  }

  @Test func notOneByteIsAnError() throws {
    let work = try TemporaryFolder()
    let path = try work.write("x", [])
    #expect(refusal(path)?.message == "expected data, found not one byte")
    #expect(throws: Failure.self) { try WholeFile.readText(path) }
    #expect(try ByteReader(path, allowingEmpty: true).peek(1).isEmpty)
    #expect(try readAll(writeText([], to: work("x.zst"))).isEmpty)
  }

  /// A line of the longest size is read, one of a byte more is not, however blocks fall.
  @Test(arguments: [1 << 12, 1 << 18, 1_000_003]) func longLines(blockSize: Int) throws {
    let work = try TemporaryFolder()
    for (more, isRead) in [(0, true), (1, false)] {
      let line = [UInt8](repeating: 0x61, count: LineReader.maximumLineLength + more)
      let text = Array("short\n".utf8) + line + Array("\nlast".utf8)
      let reader = LineReader(try ByteReader(work.write("x", text)), blockSize: blockSize)
      var bytes: [UInt8] = []
      var failure: Failure?
      do throws(Failure) {
        while let block = try reader.next() { bytes += block.bytes }
      } catch {
        failure = error
      }
      #expect((failure == nil) == isRead, "\(more)")
      #expect(isRead ? bytes == text : failure?.place?.hasSuffix("x:2") == true)
    }
  }

  @Test(arguments: ["zstd", "xz", "bzip2"]) func expansionIsBounded(tool: String) throws {
    try skip(unless: tool)
    let work = try TemporaryFolder()
    // Uncompressed and within what is free it passes.
    for (count, isRead) in [
      (ByteReader.freeExpansion, true), (ByteReader.freeExpansion + 1, false),
    ] {
      let made = "head -c \(count) /dev/zero | tr '\\0' '\\n'"
      #expect(shell("\(made) | \(tool) -c >'\(work("x"))'") == 0)
      let reader = try ByteReader(work("x"))
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 1)
      defer { buffer.deallocate() }
      var total = 0
      var failure: Failure?
      do throws(Failure) {
        while case let read = try reader.read(into: buffer), read > 0 { total += read }
      } catch {
        failure = error
      }
      #expect((failure == nil) == isRead)
      #expect(isRead ? total == count : failure?.status == .data)
    }
  }

  /// No changed bit in the first three bytes of a compressed file makes a text of it.
  @Test(arguments: [".zst", ".lz4", "gzip", "xz"]) func damagedMagic(tool: String) throws {
    let work = try TemporaryFolder()
    let path = work("x")
    if tool.hasPrefix(".") {
      try work.write("x", WholeFile.read(writeText(sample(300), to: work("x" + tool))))
    } else {
      try skip(unless: tool)
      let raw = try work.write("raw", sample(300))
      #expect(shell("\(tool) -c '\(raw)' >'\(path)'") == 0)
    }
    let whole = try WholeFile.read(path)
    for index in 0..<3 {
      for bit in 0..<8 {
        var damaged = whole
        damaged[index] ^= 1 << bit
        let found = try refusal(work.write("y", damaged))
        #expect(found?.status == .data, "\(index), bit \(bit)")
      }
    }
  }

  @Test func otherFormsAreNamed() throws {
    let work = try TemporaryFolder()
    for (start, name) in [
      ("PK\u{3}\u{4}", "zip"), ("PAR1\u{15}", "Parquet"), ("%PDF-1.4", "PDF"),
      ("LZIP\u{1}", "lzip"),
    ] {
      let failure = try refusal(work.write("x", Array(start.utf8) + sample(100)))
      #expect(failure?.message.contains(name) == true, "\(name)")
    }
    #expect(
      try refusal(work.write("x", [0xFF, 0xFE, 0x61, 0]))?.message.contains("UTF-16") == true)
    // Letters that only begin so are text.
    for text in ["PK", "BZh", "BZh9 is text\n", "P*M\n", "(\n", "B\n"] {
      #expect(try readAll(work.write("x", Array(text.utf8))) == Array(text.utf8))
    }
  }
}
