import Autograd
import Failures
import JSON
import Kernels
import Models
import TestSupport
import Testing
import Training

/// Tokens that a backbone lacks, against what transformers makes of the same folder
/// (`resize_token_embeddings(182, 8)` of Lightning IR's SPLADE model, transformers 4.57).
@Suite struct VocabularyExtensionTests {
  private static let masked = fixture("models/external/splade_naver_bert/model")
  private static let config: JSON = ["model_type": "splade", "add_marker_tokens": true]
  private static let terms = 180
  /// New rows are drawn so close to the mean of the others.
  private static let tolerance: Float = 1e-3

  /// The folder as training begins with it.
  private func extended(
    _ folder: String = masked, _ config: JSON = config
  ) throws -> TemporaryFolder {
    let target = try TemporaryFolder()
    let description = try ModelDescription(
      recognizing: ModelFolder(folder, overrides: config))
    let vocabulary = try #require(try VocabularyExtension(description))
    #expect(vocabulary.names == ["[QUE]", "[DOC]"])
    try vocabulary.write(into: target.path, seed: 7)
    return target
  }

  private func weights(_ folder: String, _ config: JSON, _ ids: [Int32]) throws -> [Float] {
    let model = try Model(
      ModelDescription(recognizing: ModelFolder(folder, overrides: config)))
    var batch = PackedBatch()
    batch.append(
      ids: ids, typeIDs: ids.map { _ in 0 }, attended: ids.map { _ in 1 })
    let weights = model.vectors(batch, .query, Inference(Kernels())).parts[0].vectors
    return Array(weights.row(0)) + [Float](repeating: 0, count: 184 - weights.columns)
  }

  @Test func headGrowsAsThatOfTransformers() throws {
    let folder = try extended()
    let before = try SafeTensorsFile.load(Self.masked + "/model.safetensors")
    let after = try SafeTensorsFile.load(folder("model.safetensors"))
    #expect(before.names == after.names)
    for name in before.names {
      let (old, new) = (try #require(before.tensors[name]), try #require(after.tensors[name]))
      let grows = name == "cls.predictions.bias" || name.hasSuffix("word_embeddings.weight")
      let shape: [Int] = grows ? [184] + Array(old.shape.dropFirst()) : old.shape
      #expect(new.shape == shape, "\(name)")
      #expect(Array(new.bytes.prefix(old.bytes.count)) == old.bytes, "\(name)")
    }
    let bias = try #require(after.tensors["cls.predictions.bias"]?.floats)
    #expect(bias.suffix(4) == [0, 0, 0, 0])
    // The marker is part of the text; the same values come from the reference for every seed.
    let vector = try weights(
      folder.path, ["model_type": "splade"], [5, 180, 112, 60, 90, 110, 133, 6])
    #expect(vector.count { $0 > 0 } == 28)
    #expect(abs(vector.reduce(0, +) - 25.8121) < 10 * Self.tolerance)
    for value in vector.suffix(4) { #expect(abs(value - 0.1791) < Self.tolerance) }
    // Without it terms weigh what they did.
    let ids: [Int32] = [5, 112, 60, 90, 110, 133, 6]
    let old = try weights(Self.masked, ["model_type": "splade"], ids)
    #expect(
      try weights(folder.path, ["model_type": "splade"], ids).prefix(Self.terms)
        == old.prefix(Self.terms))
  }

  /// transformers ties outputs to the embeddings, whatever the file has of them.
  @Test func outputsSavedASecondTimeAreLeftOut() throws {
    let folder = try TemporaryFolder()
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
      try folder.copy("\(Self.masked)/\(name)", to: name)
    }
    var builder = SafeTensorsBuilder(
      try SafeTensorsFile.load(Self.masked + "/model.safetensors"))
    builder.tensors["cls.predictions.decoder.weight"] =
      builder.tensors["bert.embeddings.word_embeddings.weight"]
    builder.tensors["cls.predictions.decoder.bias"] = builder.tensors["cls.predictions.bias"]
    try folder.write("model.safetensors", builder.bytes)
    let made = try extended(folder.path)
    let after = try SafeTensorsFile.load(made("model.safetensors"))
    withExtendedLifetime(made) {}
    #expect(after.tensors["cls.predictions.decoder.weight"] == nil)
    #expect(after.tensors["cls.predictions.decoder.bias"]?.shape == [184])
    let failure = #expect(throws: Failure.self) {
      try extended(
        folder.path,
        ["model_type": "splade", "add_marker_tokens": true, "tie_word_embeddings": false])
    }
    #expect(failure?.status == .config && failure?.message.contains("[QUE]") == true)
  }

  /// A folder with `vocab.txt` alone gets the `tokenizer.json` that transformers would write.
  @Test func vocabularyFilesAreConverted() throws {
    let folder = try TemporaryFolder()
    for name in ["config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"] {
      try folder.copy("\(Self.masked)/\(name)", to: name)
    }
    let (one, other) = (try extended(folder.path), try extended())
    func json(_ folder: TemporaryFolder) throws -> String {
      try JSONParser.parse(folder.read("tokenizer.json")).serialized(sortingKeys: true)
    }
    #expect(try json(one) == json(other))
  }

  /// T5's encoder alone may have its embeddings under the name that they have below the encoder; a
  /// whole T5 of older versions has them under both, and is read by the first.
  @Test(arguments: [
    (["encoder.embed_tokens.weight"], "encoder.embed_tokens.weight"),
    (["encoder.embed_tokens.weight", "shared.weight"], "shared.weight"),
  ]) func tableUnderItsSecondName(names: [String], table: String) throws {
    let (source, folder) = (
      fixture("models/native/dpr_t5_encoder/model"), try TemporaryFolder()
    )
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try folder.copy("\(source)/\(name)", to: name)
    }
    try folder.copy("\(source)/config.json", to: "native.json")
    let members = try JSONParser.parse(folder.read("native.json")).members ?? []
    try folder.write(
      "config.json",
      JSON.object(
        members.filter { $0.key != "backbone_model_type" && $0.key != "model_type" }
          + [JSON.Member("model_type", "t5")]
      ).serialized())
    var builder = SafeTensorsBuilder(try SafeTensorsFile.load(source + "/model.safetensors"))
    let words = try #require(builder.tensors["shared.weight"])
    builder.tensors["shared.weight"] = nil
    for name in names { builder.tensors[name] = words }
    try folder.write("model.safetensors", builder.bytes)

    let made = try extended(folder.path, ["model_type": "lir-dpr", "add_marker_tokens": true])
    let after = try SafeTensorsFile.load(made("model.safetensors"))
    #expect(words.shape == [144, 32])
    for name in names {
      #expect(after.tensors[name]?.shape == (name == table ? [152, 32] : [144, 32]), "\(name)")
    }
    let model = try Model(
      ModelDescription(recognizing: ModelFolder(made.path, overrides: ["model_type": "lir-dpr"])))
    #expect(model.backbone.vocabularySize == 152)
  }
}
