import Failures
import Glibc
import Streams
import TestSupport
import Testing

@Suite struct OutputTests {
  @Test func appearsByRenameOnly() throws {
    let work = try TemporaryFolder()
    let path = try work.write("x", Array("old".utf8))
    let writer = try ByteWriter(path)
    try writer.write("new")
    try writer.flush()
    #expect(try WholeFile.read(path) == Array("old".utf8))
    #expect(work.names.count == 2)
    #expect(work.names.contains { $0.hasPrefix(".x.tmp.") })
    try writer.finish()
    #expect(try WholeFile.read(path) == Array("new".utf8))
    #expect(work.names == ["x"])
  }

  @Test(arguments: ["x", "x.zst", "x.lz4"])
  func bytesOfAFileDoNotTellWhenTheyCame(name: String) throws {
    let work = try TemporaryFolder()
    for (path, flushes) in [("at-once-\(name)", false), ("by-and-by-\(name)", true)] {
      let writer = try ByteWriter(work(path), checksumText: true)
      for _ in 0..<20 {
        try writer.write(sample(300))
        if flushes { try writer.flush() }
      }
      try writer.finishText(records: 20, provenance: nil)
    }
    #expect(
      try WholeFile.read(work("at-once-\(name)")) == WholeFile.read(work("by-and-by-\(name)")))
  }

  @Test(arguments: ["x", "x.zst", "x.lz4"]) func failureLeavesNothing(name: String) throws {
    let work = try TemporaryFolder()
    do {
      let writer = try ByteWriter(work(name))
      try writer.write(sample(500_000))
    }
    #expect(work.names.isEmpty)
  }

  @Test(arguments: [Compression.none, .zstd(level: 3), .lz4(level: 0)])
  func fullDeviceIs74(compression: Compression) throws {
    guard WholeFile.exists("/dev/full") else { try Test.cancel("there is no /dev/full") }
    for count in [10, 1_000_000] {
      let failure = #expect(throws: Failure.self) {
        let writer = try ByteWriter("/dev/full", compression: compression)
        try writer.write(sample(count))
        try writer.finish()
      }
      #expect(failure?.status == .io)
    }
  }

  @Test func outputThatCannotBeCreatedIs73() {
    for path in ["/proc/nowhere/x", "/tmp", "/tmp/", "", "/dev/null/x", "x/"] {
      let failure = #expect(throws: Failure.self) { try ByteWriter(path) }
      #expect(failure?.status == .cannotCreate, "\(path)")
    }
  }

  @Test func writesIntoAPipe() throws {
    let work = try TemporaryFolder()
    let pipe = work("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(shell("cat '\(pipe)' > '\(work("copy"))' & sleep 0") == 0)
    let writer = try ByteWriter(pipe)
    try writer.write("through")
    try writer.finish()
    var copied: [UInt8] = []
    for _ in 0..<200 where copied.isEmpty {
      usleep(10_000)
      copied = (try? WholeFile.read(work("copy"))) ?? []
    }
    #expect(copied == Array("through".utf8))
  }

  @Test func keepsTheModeThatTheUmaskGives() throws {
    let work = try TemporaryFolder()
    let path = try writeText([1], to: work("x"))
    var info = stat()
    #expect(stat(path, &info) == 0)
    let mask = umask(0)
    umask(mask)
    #expect(info.st_mode & 0o777 == 0o666 & ~mask)
  }
}
