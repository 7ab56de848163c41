import Failures
import Records
import Streams
import TestSupport
import Testing

/// Texts that stand in the place of an output.
@Suite struct FinishedTextTests {
  private static let lines = "{\"id\":\"a\",\"v\":[1]}\n{\"id\":\"b\",\"v\":[2]}\n"

  private func write(
    _ compression: Compression, by: String?, shard: String? = nil, in folder: TemporaryFolder
  ) throws -> String {
    let writer = try ByteWriter(folder("text"), compression: compression, checksumText: true)
    try writer.write(Self.lines)
    try writer.finishText(records: 2, provenance: by, shard: shard)
    return folder("text")
  }

  @Test func whatMadeThem() throws {
    let folder = try TemporaryFolder()
    let by = "[{\"tool\":\"t\"}]"
    let zstd = Compression.zstd(level: 1)
    let part = try #require(try FinishedText.read(write(zstd, by: by, shard: "2/3", in: folder)))
    #expect(part.by == by && part.shard == "2/3")
    let all = try #require(try FinishedText.read(write(zstd, by: by, in: folder)))
    #expect(all.by == by && all.shard == nil)
    // Nothing says it here.
    #expect(try FinishedText.read(write(zstd, by: nil, in: folder))?.by == nil)
    #expect(try FinishedText.read(write(.lz4(level: 0), by: by, in: folder))?.by == nil)
    #expect(try FinishedText.read(write(.none, by: by, in: folder))?.by == nil)
  }

  @Test func ids() throws {
    let folder = try TemporaryFolder()
    let path = try write(.zstd(level: 1), by: nil, in: folder)
    let ids = RunningChecksum()
    ids.update(Array("a\nb\n".utf8))
    #expect(try FinishedText.read(path, digestsIDs: true)?.idsDigest == ids.longHex)
    #expect(try FinishedText.read(folder.write("other", "no JSON\n"), digestsIDs: true) == nil)
  }

  @Test func damage() throws {
    let folder = try TemporaryFolder()
    _ = try write(.zstd(level: 1), by: "[]", in: folder)
    let whole = try folder.read("text")
    for length in 0..<whole.count {
      let path = try folder.write("cut", Array(whole[..<length]))
      #expect(try FinishedText.read(path)?.by == nil, "\(length) bytes")
    }
  }
}
