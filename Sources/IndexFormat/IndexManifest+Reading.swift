import Failures
import JSON
import Streams
import Tensors

extension IndexManifest {
  /// Reads the manifest of an index folder.
  ///
  /// - Throws: 66 where there is no folder, 78 where it is no index or of a version that this
  ///   release does not read, 65 where the manifest is damaged.
  package init(folder: String) throws(Failure) {
    try self.init(try Self.bytes(folder: folder), "\(folder)/\(Self.fileName)")
  }

  /// The bytes of a folder's manifest.
  ///
  /// - Throws: 66 where there is no folder, 78 where it is no index.
  package static func bytes(folder: String) throws(Failure) -> [UInt8] {
    guard WholeFile.exists(folder) else {
      throw Failure(
        .noInput, at: folder, "no such index", hint: "lir-index build -o \(folder) makes one")
    }
    let path = "\(folder)/\(fileName)"
    guard WholeFile.exists(path) else {
      let sort = ContentSort(of: folder)
      switch sort {
      case .folder?, nil:
        throw .config(
          folder, "not an index: it has no \(fileName)",
          hint: "a build that was stopped leaves none")
      case .tensorStream?:
        throw .config(
          folder, "expected an index, found a tensor stream",
          hint: "lir-index build makes an index of it")
      case .some(let sort):
        throw .config(folder, "expected an index, found \(sort.rawValue)")
      }
    }
    return try WholeFile.read(path)
  }

  /// Parses a manifest; `path` is its name in messages.
  ///
  /// - Throws: 78 where it is of a version that this release does not read, 65 where it is damaged.
  package init(_ bytes: [UInt8], _ path: String) throws(Failure) {
    let json: JSON
    do throws(JSONError) {
      json = try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
        try JSONParser.parse(UnsafeRawBufferPointer(bytes))
      }
    } catch {
      throw .data(path, "expected JSON: \(error.description)")
    }
    guard let format = json["format"]?.integer else { throw Self.damaged(path, "format") }
    guard Self.readable.contains(format) else {
      throw .config(
        path,
        "the index has format \(format), this tool knows \(Self.readable.lowerBound) to "
          + "\(Self.readable.upperBound)")
    }
    let others = (json.members ?? []).filter { $0.key != "xxh3" }
    guard json["xxh3"]?.string == Self.checksum(others) else {
      throw .data(path, "damaged manifest: its checksum does not fit")
    }
    self = try format == 1 ? FormatOne.manifest(json, path) : Self.formatTwo(json, path)
  }

  private static func formatTwo(_ json: JSON, _ path: String) throws(Failure) -> IndexManifest {
    guard let type = json["type"]?.string else { throw damaged(path, "type") }
    guard let documents = json["documents"]?.integer, (0...Int(Int32.max)).contains(documents),
      let seed = seed(json["seed"])
    else { throw damaged(path, "documents or seed") }
    let description = try description(json, path)
    guard let contents = json["source"].flatMap({ IndexSource.contents($0, description.dim) })
    else { throw damaged(path, "source or dim") }
    guard let parameters = json["parameters"]?.members,
      let statistics = json["statistics"]?.members
    else { throw damaged(path, "parameters or statistics") }
    let files = try files(json, path)
    var manifest = IndexManifest(
      type: type, documents: documents, source: IndexSource(contents, description), seed: seed,
      segments: try segments(json, Set(files.map(\.name)), path), files: files)
    manifest.parameters = parameters
    manifest.statistics = statistics
    manifest.codebook = json["codebook"]?.string
    manifest.learnedBy = json["learned_by"]?.members ?? []
    guard manifest.segments.reduce(0, { $0 + $1.liveDocuments }) == documents else {
      throw damaged(path, "documents of segments")
    }
    return manifest
  }

  private static func segments(
    _ json: JSON, _ known: Set<String>, _ path: String
  ) throws(Failure) -> [Segment] {
    var segments: [Segment] = []
    for entry in json["segments"]?.array ?? [] {
      guard let documents = entry["documents"]?.integer,
        (0...Int(Int32.max)).contains(documents), let members = entry["files"]?.members
      else { throw damaged(path, "segments") }
      var files: [String: String] = [:]
      for member in members {
        guard let name = member.value.string, known.contains(name) else {
          throw damaged(path, "files of segments")
        }
        files[member.key] = name
      }
      var segment = Segment(documents: documents, files: files)
      if let statistics = entry["statistics"] {
        guard let members = statistics.members else {
          throw damaged(path, "statistics of segments")
        }
        segment.statistics = members
      }
      if let deleted = entry["deleted"] {
        guard let count = deleted["documents"]?.integer, count >= 1, count <= documents,
          let members = deleted["statistics"]?.members,
          files[DeletedDocuments.file.name] != nil
        else { throw damaged(path, "deleted documents") }
        segment.deleted = Deleted(documents: count, statistics: members)
      }
      segments.append(segment)
    }
    guard !segments.isEmpty else { throw damaged(path, "segments") }
    return segments
  }

  static func description(_ json: JSON, _ path: String) throws(Failure) -> StreamDescription {
    var stream = StreamDescription(role: .doc)
    stream.similarity = json["similarity"]?.string
    stream.aggregation = json["aggregation"]?.string
    stream.model = json["model"]?.string
    stream.tokenizer = json["tokenizer"]?.string
    stream.precision = json["precision"]?.string
    stream.isa = json["isa"]?.string
    stream.maxLength = json["max_length"]?.string.flatMap { Int($0) }
    stream.prompt = json["prompt"]?.string
    stream.shard = json["shard"]?.string
    stream.by = json["by"]?.serialized(sortingKeys: true)
    if let value = json["dim"] {
      guard let dimension = value.integer, (1...StreamLimits.maximumWidth).contains(dimension)
      else { throw damaged(path, "dim") }
      stream.dim = dimension
    }
    return stream
  }

  static func seed(_ value: JSON?) -> UInt64? {
    value?.integer.flatMap { UInt64(exactly: $0) } ?? value?.string.flatMap { UInt64($0) }
  }

  static func files(_ json: JSON, _ path: String) throws(Failure) -> [File] {
    var files: [File] = []
    for entry in json["files"]?.array ?? [] {
      guard let name = entry["name"]?.string, let size = entry["size"]?.integer,
        let checksum = entry["xxh3"]?.string, !name.contains("/"), !["", ".", ".."].contains(name),
        size >= 0
      else { throw damaged(path, "files") }
      var blocks: BlockSums?
      if let text = entry["blocks"] {
        guard let sums = text.string.flatMap({ BlockSums($0, size: size) }) else {
          throw damaged(path, "files")
        }
        blocks = sums
      }
      var elsewhere: Elsewhere?
      if let place = entry["elsewhere"] {
        guard let path = place["path"]?.string, !path.isEmpty,
          let content = place["content"]?.string
        else { throw damaged(path, "files") }
        elsewhere = Elsewhere(path: path, content: content)
      }
      files.append(
        File(name: name, size: size, checksum: checksum, blocks: blocks, elsewhere: elsewhere))
    }
    guard !files.isEmpty else { throw damaged(path, "files") }
    return files
  }

  static func damaged(_ path: String, _ what: String) -> Failure {
    .data(path, "damaged manifest: \(what) missing, of the wrong kind or out of range")
  }
}
