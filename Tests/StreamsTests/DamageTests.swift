import Failures
import Streams
import Testing

/// Whatever is cut off or changed in a compressed file is found out.
@Suite struct DamageTests {
  @Test(arguments: [".zst", ".lz4"]) func everyPrefixFails(suffix: String) throws {
    let work = Workspace()
    let whole = try WholeFile.read(try work.write(sample(900), "x\(suffix)"))
    // Behind the frame there is only the trailer, which may be missing as a whole.
    let frame = try frameLength(whole, suffix)
    for length in 0..<whole.count where length != frame {
      let failure = refusal(work.put(Array(whole[..<length]), "cut\(suffix)"))
      #expect(failure?.status == .data, "\(length) of \(whole.count) bytes")
    }
  }

  @Test(arguments: [".zst", ".lz4"]) func everyFlippedByteFails(suffix: String) throws {
    let work = Workspace()
    let bytes = sample(700)
    let whole = try WholeFile.read(try work.write(bytes, "x\(suffix)"))
    for index in whole.indices {
      for mask: UInt8 in [0x01, 0x80] {
        var damaged = whole
        damaged[index] ^= mask
        let path = work.put(damaged, "bad\(suffix)")
        if refusal(path) != nil { continue }
        // What is not found out must not have changed the text.
        #expect(try readAll(path) == bytes, "byte \(index), mask \(mask)")
      }
    }
  }

  @Test func gzipPrefixesFail() throws {
    try skip(unless: "gzip")
    let work = Workspace()
    let raw = work.put(sample(900), "x")
    #expect(shell("gzip -c '\(raw)' > '\(raw).gz'") == 0)
    let whole = try WholeFile.read("\(raw).gz")
    for length in 0..<whole.count {
      #expect(refusal(work.put(Array(whole[..<length]), "cut.gz"))?.status == .data, "\(length)")
    }
  }

  @Test func skippableFramesArePassed() throws {
    let work = Workspace()
    let whole = try WholeFile.read(try work.write(sample(3000), "x.zst"))
    let foreign: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
    let large: [UInt8] =
      [0x5F, 0x2A, 0x4D, 0x18, 0, 0, 8, 0] + [UInt8](repeating: 7, count: 1 << 19)
    #expect(try readAll(work.put(whole + foreign, "a")) == sample(3000))
    #expect(try readAll(work.put(foreign + whole + large, "b")) == sample(3000))
    #expect(refusal(work.put(whole + foreign.dropLast(), "c"))?.status == .data)
    #expect(refusal(work.put(whole + foreign.prefix(6), "d"))?.status == .data)
    #expect(refusal(work.put(whole + large.dropLast(), "e"))?.status == .data)
  }

  @Test func trailerIsChecked() throws {
    let work = Workspace()
    let one = try work.write(sample(3000), "one.zst")
    let two = try work.write(sample(3000, seed: 2), "two.zst")
    let (first, second) = (try WholeFile.read(one), try WholeFile.read(two))
    // Each text with its own trailer.
    #expect(try readAll(work.put(first + second, "both")).count == 6000)
    // A text with another's trailer.
    let (a, b) = (try frameLength(first, ".zst"), try frameLength(second, ".zst"))
    let failure = refusal(work.put(Array(first[..<a]) + Array(second[b...]), "mixed"))
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
