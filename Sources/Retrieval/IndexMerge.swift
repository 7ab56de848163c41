import Failures
import IndexFormat
import JSON
import Tensors

/// Joins indexes of one form to one.
package struct IndexMerge {
  private let type: any IndexType.Type
  private let folders: [IndexFolder]
  /// Differences that do not keep the indexes from being joined, for warnings.
  package let differences: [String]

  /// - Parameters:
  ///   - folders: The indexes in order, at least one.
  ///   - type: Their type.
  /// - Throws: 65 for indexes that are damaged or shards that are not complete, 78 for indexes that
  ///   do not go together.
  package init(_ folders: [IndexFolder], _ type: any IndexType.Type) throws(Failure) {
    precondition(!folders.isEmpty, "nothing to merge")
    self.folders = folders
    self.type = type
    var differences: [String] = []
    var shards = ShardSequence()
    for folder in folders {
      try type.verify(folder)
      guard folder.segments.allSatisfy({ !$0.hasDeleted }) else {
        throw .config(folder.path, "indexes with deleted documents cannot be merged yet")
      }
      try shards.follow(folder.manifest.source.description.shard, folder.path)
      if let difference = try Self.check(folders[0], folder) { differences.append(difference) }
    }
    if let missing = shards.missing {
      throw .data(folders.map(\.path).joined(separator: " "), "\(missing) missing")
    }
    self.differences = differences
  }

  /// - Returns: What was computed differently.
  private static func check(
    _ first: IndexFolder, _ other: IndexFolder
  ) throws(Failure) -> String? {
    let (a, b) = (first.manifest, other.manifest)
    let (x, y) = (a.source.description, b.source.description)
    func number(_ value: Int?) -> String { value.map(String.init) ?? "none" }
    let pairs = [
      ("type", a.type, b.type), ("dim", number(x.dim), number(y.dim)),
      ("element", a.source.element?.rawValue ?? "none", b.source.element?.rawValue ?? "none"),
      ("model", x.model ?? "none", y.model ?? "none"),
      ("similarity", x.similarity ?? "none", y.similarity ?? "none"),
      ("source", a.source.json.serialized(), b.source.json.serialized()),
      (
        "parameters", JSON.object(a.parameters).serialized(sortingKeys: true),
        JSON.object(b.parameters).serialized(sortingKeys: true)
      ),
      ("codebook", a.codebook ?? "none", b.codebook ?? "none"),
    ]
    for (what, x, y) in pairs where x != y {
      throw .config(
        other.path, "the indexes disagree: \(what) \(x) of \(first.path) and \(y)")
    }
    return x.difference(from: y).map { what, x, y in
      "\(other.path): \(what) \(x) of \(first.path) and \(y)"
    }
  }

  /// Whether all indexes were made by the same.
  package var haveOneOrigin: Bool {
    folders.allSatisfy {
      $0.manifest.source.description.by == folders[0].manifest.source.description.by
    }
  }

  /// Writes the joined index.
  ///
  /// - Parameters:
  ///   - target: Its folder.
  ///   - work: What builds it; the seed is that of the first index.
  ///   - by: JSON of what made it; nil to leave it out.
  ///   - count: Gets the number of documents that were added since the last call.
  /// - Returns: Its number of documents.
  /// - Throws: 65 where an id occurs twice, 73 and 74 where it cannot be written.
  package func run(
    to target: String, _ work: IndexWork, by: String?, count: (Int) -> Void = { _ in }
  ) throws(Failure) -> Int {
    let first = folders[0].manifest
    var source = first.source
    source.description.shard = nil
    source.description.by = by
    let arguments = try IndexArguments(
      [], type, .build, recorded: first.parameters, folders[0].path)
    let work = IndexWork(work.kernels, work.pool, memory: work.memory, seed: first.seed)
    try type.check(source, arguments)
    let writer = try IndexWriter(target)
    var builder = try type.builder(writer, source, arguments, work)
    for folder in folders {
      for segment in folder.segments { try builder.append(contentsOf: segment) }
      count(folder.manifest.documents)
    }
    let content = try builder.finish()
    var manifest = IndexManifest(
      type: type.name, documents: 0, source: source, seed: first.seed, segments: [], files: [])
    manifest.parameters = first.parameters
    manifest.statistics = content.statistics
    manifest.codebook = content.codebook
    try writer.finish(manifest)
    return writer.documents
  }
}
