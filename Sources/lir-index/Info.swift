import ArgumentParser
import Failures
import IndexFormat
import Indexes
import JSON
import Retrieval
import Tensors
import ToolSupport

/// `lir-index info`: what an index is.
struct Info: ToolCommand {
  static let tool = "lir-index"

  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract:
      "Print what an index is as JSON: its manifest, deleted documents, bytes by part, skew.")

  static let isSilent = true

  @OptionGroup(title: "Common") var common: CommonOptions

  @Argument(help: ArgumentHelp("Index.", valueName: "dir"))
  var input: String

  func execute(_ context: ToolContext) throws {
    let manifest = try IndexManifest(folder: input)
    // As it stands there, whatever the version.
    var members = try JSONFile.read("\(input)/\(IndexManifest.fileName)").members ?? []
    members.append(JSON.Member("deleted", .integer(manifest.deletedDocuments)))
    members.append(JSON.Member("bytes", bytes(manifest)))
    if let originals = originals(manifest) {
      members.append(JSON.Member("originals", originals))
    }
    if let type = IndexTypes.all.first(where: { $0.name == manifest.type }) {
      let folder = try IndexFolder(input, needsOriginals: false)
      if let place = members.firstIndex(where: { $0.key == "statistics" }), !manifest.isCompact {
        members[place].value = .object(try type.statistics(of: folder.segments))
      }
      if let skew = ListLengths.figures(try type.lists(of: folder.segments)) {
        members.append(JSON.Member("skew", skew))
      }
    }
    try StandardOutput.write(JSON.object(members).indented() + "\n")
  }

  /// The file outside of the folder that has the vectors, and their bytes; nil where there is none.
  private func originals(_ manifest: IndexManifest) -> JSON? {
    guard let path = manifest.originals else { return nil }
    let bytes = manifest.files.reduce(0) { $0 + ($1.elsewhere == nil ? 0 : $1.size) }
    return .object([JSON.Member("file", .string(path)), JSON.Member("bytes", .integer(bytes))])
  }

  /// Bytes of the folder's files by what they are, and of all of them.
  private func bytes(_ manifest: IndexManifest) -> JSON {
    let own = manifest.files.filter { $0.elsewhere == nil }
    let sizes = Dictionary(own.map { ($0.name, $0.size) }) { first, _ in first }
    var parts: [String: Int] = [:]
    var seen: Set<String> = []
    for (part, name) in manifest.segments.flatMap(\.files) where seen.insert(name).inserted {
      if let size = sizes[name] { parts[part, default: 0] += size }
    }
    let all = parts.sorted { $0.key < $1.key } + [("total", parts.values.reduce(0, +))]
    return .object(all.map { JSON.Member($0.0, .integer($0.1)) })
  }
}
