import Failures
import JSON
import Streams
import Tensors

/// What an index is: `manifest.json`, written last.
///
/// The format knows no types: a type's name, parameters and statistics are carried as they are.
package struct IndexManifest: Sendable {
  /// Version of the format that this release writes.
  package static let format = 2
  /// Versions that it reads.
  package static let readable = 1...2
  package static let fileName = "manifest.json"

  package struct File: Sendable, Equatable {
    /// Name in the index's folder.
    package var name: String
    package var size: Int
    /// XXH3-64 of the whole file, 16 hexadecimal digits.
    package var checksum: String
    /// Checksums of its blocks, which a reader of some of them compares; nil for a file of several of
    /// which an earlier release wrote none: `verify` alone compares it.
    package var blocks: BlockSums?
    /// Where the file lies, if not in the folder.
    package var elsewhere: Elsewhere?

    package init(
      name: String, size: Int, checksum: String, blocks: BlockSums? = nil,
      elsewhere: Elsewhere? = nil
    ) {
      self.name = name
      self.size = size
      self.checksum = checksum
      self.blocks =
        blocks ?? (BlockSums.isOne(size) ? BlockSums(whole: checksum, size: size) : nil)
      self.elsewhere = elsewhere
    }
  }

  /// Where a file lies that is not in the folder of its index.
  package struct Elsewhere: Sendable, Equatable {
    /// From the folder of the index on, or from the root.
    package var path: String
    /// XXH3-128 of the numbers, which the header of the file names, too.
    package var content: String

    package init(path: String, content: String) {
      self.path = path
      self.content = content
    }
  }

  /// Documents that were added together; its files never change, but for those that say which of the
  /// documents are deleted.
  package struct Segment: Sendable {
    /// Number of documents, deleted ones among them.
    package var documents: Int
    /// Names in the folder by what the files are, such as `documents.ranks`.
    package var files: [String: String]
    /// Numbers of the segment; nil where it is the only one, whose numbers are the manifest's.
    package var statistics: [JSON.Member]?
    /// Nil where none of the documents is deleted.
    package var deleted: Deleted?

    package init(
      documents: Int, files: [String: String], statistics: [JSON.Member]? = nil,
      deleted: Deleted? = nil
    ) {
      self.documents = documents
      self.files = files
      self.statistics = statistics
      self.deleted = deleted
    }

    /// Documents that are not deleted.
    package var liveDocuments: Int { documents - (deleted?.documents ?? 0) }
  }

  /// Documents of a segment that are no longer there; which they are says the segment's file
  /// `deleted`.
  package struct Deleted: Sendable {
    package var documents: Int
    /// Numbers of them, which those of the segment contain.
    package var statistics: [JSON.Member]

    package init(documents: Int, statistics: [JSON.Member] = []) {
      self.documents = documents
      self.statistics = statistics
    }
  }

  /// Version that the manifest was read from; it is written in the newest.
  package var format = Self.format
  /// Name of the index's type.
  package var type: String
  /// Documents of all segments that are not deleted.
  package var documents: Int
  package var source: IndexSource
  package var seed: UInt64
  /// Parameters of the type that were in force when the index was built.
  package var parameters: [JSON.Member] = []
  /// Numbers of the whole collection that searching needs, or that tell of it; none where segments
  /// have their own.
  package var statistics: [JSON.Member] = []
  /// Digest of what was trained, which indexes that are merged must share; nil for nothing.
  package var codebook: String?
  /// What computed it: the instruction set of the kernels, and the library of linear algebra if one was
  /// used; nothing where nobody says it.
  package var learnedBy: [JSON.Member] = []
  package var segments: [Segment]
  /// Every file of the folder but the manifest.
  package var files: [File]

  package init(
    type: String, documents: Int, source: IndexSource, seed: UInt64, segments: [Segment],
    files: [File]
  ) {
    self.type = type
    self.documents = documents
    self.source = source
    self.seed = seed
    self.segments = segments
    self.files = files
  }
}

extension IndexManifest {
  /// Whether the index is as a build would write it: of this format, in one segment, and nothing of it
  /// is deleted.
  package var isCompact: Bool {
    format == Self.format && segments.count == 1 && segments[0].deleted == nil
  }

