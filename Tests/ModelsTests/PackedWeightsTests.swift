import Failures
import Foundation
import Kernels
import Models
import Streams
import TestSupport
import Testing

/// Weights that were packed once and are mapped from a file.
struct PackedWeightsTests {
  /// A folder with a copy of a model, removed at the end.
  private final class Folder {
    let path: String
    var model: String { path + "/model" }
    var file: String { path + "/packed.safetensors" }

    init(_ golden: ModelCase) throws {
      path = NSTemporaryDirectory() + "lir-packed-\(UUID().uuidString)"
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: golden.modelPath, toPath: model)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Makes every value of every weight NaN.
    func spoilWeights() throws {
      let files = try FileManager.default.subpathsOfDirectory(atPath: model)
        .filter { $0.hasSuffix(".safetensors") }.map { "\(model)/\($0)" }
      #expect(!files.isEmpty)
      for file in files {
        var bytes = try ModelCase.bytes(file)
        let length = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        let start = 8 + Int(UInt64(littleEndian: length))
        for i in start..<bytes.count { bytes[i] = 0xFF }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
      }
    }
  }

  private static let key = PackedKey(model: "m", .f32)

  private static func bits(_ subject: InvarianceTests.Subject) throws -> [[UInt32]] {
    try subject.bits(threads: 2)
  }

  private static func write(_ folder: Folder, _ golden: ModelCase, _ precision: Precision) throws
    -> PackedKey
  {
    let key = PackedKey(model: "m", LayerPrecisions(precision))
    let weights = PackedWeights()
    let subject = try InvarianceTests.Subject(
      golden.name, precision, folder: folder.model, packed: weights)
    try withExtendedLifetime(subject) { try PackedFile.write(folder.file, key, weights) }
    return key
  }

  @Test(arguments: InvarianceTests.cases, Precision.allCases)
  func sameBits(name: String, precision: Precision) throws {
    let golden = try ModelCase(name)
    let folder = try Folder(golden)
    let expected = try InvarianceTests.Subject(name, precision)
    let key = try Self.write(folder, golden, precision)
    try folder.spoilWeights()
    #expect(throws: Failure.self, "the weights are still there") {
      try InvarianceTests.Subject(name, precision, folder: folder.model)
    }
    let file = try PackedFile(folder.file, key)
    _ = try file.checkedChecksum()
    let subject = try InvarianceTests.Subject(
      name, precision, folder: folder.model, packed: PackedWeights(file))
    #expect(try Self.bits(subject) == Self.bits(expected))
    #expect(subject.model.unusedTensors == expected.model.unusedTensors)
  }

  @Test func otherKeys() throws {
    let keys = [
      Self.key, PackedKey(model: "n", .f32), PackedKey(model: "m", LayerPrecisions(.bf16)),
      PackedKey(model: "m", LayerPrecisions(.int8)),
      PackedKey(model: "m", LayerPrecisions(.int8, keeping: ["a"])),
      PackedKey(model: "m", LayerPrecisions(.int8, keeping: ["a", "b"])),
      PackedKey(model: "m", .f32, layout: PackedLayout.version + 1),
    ]
    #expect(Set(keys.map(\.fileName)).count == keys.count)
    let golden = try ModelCase(InvarianceTests.cases[0])
    let folder = try Folder(golden)
    #expect(try Self.write(folder, golden, .f32) == Self.key)
    for key in keys.dropFirst() {
      let failure = #expect(throws: Failure.self) { try PackedFile(folder.file, key) }
      #expect(failure?.status == .data)
    }
  }

  /// Every prefix is noticed at once, every other byte by the checksum at the latest.
  @Test func damage() throws {
    let golden = try ModelCase(InvarianceTests.cases[0])
    let folder = try Folder(golden)
    _ = try Self.write(folder, golden, .f32)
    let whole = try ModelCase.bytes(folder.file)
    let url = URL(fileURLWithPath: folder.file)
    for count in [0, 7, 8, 100, whole.count / 2, whole.count - 1] {
      try Data(whole[..<count]).write(to: url)
      #expect(throws: Failure.self, "\(count) bytes") { try PackedFile(folder.file, Self.key) }
    }
    for place in Array(0..<200) + stride(from: 200, to: whole.count, by: whole.count / 97) {
      var bytes = whole
      bytes[place] ^= 1
      try Data(bytes).write(to: url)
      let failure = #expect(throws: Failure.self, "byte \(place)") {
        _ = try PackedFile(folder.file, Self.key).checkedChecksum()
      }
      #expect([.data, .config].contains(failure?.status), "byte \(place)")
    }
    try Data(whole + [0]).write(to: url)
    #expect(throws: Failure.self) { try PackedFile(folder.file, Self.key) }
  }

  /// Weights that a file lacks are an error, not read from elsewhere.
  @Test func missing() throws {
    let golden = try ModelCase(InvarianceTests.cases[0])
    let folder = try Folder(golden)
    try PackedFile.write(folder.file, Self.key, PackedWeights())
    let weights = PackedWeights(try PackedFile(folder.file, Self.key))
    let failure = #expect(throws: Failure.self) {
      try InvarianceTests.Subject(golden.name, folder: folder.model, packed: weights)
    }
    #expect(failure?.status == .data)
  }
}
