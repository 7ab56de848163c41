import Failures
import JSON
import Streams
import Tensors

/// Manifests of format 1: flat and sparse indexes of one segment, whose files have fixed names.
enum FormatOne {
  /// What format 1 could hold, with the columns of its documents' records.
  private static func schema(
    _ type: String, _ element: ElementType, dimension: Int
  ) -> StreamSchema? {
    switch type {
    case "flat": .dense(element, dimension: dimension)
    case "sparse": .sparse
    default: nil
    }
  }

  /// The suffix that turns what a file is into its name.
  private static let suffix = ".safetensors"
  /// Files that format 1 did not have.
  private static let newer: Set<String> = ["documents.order"]

  /// Reads a manifest whose checksum was compared.
  ///
  /// - Throws: 78 for a type that format 1 did not have, 65 where the manifest is damaged.
  static func manifest(_ json: JSON, _ path: String) throws(Failure) -> IndexManifest {
    guard let type = json["type"]?.string else { throw IndexManifest.damaged(path, "type") }
    let description = try IndexManifest.description(json, path)
    guard let documents = json["documents"]?.integer, (0...Int(Int32.max)).contains(documents),
      let dimension = description.dim,
      let element = json["element"]?.string.flatMap(ElementType.init(rawValue:)),
      let seed = IndexManifest.seed(json["seed"])
    else { throw IndexManifest.damaged(path, "documents, dim, element or seed") }
    guard let schema = schema(type, element, dimension: dimension) else {
      throw .config(path, "index type \(type) is not supported")
    }
    let files = try IndexManifest.files(json, path)
    var names: [String: String] = [:]
    for file in files where file.name.hasSuffix(suffix) {
      names[String(file.name.dropLast(suffix.count))] = file.name
    }
    var manifest = IndexManifest(
      type: type, documents: documents, source: IndexSource(.vectors(schema), description),
      seed: seed, segments: [IndexManifest.Segment(documents: documents, files: names)],
      files: files)
    manifest.format = 1
    return manifest
  }

  /// The manifest that an index has in format 1; nil for one that format 1 could not hold.
  static func text(_ manifest: IndexManifest) -> String? {
    guard manifest.segments.count == 1, manifest.segments[0].deleted == nil,
      manifest.parameters.isEmpty, manifest.codebook == nil,
      manifest.type != "sparse" || manifest.segments[0].files["postings.documents"] != nil,
      let dimension = manifest.source.dimension, let element = manifest.source.element,
      schema(manifest.type, element, dimension: dimension) == manifest.source.schema
    else { return nil }
    let sizes = Dictionary(manifest.files.map { ($0.name, $0) }) { first, _ in first }
    var files: [IndexManifest.File] = []
    for (name, place) in manifest.segments[0].files where !newer.contains(name) {
      guard var file = sizes[place] else { return nil }
      file.name = name + suffix
      files.append(file)
    }
    files.sort { $0.name < $1.name }
    var members = [
      JSON.Member("format", .integer(1)), JSON.Member("type", .string(manifest.type)),
      JSON.Member("documents", .integer(manifest.documents)),
      JSON.Member("dim", .integer(dimension)), JSON.Member("element", .string(element.rawValue)),
      JSON.Member("seed", IndexManifest.json(seed: manifest.seed)),
    ]
    members += IndexManifest.members(of: manifest.source.description)
    members.append(JSON.Member("files", .array(files.map(\.json))))
    members.append(JSON.Member("xxh3", .string(IndexManifest.checksum(members))))
    return JSON.object(members).indented() + "\n"
  }
}

extension IndexManifest {
  /// XXH3-128 that stands for the index wherever it was an input.
  ///
  /// An index that format 1 could hold has the digest of that manifest, whatever the format it is
  /// in: what was recorded of it stays true when it is built again by a later release.
  package var digest: String {
    let text = FormatOne.text(self) ?? json.indented() + "\n"
    return Checksum.xxh3Long(Array(text.utf8))
  }
}
