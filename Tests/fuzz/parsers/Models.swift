import Models
import Streams

extension Target {
  /// Model folders: what config.json says, and templates of chats.
  static let models = [
    Target("config", ["config.json"]) { bytes in
      let folder = try ModelFolder(Scratch.folder([("config.json", bytes)]))
      _ = try ModelDescription(recognizing: folder)
    },
    Target("template", [".jinja"]) { bytes in
      let messages = [
        ["role": "system", "content": "Rank."], ["role": "query", "content": " q "],
        ["role": "document", "content": " d "],
      ]
      _ = try ChatTemplate.text(
        of: String(decoding: bytes, as: UTF8.self), messages,
        tokens: ["bos_token": "<s>", "eos_token": "</s>"])
    },
  ]
}
