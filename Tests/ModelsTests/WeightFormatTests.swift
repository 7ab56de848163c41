import Failures
import JSON
import Models
import Tensors
import TestSupport
import Testing

/// Models whose weights are stored in other element types, other files and under other names.
struct WeightFormatTests {
  static let name = "native/dpr_bert_00"

  private func rows(_ model: Model) throws -> [Float] {
    let golden = try ModelCase(Self.name)
    let window = try model.window(golden.documents.flatMap { $0 }, .doc, golden.tokenizer())
    return try model.embed(window, .doc).flatMap { $0 }
  }

  /// Weights stored in another precision are loaded as single, with the bits of the rounded weights
  /// stored in single.
  @Test(arguments: ["F16", "BF16", "F64"])
  func elementTypes(dtype: String) throws {
    let narrow = try EditedModel(Self.name)
    try narrow.weights { builder in
      for (name, tensor) in builder.tensors { builder.tensors[name] = tensor.stored(as: dtype) }
    }
    let rounded = try EditedModel(Self.name)
    try rounded.weights { builder in
      for (name, tensor) in builder.tensors {
        builder.tensors[name] = .init(tensor.shape, Self.widened(tensor.stored(as: dtype)))
      }
    }
    let found = try rows(try narrow.load())
    #expect(found == (try rows(try rounded.load())))
    #expect((found == (try rows(try ModelCase(Self.name).model()))) == (dtype == "F64"))
  }

  private static func widened(_ tensor: SafeTensorsBuilder.Tensor) -> [Float] {
    let bytes = tensor.bytes
    func half(_ i: Int) -> UInt16 { UInt16(bytes[2 * i]) | UInt16(bytes[2 * i + 1]) << 8 }
    switch tensor.dtype {
    case "F16": return (0..<bytes.count / 2).map { Float(Float16(bitPattern: half($0))) }
    case "BF16": return (0..<bytes.count / 2).map { Float(bitPattern: UInt32(half($0)) << 16) }
    default:
      return bytes.withUnsafeBytes { buffer in
        (0..<bytes.count / 8).map {
          Float(buffer.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self))
        }
      }
    }
  }

  /// A header of odd length: no tensor starts at a multiple of four bytes.
  @Test func unaligned() throws {
    let model = try EditedModel(Self.name)
    let bytes = try model.folder.read("model/model.safetensors")
    let length = bytes.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    var header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
    while header.utf8.count % 4 != 1 { header += " " }
    try model.folder.write(
      "model/model.safetensors",
      SafeTensorsBuilder.blob(header: header, data: Array(bytes[(8 + length)...])))
    #expect(try rows(try model.load()) == (try rows(try ModelCase(Self.name).model())))
  }

  private func split(_ model: EditedModel, doubling: Bool = false) throws {
    let file = try TestSupport.SafeTensorsFile.load(model.path + "/model.safetensors")
    let all = SafeTensorsBuilder(file)
    var map: [JSON.Member] = []
    for shard in 0..<2 {
      var part = SafeTensorsBuilder()
      for (i, name) in all.tensors.keys.sorted().enumerated()
      where i % 2 == shard || (doubling && i == 0) {
        part.tensors[name] = all.tensors[name]
        if i % 2 == shard { map.append(JSON.Member(name, .string("part-\(shard).safetensors"))) }
      }
      try model.folder.write("model/part-\(shard).safetensors", part.bytes)
    }
    try model.folder.write(
      "model/model.safetensors.index.json",
      JSON.object([JSON.Member("weight_map", .object(map))]).serialized())
    try model.folder.remove("model/model.safetensors")
  }

  @Test func shards() throws {
    let model = try EditedModel(Self.name)
    try split(model)
    #expect(try rows(try model.load()) == (try rows(try ModelCase(Self.name).model())))
    try model.folder.remove("model/part-1.safetensors")
    #expect(model.refusal()?.status == .noInput)
    let doubled = try EditedModel(Self.name)
    try split(doubled, doubling: true)
    #expect(doubled.refusal()?.status == .data)
    #expect(doubled.refusal()?.message.hasSuffix("is in another shard as well") == true)
  }

  /// A map of shards that names no files is no map of fewer shards.
  @Test(arguments: ["5", "null", "\"\"", "[]", "\"../x\"", "\"/dev/zero\"", "\"a\\u0000b\""])
  func shardNames(name: String) throws {
    let model = try EditedModel(Self.name)
    try split(model)
    try model.folder.write(
      "model/model.safetensors.index.json", #"{"weight_map":{"w":\#(name)}}"#)
    #expect(model.refusal()?.status == .data)
    #expect(model.refusal()?.message.hasPrefix("weight_map.w: expected the name of a file") == true)
  }

  /// Older checkpoints: `gamma` and `beta`, positions as a buffer, a prefix before every name.
  @Test func olderNames() throws {
    let model = try EditedModel(Self.name)
    try model.weights { builder in
      var renamed: [String: SafeTensorsBuilder.Tensor] = [:]
      for (name, tensor) in builder.tensors {
        var name = name
        if name.hasSuffix("LayerNorm.weight") { name = name.dropLast(6) + "gamma" }
        if name.hasSuffix("LayerNorm.bias") { name = name.dropLast(4) + "beta" }
        renamed[name.hasPrefix("projection") ? name : "bert." + name] = tensor
      }
      renamed["bert.embeddings.position_ids"] = .init(
        "I64", [1, 64], .init(repeating: 0, count: 512))
      renamed["bert.pooler.dense.bias"] = .init([32], Array(repeating: 0, count: 32))
      builder.tensors = renamed
    }
    let loaded = try model.load()
    #expect(loaded.unusedTensors == ["bert.pooler.dense.bias"])
    #expect(try rows(loaded) == (try rows(try ModelCase(Self.name).model())))
  }

  /// SPLADE's decoder is the word embeddings where the file has none of its own; where it has one,
  /// that one counts.
  @Test func tiedDecoder() throws {
    let golden = try ModelCase("native/splade_bert_00")
    func row(_ model: Model) throws -> [Float] {
      try model.embed(try model.window(["a b c"], .doc, golden.tokenizer()), .doc)[0]
    }
    let expected = try row(try golden.model())
    let model = try EditedModel(golden.name)
    try model.weights {
      #expect($0.tensors["projection.decoder.weight"] == nil)
      $0.tensors["projection.decoder.weight"] = $0.tensors["embeddings.word_embeddings.weight"]
    }
    #expect(try row(try model.load()) == expected)
    try model.weights {
      let shape = try #require($0.tensors["projection.decoder.weight"]).shape
      $0.tensors["projection.decoder.weight"] = .init(
        shape, Array(repeating: 0.5, count: shape[0] * shape[1]))
    }
    #expect(try row(try model.load()) != expected)
  }

  @Test func digest() throws {
    let model = try EditedModel(Self.name)
    let folder = try ModelFolder(model.path)
    let digest = try folder.digest()
    #expect(digest == (try ModelFolder(ModelCase(Self.name).modelPath + "//").digest()))
    #expect(digest.utf8.count == 32)
    let changed = try ModelFolder(model.path, overrides: ["query_length": 8]).digest()
    #expect(changed != digest)
    try model.folder.write("model/README.md", "Not part of what is computed.")
    #expect(try ModelFolder(model.path).digest() == digest)
    try model.weights {
      $0.tensors["projection.bias"] = .init([32], .init(repeating: 0, count: 32))
    }
    #expect(try ModelFolder(model.path).digest() != digest)
  }
}
