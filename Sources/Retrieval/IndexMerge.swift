import Failures
import IndexFormat
import JSON
import Streams
import Tensors
import Vectors

/// Joins indexes of one form to one of a single segment, without their deleted documents.
package struct IndexMerge {
  private let type: any IndexType.Type
  private let folders: [IndexFolder]
  private var segments: [IndexSegment]
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
    segments = folders.flatMap(\.segments)
    var differences: [String] = []
    var shards = ShardSequence()
    for folder in folders {
      try type.verify(folder)
      try shards.follow(folder.manifest.source.description.shard, folder.path)
      if let difference = try IndexAgreement.check(folders[0], folder) {
        differences.append(difference)
      }
    }
    if let missing = shards.missing {
      throw .data(folders.map(\.path).joined(separator: " "), "\(missing) missing")
    }
    self.differences = differences
  }

  /// An index of which one of a single segment is to be made.
  ///
  /// - Throws: 65 where it is damaged.
  package init(compacting folder: IndexFolder, _ type: any IndexType.Type) throws(Failure) {
    folders = [folder]
    self.type = type
    segments = folder.segments
    differences = []
    try type.verify(folder)
  }

  /// Leaves documents out.
  ///
  /// - Parameter ids: What they are called.
  /// - Returns: Those of the ids that no index has.
  /// - Throws: 65 where the ids of an index are damaged.
  package mutating func leaveOut(_ ids: [[UInt8]]) throws(Failure) -> [[UInt8]] {
    var unknown = Set(ids)
    for (number, segment) in segments.enumerated() {
      let table = try DocumentTable(segment)
      var ordinals: [Int] = []
      for id in ids {
        guard let ordinal = table.ordinal(id) else { continue }
        ordinals.append(ordinal)
        unknown.remove(id)
      }
      if !ordinals.isEmpty { segments[number] = segment.without(ordinals) }
    }
    return ids.filter { unknown.remove($0) != nil }
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
  ///   - originals: What `--originals` is to be of it; nil for what it is of the indexes.
  ///   - work: What builds it; the seed is that of the first index.
  ///   - by: JSON of what made it; nil to leave it out.
  ///   - count: Gets the number of documents that were added since the last call.
  /// - Returns: Its number of documents.
  /// - Throws: 64 where nothing says in which file vectors are to lie, or there are none; 65 where an id
  ///   occurs twice, 73 and 74 where it cannot be written.
  package func run(
    to target: String, originals: String? = nil, _ work: IndexWork, by: String?,
    count: (Int) -> Void = { _ in }
  ) throws(Failure) -> Int {
    let (parameters, file) = try place(originals)
    return try run(
      into: IndexWriter(target, originals: file), work, shard: nil, by: by, parameters, count: count
    )
  }

  /// The parameters of the joined index, and the file for its vectors; nil for its folder.
  private func place(_ originals: String?) throws(Failure) -> ([JSON.Member], file: String?) {
    let first = folders[0].manifest
    let parameter = type.parameters(.build).first(where: \.isPlace)
    let own = parameter.flatMap { first.parameter($0.name) }
    guard let originals else {
      guard own != IndexParameter.file else {
        throw .usage(
          "the vectors of \(folders[0].path) lie in a file elsewhere: where are those of all to lie?",
          hint: "--originals FILE or --originals keep says it")
      }
      return (first.parameters, nil)
    }
    guard let parameter, own != "none", originals != "none", (own == "f16") == (originals == "f16")
    else {
      throw .usage(
        parameter == nil
          ? "--originals: \(type.name) has no --originals"
          : "--originals \(originals): what is stored is what the indexes have, "
            + "--originals \(own ?? "keep")")
    }
    let arguments = try IndexArguments(
      [(parameter.name, originals)], type, .build, recorded: first.parameters, folders[0].path)
    return (arguments.effective(.build), arguments.originals)
  }

  /// Writes the joined index in the place of the one that it is made of.
  ///
  /// - Parameters:
  ///   - edit: The change of that index.
  ///   - work: What builds it; the seed is that of the index.
  ///   - retrains: Whether a type that learns does so anew, from the documents that are left.
  ///   - by: JSON of what made it; nil to leave it out.
  ///   - count: Gets the number of documents that were added since the last call.
  /// - Returns: Its number of documents.
  /// - Throws: 64 for a type that learns nothing and is to do so anew, 73 and 74 where it cannot be
  ///   written, 75 where another process changed it meanwhile, 78 for an index that has no vectors to
  ///   learn from.
  package func run(
    in edit: IndexEdit, _ work: IndexWork, retrains: Bool = false, by: String?,
    count: (Int) -> Void = { _ in }
  ) throws(Failure) -> Int {
    try run(
      into: IndexWriter(in: edit.workspace), work, retrains: retrains,
      shard: edit.index.manifest.source.description.shard, by: by, count: count)
  }

  private func run(
    into writer: IndexWriter, _ work: IndexWork, retrains: Bool = false, shard: String?,
    by: String?, _ parameters: [JSON.Member]? = nil, count: (Int) -> Void
  ) throws(Failure) -> Int {
    let first = folders[0].manifest
    var source = first.source
    source.description.shard = shard
    source.description.by = by
    let parameters = parameters ?? first.parameters
    let arguments = try IndexArguments([], type, .build, recorded: parameters, folders[0].path)
    let work = IndexWork(work.kernels, work.pool, memory: work.memory, seed: first.seed)
    try type.check(source, arguments)
    try writer.keep(folders[0].vocabulary())
    var builder = try type.builder(writer, source, arguments, work)
    writer.release(segments)
    if retrains {
      try retrain(&builder, work)
    } else {
      try builder.adopt(from: segments[0])
    }
    for segment in segments {
      try builder.append(contentsOf: segment)
      count(segment.liveDocuments)
      segment.discard()
    }
    let content = try builder.finish()
    var manifest = IndexManifest(
      type: type.name, documents: 0, source: source, seed: first.seed, segments: [], files: [])
    manifest.parameters = parameters
    manifest.statistics = content.statistics
    manifest.codebook = content.codebook
    manifest.learnedBy =
      by == nil ? [] : retrains ? content.learnedBy(work.kernels) : first.learnedBy
    try writer.finish(manifest)
    return writer.documents
  }

  /// Has a builder learn from documents that are left, as it would of a stream.
  private func retrain(
    _ builder: inout any IndexBuilder, _ work: IndexWork
  ) throws(Failure) {
    guard builder.sampleSize != nil else {
      throw .usage("--retrain: \(type.name) learns nothing from documents")
    }
    let live = segments.reduce(0) { $0 + $1.liveDocuments }
    let chosen = IndexBuild.chosen(
      try builder.sampleSize(of: live), of: live, seed: work.seed)
    var sample: Embeddings?
    var (first, next) = (0, 0)
    for segment in segments {
      let arguments = try IndexArguments(
        [], type, .search, recorded: segment.manifest.parameters, segment.folder)
      let index = try type.vectors(of: segment, arguments, work)
      let ordinals = segment.liveRanges.flatMap { Array($0) }
      var wanted: [Int] = []
      while next < chosen.count, chosen[next] < first + ordinals.count {
        wanted.append(ordinals[chosen[next] - first])
        next += 1
      }
      first += ordinals.count
      let found = try index.vectors(of: wanted)
      sample = sample.map { $0.appending(found) } ?? found
    }
    if let sample { try builder.train(on: sample) }
  }
}

