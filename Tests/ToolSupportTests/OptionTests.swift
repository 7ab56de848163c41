import ArgumentParser
import Failures
import Records
import Streams
import TestSupport
import Testing
import ToolSupport

@Suite struct MemorySizeTests {
  @Test(
    arguments: [
      ("1", 1), ("512M", 512 << 20), ("4G", 4 << 30), ("4g", 4 << 30), ("4GB", 4 << 30),
      ("2k", 2048), ("1T", 1 << 40), ("100B", 100), ("1023", 1023),
    ])
  func sizes(text: String, bytes: Int) throws {
    let size = try #require(MemorySize(argument: text))
    #expect(size.bytes == bytes)
    // What the help shows reads back.
    #expect(MemorySize(argument: size.description)?.bytes == bytes)
  }

  @Test(arguments: ["", "0", "-1", "G", "1.5G", "1 G", "9223372036854775807K", "0x10", "1P"])
  func refusals(text: String) {
    #expect(MemorySize(argument: text) == nil)
  }

  @Test(arguments: [(1 << 40, "1T"), (3 << 30, "3G"), (1536 << 20, "1536M"), (1025, "1025")])
  func description(bytes: Int, text: String) {
    #expect(MemorySize(bytes: bytes).description == text)
  }
}

@Suite struct OutputOptionTests {
  @Test func compression() throws {
    func compression(_ arguments: [String]) throws -> Compression {
      try OutputOptions.parse(arguments).compression()
    }
    #expect(try compression([]) == .none)
    #expect(try compression(["-o", "a.run.zst"]) == Compression(suffixOf: "a.run.zst"))
    #expect(try compression(["-o", "a.run.zst"]) != .none)
    #expect(try compression(["-o", "a.zst", "--compress", "none"]) == .none)
    #expect(try compression(["-o", "a.run", "--compress", "lz4"]) != .none)
    #expect(try compression(["-o", "a", "--compress", "zstd:7"]) == .zstd(level: 7))
    for wrong in ["gzip", "zstd:", "zstd:x", "none:1"] {
      let failure = #expect(throws: Failure.self) { try compression(["--compress", wrong]) }
      #expect(failure?.status == .usage && failure?.message.contains(wrong) == true)
    }
  }

  @Test func operands() throws {
    #expect(try Operands.resolve(["a", "-"]) == ["a", "-"])
  }
}

@Suite struct ShardOptionTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("a.tsv", "1\ta\n2\tb\n3\tc\n")
    try folder.write("b.tsv", "4\td\n5\te\n")
  }

  private func ids(_ arguments: [String]) throws -> [String] {
    let options = try ShardOptions.parse(arguments)
    let operands = [folder("a.tsv"), folder("b.tsv")]
    let records = try RecordOptionsGroup.parse([]).records()
    let reader = try TextRecordReader(operands, options: records)
    try options.restrict(reader, operands: operands, options: records)
    var ids: [String] = []
    while let batch = try reader.next() {
      ids += (0..<batch.count).map { String(decoding: batch.id($0).bytes, as: UTF8.self) }
    }
    return ids
  }

  /// Together the parts are the whole, over the borders of files.
  @Test func parts() throws {
    #expect(try ids([]) == ["1", "2", "3", "4", "5"])
    for count in 1...7 {
      let parts = try (1...count).map { try ids(["--shard", "\($0)/\(count)"]) }
      #expect(parts.flatMap { $0 } == ["1", "2", "3", "4", "5"], "\(count)")
      #expect((parts.map(\.count).max() ?? 0) - (parts.map(\.count).min() ?? 0) <= 1)
    }
  }

  @Test(arguments: ["0/2", "3/2", "1", "a/b", "1/0"]) func refusals(shard: String) {
    let failure = #expect(throws: Failure.self) { try ids(["--shard", shard]) }
    #expect(failure?.status == .usage)
  }
}
