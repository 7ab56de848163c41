import Failures
import Streams
import Testing

@Suite struct CodecTests {
  static let suffixes = ["", ".zst", ".lz4"]

  @Test(arguments: suffixes, [0, 1, 1000, 131_072, 1_000_003])
  func roundTrips(suffix: String, count: Int) throws {
    let work = Workspace()
    let bytes = sample(count)
    let path = try work.write(bytes, "x\(suffix)")
    for step in [7, 1 << 16] where count < 200_000 || step > 7 {
      #expect(try readAll(path, step: step) == bytes)
    }
    #expect(work.names == ["x\(suffix)"])
  }

  @Test(arguments: [("zstd", ".zst"), ("lz4", ".lz4"), ("gzip", ".gz")])
  func readsWhatOtherToolsWrite(tool: String, suffix: String) throws {
    try skip(unless: tool)
    let work = Workspace()
    let bytes = sample(300_000)
    let raw = work.put(bytes, "x")
    #expect(shell("\(tool) -c '\(raw)' > '\(work.path("x" + suffix))'") == 0)
    #expect(try readAll(work.path("x" + suffix)) == bytes)
    // The name does not matter, nor does concatenation.
    #expect(shell("cd '\(work.folder)' && cat x\(suffix) x\(suffix) > y") == 0)
    #expect(try readAll(work.path("y")) == bytes + bytes)
  }

  @Test(arguments: [("zstd", ".zst"), ("lz4", ".lz4")])
  func otherToolsReadWhatIsWritten(tool: String, suffix: String) throws {
    try skip(unless: tool)
    let work = Workspace()
    let bytes = sample(300_000)
    let path = try work.write(bytes, "x\(suffix)")
    let raw = work.put(bytes, "raw")
    #expect(shell("\(tool) -dc '\(path)' | cmp -s - '\(raw)'") == 0)
  }

  @Test(arguments: [".zst", ".lz4"]) func framesConcatenate(suffix: String) throws {
    let work = Workspace()
    let writer = try ByteWriter(work.path("x\(suffix)"))
    for _ in 0..<3 {
      try writer.write(sample(5000))
      try writer.endFrame()
    }
    try writer.finish()
    #expect(try readAll(work.path("x\(suffix)")) == sample(5000) + sample(5000) + sample(5000))
  }

  @Test func mixedCodecsAreRefused() throws {
    let work = Workspace()
    let zstd = try WholeFile.read(try work.write(sample(100), "a.zst"))
    let lz4 = try WholeFile.read(try work.write(sample(100), "a.lz4"))
    #expect(refusal(work.put(zstd + lz4, "b"))?.status == .data)
    #expect(refusal(work.put(lz4 + Array("text".utf8), "c"))?.status == .data)
  }

  @Test(arguments: [".zst", ".lz4", ".gz"]) func emptyCompressedFileIsRefused(suffix: String) {
    let work = Workspace()
    #expect(refusal(work.put([], "x\(suffix)"))?.status == .data)
    #expect(refusal(work.put([], "x.txt")) == nil)
  }

  @Test(arguments: [".zst", ".lz4"]) func emptyTextIsOneFrame(suffix: String) throws {
    let work = Workspace()
    let path = try work.write([], "x\(suffix)")
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
