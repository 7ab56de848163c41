import Failures
import JSON
import Streams
import Tensors

/// What an index is: `manifest.json`, written last.
package struct IndexManifest: Sendable, Equatable {
  /// Version of the format that this release writes, and the only one that it reads.
  package static let format = 1
  package static let fileName = "manifest.json"

  package enum Kind: String, Sendable, CaseIterable {
    /// All vectors, compared one by one.
    case flat
    /// Postings of a learned sparse model, scored in full.
    case sparse
  }

  package struct File: Sendable, Equatable {
    package var name: String
    package var size: Int
    /// XXH3-64 of the whole file, 16 hexadecimal digits.
    package var checksum: String

    package init(name: String, size: Int, checksum: String) {
      self.name = name
      self.size = size
      self.checksum = checksum
    }
  }

  package var kind: Kind
  package var documents: Int
  package var dimension: Int
  package var element: ElementType
  /// What the documents' stream said of itself.
  package var stream: StreamDescription
  package var seed: UInt64
  package var files: [File]

  package init(
    kind: Kind, documents: Int, dimension: Int, element: ElementType, stream: StreamDescription,
    seed: UInt64, files: [File]
  ) {
    self.kind = kind
    self.documents = documents
    self.dimension = dimension
    self.element = element
    self.stream = stream
    self.seed = seed
    self.files = files
  }
}

extension IndexManifest {
  /// The manifest as JSON text.
  package var json: JSON {
    var members: [JSON.Member] = [
      JSON.Member("format", .integer(Self.format)), JSON.Member("type", .string(kind.rawValue)),
      JSON.Member("documents", .integer(documents)), JSON.Member("dim", .integer(dimension)),
      JSON.Member("element", .string(element.rawValue)), JSON.Member("seed", seedValue),
    ]
    let texts = [
      ("similarity", stream.similarity), ("model", stream.model), ("tokenizer", stream.tokenizer),
      ("precision", stream.precision), ("isa", stream.isa),
      ("max_length", stream.maxLength.map(String.init)), ("prompt", stream.prompt),
      ("shard", stream.shard), ("by", stream.by),
    ]
    for (key, value) in texts {
      guard let value else { continue }
      if key == "by", let list = try? JSONParser.parse(value) {
        members.append(JSON.Member(key, list))
      } else {
        members.append(JSON.Member(key, .string(value)))
      }
    }
    let list: [JSON] = files.map { file in
      .object([
        JSON.Member("name", .string(file.name)), JSON.Member("size", .integer(file.size)),
        JSON.Member("xxh3", .string(file.checksum)),
      ])
    }
    members.append(JSON.Member("files", .array(list)))
    members.append(JSON.Member("xxh3", .string(Self.checksum(members))))
    return .object(members)
  }

  /// Seeds that are too large for an integer here are strings.
  private var seedValue: JSON {
    Int(exactly: seed).map { .integer($0) } ?? .string(String(seed))
  }

  private static func seed(_ value: JSON?) -> UInt64? {
    value?.integer.flatMap { UInt64(exactly: $0) } ?? value?.string.flatMap { UInt64($0) }
  }

  /// XXH3-64 of the members in front of the checksum, as JSON with sorted keys and without space.
  private static func checksum(_ members: [JSON.Member]) -> String {
    Checksum.hex(Checksum.xxh3(Array(JSON.object(members).serialized(sortingKeys: true).utf8)))
  }

  /// Reads the manifest of an index folder.
  ///
  /// - Throws: 66 where there is no folder, 78 where it is no index or of another version, 65 where
  ///   the manifest is damaged.
  package init(folder: String) throws(Failure) {
    guard WholeFile.exists(folder) else {
      throw Failure(.noInput, at: folder, "no such index")
    }
    let path = "\(folder)/\(Self.fileName)"
    guard WholeFile.exists(path) else {
      throw .config(
        folder, "not an index: it has no \(Self.fileName)",
        hint: "a build that was stopped leaves none")
    }
    let json = try JSONFile.read(path)
    guard let format = json["format"]?.integer else { throw Self.damaged(path, "format") }
    guard format == Self.format else {
      throw .config(path, "the index has format \(format), this tool knows \(Self.format)")
    }
    let others = (json.members ?? []).filter { $0.key != "xxh3" }
    guard json["xxh3"]?.string == Self.checksum(others) else {
      throw .data(path, "damaged manifest: its checksum does not fit")
    }
    guard let kindName = json["type"]?.string else { throw Self.damaged(path, "type") }
    guard let kind = Kind(rawValue: kindName) else {
      throw .config(path, "index type \(kindName) is not supported")
    }
    guard let documents = json["documents"]?.integer, (0...Int(Int32.max)).contains(documents),
      let dimension = json["dim"]?.integer, (1...StreamLimits.maximumWidth).contains(dimension),
      let element = json["element"]?.string.flatMap(ElementType.init(rawValue:)),
      let seed = Self.seed(json["seed"])
    else { throw Self.damaged(path, "documents, dim, element or seed") }
    self.kind = kind
    self.documents = documents
    self.dimension = dimension
    self.element = element
    self.seed = seed
    var stream = StreamDescription(role: .doc)
    stream.similarity = json["similarity"]?.string
    stream.model = json["model"]?.string
    stream.tokenizer = json["tokenizer"]?.string
    stream.precision = json["precision"]?.string
    stream.isa = json["isa"]?.string
    stream.maxLength = json["max_length"]?.string.flatMap { Int($0) }
    stream.prompt = json["prompt"]?.string
    stream.shard = json["shard"]?.string
    stream.by = json["by"]?.serialized(sortingKeys: true)
    stream.dim = dimension
    self.stream = stream
    files = try Self.files(json, path)
  }

  private static func files(_ json: JSON, _ path: String) throws(Failure) -> [File] {
    var files: [File] = []
    for entry in json["files"]?.array ?? [] {
      guard let name = entry["name"]?.string, let size = entry["size"]?.integer,
        let checksum = entry["xxh3"]?.string, !name.contains("/"), !["", ".", ".."].contains(name),
        size >= 0
      else { throw damaged(path, "files") }
      files.append(File(name: name, size: size, checksum: checksum))
    }
    guard !files.isEmpty else { throw damaged(path, "files") }
    return files
  }

  private static func damaged(_ path: String, _ what: String) -> Failure {
    .data(path, "damaged manifest: \(what) missing, of the wrong kind or out of range")
  }
}
