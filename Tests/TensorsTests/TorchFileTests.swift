import Failures
import Foundation
import Tensors
import TestSupport
import Testing

/// Files that torch.save wrote, and what pretends to be one (`scripts/golden/make_torch.py`).
struct TorchFileTests {
  static let good = [
    "types", "views", "module", "parameters", "wrapped", "protocol3", "protocol4", "protocol5",
    "zip64",
  ]

  private static func path(_ name: String) -> String { Fixtures.path("torch/\(name)") }

  @Test(arguments: good)
  func tensors(name: String) throws {
    let file = try TorchFile(Self.path("good/\(name).pt"))
    let expected = try Tensors.SafeTensorsFile(Self.path("good/\(name).safetensors"))
    #expect(file.entries.map(\.name).sorted() == expected.entries.map(\.name).sorted())
    for entry in expected.entries {
      let found = try #require(file.entry(entry.name))
      #expect(found.type == entry.type, "\(entry.name)")
      #expect(found.shape == entry.shape, "\(entry.name)")
      #expect(Array(file.bytes(found)) == Array(expected.bytes(entry)), "\(entry.name)")
    }
  }

  /// Status of each, and a part of the message.
  @Test(arguments: [
    ("system", Failures.ExitStatus.data, "posix.system"), ("eval", .data, "builtin"),
    ("getattr", .data, "getattr"), ("module", .data, "torch.nn.modules.linear.Linear"),
    ("text", .data, "a string"), ("list", .data, "a list"), ("value", .data, "an integer"),
    ("key", .data, "an integer"), ("offset", .data, "leaves its storage"),
    ("negative", .data, "leaves its storage"), ("size", .data, "leaves its storage"),
    ("stride", .data, "leaves its storage"), ("stride_negative", .data, "leaves its storage"),
    ("repeated", .data, "leaves its storage"), ("overflow", .data, "leaves its storage"),
    ("size_negative", .data, "leaves its storage"), ("elements", .data, "32 bytes"),
    ("elements_huge", .data, "32 bytes"), ("ranks", .data, "strides"),
    ("no_storage", .data, "no storage data/0"), ("compressed", .config, "compressed"),
    ("big_endian", .config, "little-endian"), ("deep", .data, "a list"),
    ("itself", .data, "a dictionary"), ("no_pickle", .data, "no data.pkl"),
    ("text_file", .data, "expected a zip file"), ("legacy", .config, "before PyTorch 1.6"),
  ])
  func refusals(name: String, status: Failures.ExitStatus, text: String) {
    let failure = #expect(throws: Failure.self) { try TorchFile(Self.path("bad/\(name).pt")) }
    #expect(failure?.status == status)
    #expect(failure?.description.contains(text) == true, "\(failure?.description ?? "")")
    #expect(failure?.place?.contains("\(name).pt") == true)
  }

  /// Every cut is noticed.
  @Test func prefixes() throws {
    let bytes = try Fixtures.bytes("torch/good/module.pt")
    let folder = try TemporaryFolder()
    for count in stride(from: 0, to: bytes.count, by: 7) {
      try folder.write("cut.pt", Array(bytes.prefix(count)))
      let failure = #expect(throws: Failure.self) { try TorchFile(folder("cut.pt")) }
      #expect(failure?.status == .data, "\(count) bytes")
    }
  }

  /// A flipped bit in a tensor is noticed, one anywhere is no trap.
  @Test(arguments: ["views", "types", "zip64"])
  func damage(name: String) throws {
    let bytes = try Fixtures.bytes("torch/good/\(name).pt")
    let folder = try TemporaryFolder()
    var random = SampleRandom(state: 17)
    var refused = 0
    for _ in 0..<1500 {
      var damaged = bytes
      for _ in 0...Int(random.next() % 3) {
        let place = Int(random.next() % UInt64(bytes.count))
        damaged[place] ^= UInt8(truncatingIfNeeded: random.next()) | 1
      }
      try folder.write("damaged.pt", damaged)
      do {
        let file = try TorchFile(folder("damaged.pt"))
        for entry in file.entries { _ = Array(file.bytes(entry)) }
      } catch { refused += 1 }
    }
    // What is left are bytes that nobody reads: times, attributes, alignment.
    #expect(refused > 500)
  }

  /// Instructions of pickles in any order, with a checksum that is right.
  @Test func pickles() throws {
    let name = Array("a/data.pkl".utf8)
    let folder = try TemporaryFolder()
    var random = SampleRandom(state: 5)
    let codes =
      Array("()]}.NKMJXctaesuhjqrQRbG".utf8) + [0x80, 0x85, 0x86, 0x87, 0x88, 0x8A, 0x94, 0x95]
    for _ in 0..<3000 {
      var code: [UInt8] = [0x80, 2]
      for _ in 0..<Int(random.next() % 24) {
        code.append(codes[Int(random.next() % UInt64(codes.count))])
        if random.next() % 4 == 0 { code.append(UInt8(truncatingIfNeeded: random.next())) }
      }
      code.append(UInt8(ascii: "."))
      try folder.write("pickle.pt", Zip.stored(name, code))
      // An empty dictionary is the most that can come out.
      if let file = try? TorchFile(folder("pickle.pt")) { #expect(file.entries.isEmpty) }
    }
    try folder.write(
      "pickle.pt", Zip.stored(name, [0x80, 2, UInt8(ascii: "}"), UInt8(ascii: ".")]))
    #expect(try TorchFile(folder("pickle.pt")).entries.isEmpty)
  }
}

/// A zip file of one stored member.
private enum Zip {
  static func stored(_ name: [UInt8], _ content: [UInt8]) -> [UInt8] {
    func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let size = little(UInt32(content.count))
    let shared =
      little(UInt32(0)) + little(crc32(content)) + size + size
      + little(UInt16(name.count)) + little(UInt16(0))
    let version = little(UInt16(20)) + little(UInt32(0))
    let local = little(UInt32(0x0403_4B50)) + version + shared + name + content
    let entry =
      little(UInt32(0x0201_4B50)) + little(UInt16(20)) + version + shared
      + little(UInt16(0)) + little(UInt16(0)) + little(UInt16(0)) + little(UInt32(0))
      + little(UInt32(0)) + name
    let end =
      little(UInt32(0x0605_4B50)) + little(UInt32(0)) + little(UInt16(1))
      + little(UInt16(1)) + little(UInt32(entry.count)) + little(UInt32(local.count))
      + little(UInt16(0))
    return local + entry + end
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
