import Failures

/// What sort of thing stands where another one was expected, by its first bytes or its files: for
/// messages.
package enum ContentSort: String, Sendable {
  case tensorStream = "a tensor stream"
  case text = "text"
  case numpy = "a NumPy array"
  case zip = "a zip archive, such as a PyTorch checkpoint"
  case index = "an index"
  case model = "a model folder"
  case folder = "a folder"
  case binary = "binary data"

  /// The sort of what is at a path; nil where there is nothing, or nothing in it, or it is a pipe.
  package init?(of path: String) {
    if WholeFile.isDirectory(path) {
      let isModel = ["config.json", "modules.json", "config_sentence_transformers.json"].contains {
        WholeFile.exists("\(path)/\($0)")
      }
      self = WholeFile.exists("\(path)/manifest.json") ? .index : isModel ? .model : .folder
      return
    }
    guard WholeFile.isRegular(path), let bytes = try? ByteReader(path).peek(64) else { return nil }
    self.init(beginning: bytes)
  }

  /// The sort of what begins with some bytes; nil of none.
  package init?(beginning bytes: [UInt8]) {
    guard let first = bytes.first else { return nil }
    if Self.beginsTensorStream(bytes) {
      self = .tensorStream
    } else if first == 0x93, bytes.dropFirst().starts(with: "NUMPY".utf8) {
      self = .numpy
    } else if bytes.starts(with: [0x50, 0x4B, 3, 4]) {
      self = .zip
    } else {
      // Tab, line feed, carriage return, and all that is no control character.
      let isText = bytes.allSatisfy { [9, 10, 13].contains($0) || ($0 >= 32 && $0 != 127) }
      self = isText ? .text : .binary
    }
  }

  /// Whether bytes are the beginning of a tensor stream: a header's length, then its JSON.
  ///
  /// A writer pads headers so that the data starts at a multiple of 64, and none is 32 MiB long.
  package static func beginsTensorStream(_ bytes: some Collection<UInt8>) -> Bool {
    let head = Array(bytes.prefix(24))
    return head.count == 24 && head[0] % 64 == 56 && head[3] <= 1
      && head[8...].elementsEqual("{\"__metadata__\":".utf8)
  }
}
