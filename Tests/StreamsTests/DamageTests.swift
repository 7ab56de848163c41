import Failures
import Streams
import TestSupport
import Testing

/// Whatever is cut off or changed in a compressed file is found out.
@Suite struct DamageTests {
  @Test(arguments: [".zst", ".lz4"]) func everyPrefixFails(suffix: String) throws {
    let work = try TemporaryFolder()
    let whole = try WholeFile.read(try writeText(sample(900), to: work("x\(suffix)")))
    // Behind the frame there is only the trailer, which may be missing as a whole.
    let frame = try frameLength(whole, suffix)
    for length in 0..<whole.count where length != frame {
      let failure = try refusal(work.write("cut\(suffix)", Array(whole[..<length])))
      #expect(failure?.status == .data, "\(length) of \(whole.count) bytes")
    }
  }

  @Test(arguments: [".zst", ".lz4"]) func everyFlippedByteFails(suffix: String) throws {
    let work = try TemporaryFolder()
    let bytes = sample(700)
    let whole = try WholeFile.read(try writeText(bytes, to: work("x\(suffix)")))
    for index in whole.indices {
      for mask: UInt8 in [0x01, 0x80] {
        var damaged = whole
        damaged[index] ^= mask
        let path = try work.write("bad\(suffix)", damaged)
        if refusal(path) != nil { continue }
        // What is not found out must not have changed the text.
        #expect(try readAll(path) == bytes, "byte \(index), mask \(mask)")
      }
    }
  }

  @Test func gzipPrefixesFail() throws {
    try skip(unless: "gzip")
    let work = try TemporaryFolder()
    let raw = try work.write("x", sample(900))
    #expect(shell("gzip -c '\(raw)' > '\(raw).gz'") == 0)
    let whole = try WholeFile.read("\(raw).gz")
    for length in 0..<whole.count {
      #expect(
        try refusal(work.write("cut.gz", Array(whole[..<length])))?.status == .data, "\(length)")
    }
  }

  @Test func skippableFramesArePassed() throws {
    let work = try TemporaryFolder()
    let whole = try WholeFile.read(try writeText(sample(3000), to: work("x.zst")))
    let foreign: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
    let large: [UInt8] =
      [0x5F, 0x2A, 0x4D, 0x18, 0, 0, 8, 0] + [UInt8](repeating: 7, count: 1 << 19)
    #expect(try readAll(work.write("a", whole + foreign)) == sample(3000))
    #expect(try readAll(work.write("b", foreign + whole + large)) == sample(3000))
    #expect(try refusal(work.write("c", whole + foreign.dropLast()))?.status == .data)
    #expect(try refusal(work.write("d", whole + foreign.prefix(6)))?.status == .data)
    #expect(try refusal(work.write("e", whole + large.dropLast()))?.status == .data)
  }

  @Test func trailerIsChecked() throws {
    let work = try TemporaryFolder()
    let one = try writeText(sample(3000), to: work("one.zst"))
    let two = try writeText(sample(3000, seed: 2), to: work("two.zst"))
    let (first, second) = (try WholeFile.read(one), try WholeFile.read(two))
    // Each text with its own trailer.
    #expect(try readAll(work.write("both", first + second)).count == 6000)
    // A text with another's trailer.
    let (a, b) = (try frameLength(first, ".zst"), try frameLength(second, ".zst"))
    let failure = try refusal(work.write("mixed", Array(first[..<a]) + Array(second[b...])))
    #expect(failure?.status == .data)
    #expect(failure?.message.contains("checksum") == true)
    let reader = try ByteReader(one)
    var buffer = [UInt8](repeating: 0, count: 4000)
    let count = try buffer.withUnsafeMutableBufferPointer { part throws(Failure) in
      try reader.readFully(into: UnsafeMutableRawBufferPointer(part))
    }
    #expect(count == 3000)
    #expect(reader.trailers.first?.json.contains("\"records\":1") == true)
    #expect(reader.trailers.first?.checksum == Checksum.hex(Checksum.xxh3(sample(3000))))
  }

  /// Where the first frame ends: before the trailer, which only zstd texts have.
  private func frameLength(_ bytes: [UInt8], _ suffix: String) throws -> Int {
    if suffix != ".zst" { return bytes.count }
    let magic: [UInt8] = [0x5D, 0x2A, 0x4D, 0x18]
    let start = bytes.indices.last { bytes[$0...].starts(with: magic) }
    return try #require(start)
  }
}
