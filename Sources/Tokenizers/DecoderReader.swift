import Failures
import JSON

extension ComponentReader {
  /// The section `decoder`.
  ///
  /// - Throws: 65 for fields of a wrong kind, 78 for components that this version does not have, by
  ///   name.
  func decoder(_ value: JSON) throws(Failure) -> Decoder {
    if value.isNull { return .none }
    let steps = try decoderSteps(value)
    try check(steps: steps.count, "decoder")
    return Decoder(steps: steps)
  }

  private func decoderSteps(_ value: JSON) throws(Failure) -> [Decoder.Step] {
    let name = "decoder"
    let type = try self.type(value, name)
    switch type {
    case "WordPiece":
      return [
        .wordPiece(
          prefix: Array(try string(value["prefix"], "\(name).prefix").utf8),
          cleanUp: try bool(value["cleanup"], "\(name).cleanup"))
      ]
    case "Metaspace": return [.metaspace(try Metaspace(value, name, self))]
    case "ByteLevel": return [.byteLevel]
    case "BPEDecoder":
      let suffix = try string(value["suffix"], "\(name).suffix")
      if suffix.isEmpty { throw .config(path, "\(name).suffix: an empty one is not supported") }
      return [.wordEnds(Array(suffix.utf8))]
    case "ByteFallback": return [.byteFallback]
    case "Fuse": return [.fuse]
    case "Replace":
      return [
        .replace(
          try pattern(value["pattern"], "\(name).pattern"),
          with: Array(try string(value["content"], "\(name).content").utf8))
      ]
    case "Strip":
      let content = try string(value["content"], "\(name).content")
      guard content.unicodeScalars.count == 1 else {
        throw .data(path, "\(name).content: expected one character, found \"\(content)\"")
      }
      return [
        .strip(
          Array(content.utf8), start: try integer(value["start"], "\(name).start"),
          end: try integer(value["stop"], "\(name).stop"))
      ]
    case "Sequence":
      guard let parts = value["decoders"]?.array else {
        throw wrong("\(name).decoders", "a list", value["decoders"])
      }
      var steps: [Decoder.Step] = []
      for part in parts { steps += try decoderSteps(part) }
      return steps
    default:
      throw unsupported(
        name, type,
        "BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip, WordPiece")
    }
  }
}
