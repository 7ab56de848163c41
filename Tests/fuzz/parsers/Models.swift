import Models
import Streams

extension Target {
  /// Model folders: what config.json says.
  static let models = [
    Target("config", ["config.json"]) { bytes in
      let folder = try ModelFolder(Scratch.folder([("config.json", bytes)]))
      _ = try ModelDescription(recognizing: folder)
    }
  ]
}
