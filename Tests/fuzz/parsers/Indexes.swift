import IndexFormat
import Indexes
import Streams

extension Target {
  /// Indexes: manifests, and the Common Index File Format.
  static let indexes = [
    Target("manifest", ["manifest.json"]) { try read($0) },
    Target("sealed-manifest", ["manifest.json"]) { try read(Sealed.manifest($0)) },
    Target("ciff", [".ciff"]) { bytes in
      let file = try CIFFFile(Scratch.file("input.ciff", bytes))
      try file.forEachDocument(memory: 1 << 20) { document, _, _ in _ = file.id(document) }
    },
  ]

  private static func read(_ bytes: [UInt8]) throws {
    let manifest = try IndexManifest(bytes, "manifest.json")
    _ = try IndexTypes.of(manifest, "manifest.json")
    _ = try IndexFolder(Scratch.folder([("manifest.json", bytes)]))
  }
}
