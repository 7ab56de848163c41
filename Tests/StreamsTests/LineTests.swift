import Failures
import Streams
import TestSupport
import Testing

@Suite struct LineTests {
  /// All lines of a file with their numbers, in blocks of a given size.
  private func lines(
    _ text: String, blockSize: Int = 1 << 18, eager: Bool = false
  ) throws -> [(String, Int)] {
    let work = try TemporaryFolder()
    let path = try work.write("x", Array(text.utf8))
    let reader = LineReader(try ByteReader(path), blockSize: blockSize)
    var found: [(String, Int)] = []
    while let block = try reader.next(eager: eager) {
      var count = 0
      block.forEachLine { line, start, number in
        #expect(start <= block.bytes.count)
        found.append((String(decoding: line, as: UTF8.self), number))
        count += 1
      }
      #expect(count == block.lineCount)
    }
    return found
  }

  @Test(arguments: [1, 2, 3, 5, 16, 1 << 18], [false, true])
  func splitsLines(blockSize: Int, eager: Bool) throws {
    let found = try lines(
      "one\n\ntwo\r\na long line, longer than a block\n\r\nlast", blockSize: blockSize,
      eager: eager)
    #expect(
      found.map(\.0) == ["one", "", "two", "a long line, longer than a block", "", "last"])
    #expect(found.map(\.1) == Array(1...6))
  }

  @Test func emptyFileIsAnError() { #expect(throws: Failure.self) { try lines("") } }

  @Test func finalNewlineStartsNoLine() throws {
    #expect(try lines("a\n").map(\.0) == ["a"])
    #expect(try lines("\n").map(\.0) == [""])
    #expect(try lines("a").map(\.0) == ["a"])
  }

  @Test(arguments: [100, 4096, 70_000]) func numbersCrossBlocks(blockSize: Int) throws {
    let text = (1...20_000).map { "line \($0)\n" }.joined()
    let found = try lines(text, blockSize: blockSize)
    #expect(found.count == 20_000)
    #expect(found.allSatisfy { $0.0 == "line \($0.1)" })
  }

  @Test func failuresOfTheBodyComeThrough() throws {
    let work = try TemporaryFolder()
    let reader = LineReader(try ByteReader(work.write("x", Array("a\nb\n".utf8))))
    let block = try #require(try reader.next())
    let failure = #expect(throws: Failure.self) {
      try block.forEachLine { _, _, number throws(Failure) in
        if number == 2 { throw .line("x", number, expected: "c", found: "b") }
      }
    }
    #expect(failure == .line("x", 2, expected: "c", found: "b"))
  }

  @Test func truncatedInputIsNoLastLine() throws {
    let work = try TemporaryFolder()
    let whole = try WholeFile.read(try writeText(sample(100_000), to: work("x.zst")))
    let cut = try work.write("cut.zst", Array(whole[..<(whole.count / 2)]))
    let reader = LineReader(try ByteReader(cut), blockSize: 1 << 12)
    let failure = #expect(throws: Failure.self) { while try reader.next() != nil {} }
    #expect(failure?.status == .data)
  }
}

@Suite struct ChecksumTests {
  @Test func knownValues() {
    // xxhsum -H3 and -H2 of nothing and of "a".
    #expect(Checksum.hex(Checksum.xxh3([])) == "2d06800538d394c2")
    #expect(Checksum.xxh3Long([]) == "99aa06d3014798d86001c324468d497f")
    #expect(Checksum.hex(Checksum.xxh3(Array("a".utf8))) == "e6c632b61e964e1f")
  }

  @Test func piecesDoNotMatter() {
    let bytes = sample(10_000)
    let running = RunningChecksum()
    for start in stride(from: 0, to: bytes.count, by: 777) {
      running.update(Array(bytes[start..<min(start + 777, bytes.count)]))
    }
    #expect(running.value == Checksum.xxh3(bytes))
    #expect(running.longHex == Checksum.xxh3Long(bytes))
    running.reset()
    #expect(running.value == Checksum.xxh3([]))
  }
}