// MARK: What is there already

extension IndexMerge {
  /// Looks at what is in the place of the joined index, and reads it through where it may be the same.
  ///
  /// - Parameters:
  ///   - target: The folder of the joined index.
  ///   - originals: What `--originals` is to be of it.
  ///   - by: JSON of what makes it; nil where that tells no work from another.
  /// - Returns: What there is.
  /// - Throws: 64 where nothing says in which file vectors are to lie, 65 where the ids of an index are
  ///   damaged.
  package func standing(
    at target: String, originals: String?, by: String?
  ) throws(Failure) -> StandingIndex {
    guard WholeFile.exists("\(target)/\(IndexManifest.fileName)") else { return .nothing }
    guard let by else { return .other("it does not say what made it") }
    let (parameters, file) = try place(originals)
    let ids = try segments.map { segment throws(Failure) in
      let table = try DocumentTable(segment)
      return segment.liveRanges.flatMap { $0.map { table.id($0) } }
    }
    do throws(Failure) {
      let folder = try IndexFolder(target)
      let (manifest, first) = (folder.manifest, folders[0].manifest)
      guard manifest.isCompact else { return .other("documents were added or deleted") }
      var source = first.source.description
      (source.shard, source.by) = (nil, by)
      guard manifest.type == first.type, manifest.seed == first.seed,
        manifest.codebook == first.codebook, manifest.source.description == source,
        JSON.object(manifest.parameters).serialized(sortingKeys: true)
          == JSON.object(parameters).serialized(sortingKeys: true)
      else { return .other("it is of other indexes or parameters") }
      guard try manifest.hasOriginals(at: file, target) else {
        return .other("its vectors lie elsewhere")
      }
      try type.verify(folder)
      let tables = try folder.segments.map { segment throws(Failure) in try DocumentTable(segment) }
      guard tables.reduce(0, { $0 + $1.liveCount }) == ids.reduce(0, { $0 + $1.count }),
        ids.allSatisfy({ $0.allSatisfy { id in tables.contains { $0.ordinal(id) != nil } } })
      else { return .other("it has other documents") }
      return .same(documents: manifest.documents)
    } catch {
      return .other("it is not whole: \(error.message)")
    }
  }
}
