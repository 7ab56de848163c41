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

  /// A tensor that is saved alone has no name.
  @Test func tensorAlone() throws {
    let file = try TorchFile(Fixtures.path("faiss/lightning/index.pt"))
    #expect(file.entries.map(\.name) == [""])
    #expect(file.entries[0].shape == [15, 8])
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

  /// Tensors that share a storage cannot take much more memory than the file has bytes.
  @Test func sharedStorages() throws {
    let folder = try TemporaryFolder()
    func write(_ tensors: Int, distinct: Bool) throws {
      var pickle = Pickle()
      for i in 0..<tensors {
        pickle.tensor("t\(i)", offset: distinct ? i : 0, shape: [100, 99], strides: [1, 100])
      }
      try folder.write(
        "shared.pt",
        Zip.stored([
          ("a/data.pkl", pickle.bytes), ("a/data/0", [UInt8](repeating: 7, count: 40_000)),
        ])
      )
    }
    // Ten times the same transposed tensor is one copy.
    try write(10, distinct: false)
    let file = try TorchFile(folder("shared.pt"))
    #expect(file.entries.count == 10)
    for entry in file.entries { #expect(file.bytes(entry).allSatisfy { $0 == 7 }) }
    try write(10, distinct: true)
    let failure = #expect(throws: Failure.self) { try TorchFile(folder("shared.pt")) }
    #expect(failure?.status == .data)
    #expect(failure?.message.contains("tensors that share storages") == true)
  }

  /// A tuple is named again in two bytes, but not as a shape of many dimensions.
  @Test func dimensions() throws {
    let folder = try TemporaryFolder()
    for count in [64, 65] {
      var pickle = Pickle()
      let ones = [Int](repeating: 1, count: count)
      pickle.tensor("t", offset: 0, shape: ones, strides: ones)
      try folder.write(
        "shape.pt",
        Zip.stored([
          ("a/data.pkl", pickle.bytes), ("a/data/0", [UInt8](repeating: 0, count: 40_000)),
        ]))
      let file = try? TorchFile(folder("shape.pt"))
      #expect(file?.entries.first?.shape.count == (count == 64 ? 64 : nil))
    }
  }

  /// Instructions of pickles in any order, with a checksum that is right.
  @Test func pickles() throws {
    let name = "a/data.pkl"
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
      try folder.write("pickle.pt", Zip.stored([(name, code)]))
      // An empty dictionary is the most that can come out.
      if let file = try? TorchFile(folder("pickle.pt")) { #expect(file.entries.isEmpty) }
    }
    try folder.write(
      "pickle.pt", Zip.stored([(name, [0x80, 2, UInt8(ascii: "}"), UInt8(ascii: ".")])]))
    #expect(try TorchFile(folder("pickle.pt")).entries.isEmpty)
  }
}
