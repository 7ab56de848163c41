import Failures
import IndexFormat
import Indexes
import JSON
import Retrieval
import Tensors
import ToolSupport

/// The indexes of a search: those that go together are searched as one, several of those are fused.
struct SearchedIndexes {
  /// Indexes that are searched as one.
  struct Collection {
    let folders: [IndexFolder]
    let index: any SearchableIndex
    /// Parameters of searching in force.
    let arguments: IndexArguments

    /// What cuts the vectors of queries; nil where they are compared as they are.
    let cut: VectorCut?
    /// Numbers that they are cut to.
    let dims: Int?

    var source: IndexSource { folders[0].manifest.source }
    var type: String { folders[0].manifest.type }
    var path: String { folders[0].path }
  }

  let collections: [Collection]

  /// Opens indexes.
  ///
  /// - Parameters:
  ///   - paths: Their folders.
  ///   - learned: What makes scores of the first collection's vectors; nil for the index's own.
  ///   - first: An index of which another collection is made, whatever it goes with; nil for none.
  ///   - fuses: Whether several collections may be searched.
  ///   - preset: What parameters of searching are that were not said; nil for their defaults.
  ///   - given: Parameters of searching that were said.
  ///   - work: What searches.
  ///   - warn: Gets warnings.
  /// - Throws: As opening an index does; 78 for indexes that do not go together where none are fused, 64
  ///   for a parameter or a preset that none of the types has, 65 for a shard that is there twice.
  init(
    _ paths: [String], scoredBy learned: LearnedStage?, beside first: String? = nil, fuses: Bool,
    _ preset: SearchPreset?,
    _ given: [IndexArguments.Given],
    _ work: IndexWork,
    warn: (String) -> Void
  ) throws(Failure) {
    if let twice = paths.indices.first(where: { paths[..<$0].contains(paths[$0]) }), !fuses {
      throw .usage("--index \(paths[twice]) is there twice")
    }
    var groups: [[IndexFolder]] = []
    for path in paths {
      let folder = try IndexFolder(path, needsOriginals: !IndexTypes.ranksByCodes(given))
      let place = groups.firstIndex { Self.goTogether($0[0], folder) }
      if let place { groups[place].append(folder) } else { groups.append([folder]) }
      if groups.count > 1, !fuses {
        do throws(Failure) {
          _ = try IndexAgreement.check(groups[0][0], folder)
        } catch {
          throw Failure(
            error.status, at: error.place, error.message,
            hint: "--fuse rrf searches each, and fuses what they find")
        }
      }
    }
    // Indexes of one model that are to be fused are rankings of their own.
    if fuses, groups.count == 1 { groups = groups[0].map { [$0] } }
    if let first { groups.append([try IndexFolder(first)]) }
    try Self.check(given, groups)
    try Self.check(preset, groups)
    for group in groups where group.count > 1 {
      if let warning = try IndexAgreement.checkShards(group) { warn(warning) }
    }
    collections = try groups.enumerated().map { number, folders throws(Failure) in
      let own = groups.count == 1 ? given : try Self.own(given, folders[0])
      let type = try IndexTypes.of(folders[0].manifest, folders[0].path)
      let (opened, arguments) = try IndexTypes.open(folders, type.settings(preset, own), work)
      // A first stage finds documents by its own scores.
      let index = try number == 0 ? learned?.scored(opened, folders[0]) ?? opened : opened
      let dims = IndexTypes.dims(arguments, of: type)
      return Collection(
        folders: folders, index: index, arguments: arguments,
        cut: dims.map { VectorCut(to: $0, .f32, work.kernels) }, dims: dims)
    }
  }

  /// What is said of queries that are vectors: the numbers of their terms the index may say, which
  /// passes over those that no document has.
  ///
  /// - Throws: 64 for what makes no sense, 65 where the index's terms are damaged.
  func claims(_ options: VectorOptions) throws(Failure) -> VectorClaims {
    var claims = try options.claims()
    if collections.count == 1, claims.vocabulary == nil {
      claims.terms = try collections[0].folders[0].vocabulary()
      claims.skipsUnknownTerms = true
    }
    return claims
  }

  private static func goTogether(_ first: IndexFolder, _ other: IndexFolder) -> Bool {
    do throws(Failure) {
      _ = try IndexAgreement.check(first, other)
      return true
    } catch {
      return false
    }
  }

  /// The parameters that the type of an index has.
  private static func own(
    _ given: [IndexArguments.Given], _ folder: IndexFolder
  ) throws(Failure) -> [IndexArguments.Given] {
    let type = try IndexTypes.of(folder.manifest, folder.path)
    return given.filter { name, _ in
      type.parameters(.search).contains { $0.name == name || $0.aliases.contains(name) }
    }
  }

  private static func check(
    _ given: [IndexArguments.Given], _ groups: [[IndexFolder]]
  ) throws(Failure) {
    guard groups.count > 1 else { return }
    var known: Set<String> = []
    for group in groups { known.formUnion(try own(given, group[0]).map(\.name)) }
    if let stranger = given.first(where: { !known.contains($0.name) }) {
      throw .usage("--\(stranger.name): none of the indexes has it")
    }
  }

  /// - Throws: 64 for a preset where none of the types has any.
  private static func check(
    _ preset: SearchPreset?, _ groups: [[IndexFolder]]
  ) throws(Failure) {
    guard let preset else { return }
    let types = try groups.map { group throws(Failure) in
      try IndexTypes.of(group[0].manifest, group[0].path)
    }
    if types.allSatisfy({ $0.presets.isEmpty }) {
      throw .usage(
        "--preset \(preset.rawValue): \(types.map { $0.name }.joined(separator: ", ")) has none",
        hint: "presets are for types whose search is approximate")
    }
  }

  /// Names and digests of all indexes, for the record of what made a run.
  var inputs: [(String, String)] {
    let folders = collections.flatMap(\.folders)
    return folders.enumerated().map { number, folder in
      (folders.count == 1 ? "index" : "index\(number + 1)", folder.manifest.digest)
    }
  }

  /// Parameters of searching in force, of several types by their names.
  var parameters: [JSON.Member] {
    if collections.count == 1 { return collections[0].arguments.effective(.search) }
    var members: [JSON.Member] = []
    for collection in collections {
      for member in collection.arguments.effective(.search)
      where !members.contains(where: { $0.key == member.key }) {
        members.append(member)
      }
    }
    return members
  }

  /// What all searches say of themselves, of several collections with the number of each in front.
  var figures: [(name: String, value: String)] {
    if collections.count == 1 { return collections[0].index.figures }
    return collections.enumerated().flatMap { number, collection in
      collection.index.figures.map { ("index\(number + 1)_\($0.name)", $0.value) }
    }
  }
}