  /// Documents of all segments that are deleted.
  package var deletedDocuments: Int { segments.reduce(0) { $0 + ($1.deleted?.documents ?? 0) } }

  /// Where vectors lie that are not in the folder, as it was said to be; nil where all files are there.
  package var originals: String? { files.lazy.compactMap(\.elsewhere?.path).first }

  /// The text of a parameter of building; nil where there is none.
  package func parameter(_ name: String) -> String? {
    guard let value = parameters.first(where: { $0.key == name })?.value else { return nil }
    return value.string ?? value.integer.map { String($0) }
  }
}

// MARK: Writing

extension IndexManifest {
  /// The manifest as JSON text.
  package var json: JSON {
    var members = [
      JSON.Member("format", .integer(Self.format)), JSON.Member("type", .string(type)),
      JSON.Member("documents", .integer(documents)),
    ]
    if let dimension = source.dimension { members.append(JSON.Member("dim", .integer(dimension))) }
    if let element = source.element {
      members.append(JSON.Member("element", .string(element.rawValue)))
    }
    members.append(JSON.Member("seed", Self.json(seed: seed)))
    members += Self.members(of: source.description)
    members.append(JSON.Member("source", source.json))
    members.append(JSON.Member("parameters", .object(parameters)))
    members.append(JSON.Member("statistics", .object(statistics)))
    if let codebook { members.append(JSON.Member("codebook", .string(codebook))) }
    if !learnedBy.isEmpty { members.append(JSON.Member("learned_by", .object(learnedBy))) }
    members.append(JSON.Member("segments", .array(segments.map(\.json))))
    members.append(JSON.Member("files", .array(files.map(\.json))))
    members.append(JSON.Member("xxh3", .string(Self.checksum(members))))
    return .object(members)
  }

  /// Seeds that are too large for an integer here are strings.
  static func json(seed: UInt64) -> JSON {
    Int(exactly: seed).map { .integer($0) } ?? .string(String(seed))
  }

  /// What the documents' stream said of itself.
  static func members(of stream: StreamDescription) -> [JSON.Member] {
    let texts = [
      ("similarity", stream.similarity), ("aggregation", stream.aggregation),
      ("model", stream.model), ("tokenizer", stream.tokenizer),
      ("precision", stream.precision), ("isa", stream.isa),
      ("max_length", stream.maxLength.map(String.init)), ("prompt", stream.prompt),
      ("shard", stream.shard), ("by", stream.by),
    ]
    var members: [JSON.Member] = []
    for (key, value) in texts {
      guard let value else { continue }
      if key == "by", let list = try? JSONParser.parse(value) {
        members.append(JSON.Member(key, list))
      } else {
        members.append(JSON.Member(key, .string(value)))
      }
    }
    return members
  }

  /// XXH3-64 of the members in front of the checksum, as JSON with sorted keys and without space.
  static func checksum(_ members: [JSON.Member]) -> String {
    Checksum.hex(Checksum.xxh3(Array(JSON.object(members).serialized(sortingKeys: true).utf8)))
  }
}

extension IndexManifest.File {
  var json: JSON {
    var members = [
      JSON.Member("name", .string(name)), JSON.Member("size", .integer(size)),
      JSON.Member("xxh3", .string(checksum)),
    ]
    if let text = blocks?.text { members.append(JSON.Member("blocks", .string(text))) }
    if let elsewhere {
      members.append(
        JSON.Member(
          "elsewhere",
          .object([
            JSON.Member("path", .string(elsewhere.path)),
            JSON.Member("content", .string(elsewhere.content)),
          ])))
    }
    return .object(members)
  }
}

extension IndexManifest.Segment {
  fileprivate var json: JSON {
    var members = [
      JSON.Member("documents", .integer(documents)),
      JSON.Member(
        "files",
        .object(files.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })),
    ]
    if let statistics { members.append(JSON.Member("statistics", .object(statistics))) }
    if let deleted {
      members.append(
        JSON.Member(
          "deleted",
          .object([
            JSON.Member("documents", .integer(deleted.documents)),
            JSON.Member("statistics", .object(deleted.statistics)),
          ])))
    }
    return .object(members)
  }
}
