import Failures
import IndexFormat
import Retrieval

/// The types of indexes: one row each, in the order in which the usual one of some documents is
/// looked for.
package enum IndexTypes {
  package static let all: [any IndexType.Type] = [
    Flat.self, Sparse.self, BM25.self, MultiVector.self, Coil.self, Seismic.self, Graph.self,
    HNSW.self, IVF.self, PQ.self, IVFPQ.self,
    Plaid.self,
  ]

  /// The type of a name.
  ///
  /// - Throws: 64 for a name that is none, with the nearest that is one.
  package static func named(
    _ name: String, among types: [any IndexType.Type] = all
  ) throws(Failure) -> any IndexType.Type {
    if let type = types.first(where: { $0.name == name }) { return type }
    let names = types.map { $0.name }
    throw .usage(
      "--type: expected \(names.joined(separator: ", ")), found \(name)",
      hint: NearestName.find(name, in: names).map { "did you mean \($0)?" })
  }

  /// The type of an index.
  ///
  /// - Throws: 78 for a type that this release does not know.
  package static func of(
    _ manifest: IndexManifest, _ folder: String, among types: [any IndexType.Type] = all
  ) throws(Failure) -> any IndexType.Type {
    if let type = types.first(where: { $0.name == manifest.type }) {
      guard type.takes(manifest.source) else {
        throw .data(
          "\(folder)/\(IndexManifest.fileName)",
          "damaged manifest: \(type.name) takes \(type.takes.words), found another source")
      }
      return type
    }
    throw .config(
      "\(folder)/\(IndexManifest.fileName)", "index type \(manifest.type) is not supported",
      hint: "this release knows \(types.map { $0.name }.joined(separator: ", "))")
  }

  /// Whether a search with these parameters reads codes alone, and no vectors that they stand for.
  package static func ranksByCodes(_ given: [IndexArguments.Given]) -> Bool {
    given.contains { $0.name == Flat.approximate && $0.value == "true" }
  }

  /// Numbers that vectors are cut to in a search, those of queries too; nil where they are not.
  package static func dims(
    _ arguments: IndexArguments, of type: any IndexType.Type
  ) -> Int? {
    guard type.parameters(.search).contains(where: { $0.name == Flat.dims }) else { return nil }
    return arguments.text(Flat.dims).flatMap { Int($0) }
  }

  /// Opens an index for searching.
  ///
  /// - Parameters:
  ///   - folder: The index.
  ///   - given: Parameters of searching that were said.
  ///   - work: What searches.
  ///   - types: Those that there are.
  /// - Returns: The index, and the parameters in force.
  /// - Throws: 64 for parameters that its type does not have, 65 where its files do not fit the
  ///   manifest, 78 for what this release does not search.
  package static func open(
    _ folder: IndexFolder, _ given: [IndexArguments.Given], _ work: IndexWork,
    among types: [any IndexType.Type] = all
  ) throws(Failure) -> (index: any SearchableIndex, arguments: IndexArguments) {
    try open([folder], given, work, among: types)
  }

  /// Opens indexes that hold parts of one collection, as one.
  ///
  /// - Parameters:
  ///   - folders: The indexes, at least one.
  ///   - given: Parameters of searching that were said.
  ///   - work: What searches.
  ///   - types: Those that there are.
  /// - Returns: The index of all documents, and the parameters in force.
  /// - Throws: As opening one does; 78 where they do not go together, 65 where they hold more documents
  ///   than an index can.
  package static func open(
    _ folders: [IndexFolder], _ given: [IndexArguments.Given], _ work: IndexWork,
    among types: [any IndexType.Type] = all
  ) throws(Failure) -> (index: any SearchableIndex, arguments: IndexArguments) {
    let first = folders[0]
    let type = try of(first.manifest, first.path, among: types)
    for folder in folders.dropFirst() { _ = try IndexAgreement.check(first, folder) }
    let arguments = try IndexArguments(
      given, type, .search, recorded: first.manifest.parameters, first.path)
    let segments = folders.flatMap(\.segments)
    guard segments.reduce(0, { $0 + $1.documents }) <= Int(Int32.max) else {
      throw .data(
        folders.map(\.path).joined(separator: " "),
        "at most \(Int32.max) documents can be searched at once")
    }
    return (try type.open(segments, arguments, work), arguments)
  }
}
