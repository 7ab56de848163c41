import Failures
import Streams
import TestSupport
import Testing

@Suite struct CodecTests {
  static let suffixes = ["", ".zst", ".lz4"]

  @Test(arguments: suffixes, [0, 1, 1000, 131_072, 1_000_003])
  func roundTrips(suffix: String, count: Int) throws {
    if suffix.isEmpty, count == 0 { return }  // nothing at all is an error
    let work = try TemporaryFolder()
    let bytes = sample(count)
    let path = try writeText(bytes, to: work("x\(suffix)"))
    for step in [7, 1 << 16] where count < 200_000 || step > 7 {
      #expect(try readAll(path, step: step) == bytes)
    }
    #expect(work.names == ["x\(suffix)"])
  }

  @Test(arguments: [
    ("zstd", ".zst"), ("lz4", ".lz4"), ("gzip", ".gz"), ("bzip2", ".bz2"), ("xz", ".xz"),
  ])
  func readsWhatOtherToolsWrite(tool: String, suffix: String) throws {
    try skip(unless: tool)
    let work = try TemporaryFolder()
    let bytes = sample(300_000)
    let raw = try work.write("x", bytes)
    #expect(shell("\(tool) -c '\(raw)' > '\(work("x" + suffix))'") == 0)
    #expect(try readAll(work("x" + suffix)) == bytes)
    // The name does not matter, nor does concatenation.
    #expect(shell("cd '\(work.path)' && cat x\(suffix) x\(suffix) > y") == 0)
    #expect(try readAll(work("y")) == bytes + bytes)
  }

  @Test(arguments: [("zstd", ".zst"), ("lz4", ".lz4")])
  func otherToolsReadWhatIsWritten(tool: String, suffix: String) throws {
    try skip(unless: tool)
    let work = try TemporaryFolder()
    let bytes = sample(300_000)
    let path = try writeText(bytes, to: work("x\(suffix)"))
    let raw = try work.write("raw", bytes)
    #expect(shell("\(tool) -dc '\(path)' | cmp -s - '\(raw)'") == 0)
  }

  @Test(arguments: [".zst", ".lz4"]) func framesConcatenate(suffix: String) throws {
    let work = try TemporaryFolder()
    let writer = try ByteWriter(work("x\(suffix)"))
    for _ in 0..<3 {
      try writer.write(sample(5000))
      try writer.endFrame()
    }
    try writer.finish()
    #expect(try readAll(work("x\(suffix)")) == sample(5000) + sample(5000) + sample(5000))
  }

  @Test func mixedCodecsAreRefused() throws {
    let work = try TemporaryFolder()
    let zstd = try WholeFile.read(try writeText(sample(100), to: work("a.zst")))
    let lz4 = try WholeFile.read(try writeText(sample(100), to: work("a.lz4")))
    #expect(try refusal(work.write("b", zstd + lz4))?.status == .data)
    #expect(try refusal(work.write("c", lz4 + Array("text".utf8)))?.status == .data)
  }

  @Test(arguments: [".zst", ".lz4", ".gz", ".bz2", ".xz"])
  func emptyCompressedFileIsRefused(suffix: String) throws {
    let work = try TemporaryFolder()
    #expect(try refusal(work.write("x\(suffix)", []))?.status == .data)
  }

  @Test(arguments: [".zst", ".lz4"]) func emptyTextIsOneFrame(suffix: String) throws {
    let work = try TemporaryFolder()
    let path = try writeText([], to: work("x\(suffix)"))
    #expect(!(try WholeFile.read(path)).isEmpty)
    #expect(try readAll(path).isEmpty)
  }

  @Test func compressionNames() {
    #expect(Compression("zstd") == .zstd(level: 3))
    #expect(Compression("zstd:19") == .zstd(level: 19))
    #expect(Compression("lz4:9") == .lz4(level: 9))
    #expect(Compression("none") == Compression.none)
    for text in ["", "zstd:", "zstd:20", "zstd:x", "lz4:13", "none:1", "gzip", "zstd:1:2"] {
      #expect(Compression(text) == nil, "\(text)")
    }
  }

  @Test func missingInputIs66() {
    #expect(refusal("/nowhere/file")?.status == .noInput)
    #expect(refusal("/tmp")?.status == .noInput)
  }
}

/// Cancels the running test, visibly, where a tool is not installed.
func skip(unless tool: String) throws {
  if !hasCommand(tool) { try Test.cancel("\(tool) is not installed") }
}
