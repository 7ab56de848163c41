import IndexFormat
import Streams
import Tensors

@testable import Indexes

extension Target {
  /// Indexes: manifests, and the Common Index File Format.
  static let indexes = [
    Target("manifest", ["manifest.json"]) { bytes in
      let manifest = try IndexManifest(bytes, "manifest.json")
      _ = try IndexTypes.of(manifest, "manifest.json")
      _ = try IndexFolder(Scratch.folder([("manifest.json", bytes)]))
    },
    Target("ciff", [".ciff"]) { bytes in
      let file = try CIFFFile(Scratch.file("input.ciff", bytes))
      try file.forEachDocument(memory: 1 << 20) { document, _, _ in _ = file.id(document) }
    },
  ]
}
