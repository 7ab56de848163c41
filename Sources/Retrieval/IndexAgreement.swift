import Failures
import IndexFormat
import JSON
import Tensors

/// What indexes must share to hold parts of one collection.
package enum IndexAgreement {
  /// Compares an index with the first one.
  ///
  /// - Returns: What was computed differently, for a warning.
  /// - Throws: 78 where they do not go together.
  package static func check(
    _ first: IndexFolder, _ other: IndexFolder
  ) throws(Failure) -> String? {
    let (a, b) = (first.manifest, other.manifest)
    let pairs =
      [("type", a.type, b.type)] + differences(a.source, b.source) + [
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
    return try difference(a.source, b.source, first.path, other.path)
  }

  /// Compares documents that are to be added with those of an index.
  ///
  /// - Returns: What was computed differently, for a warning.
  /// - Throws: 78 where they do not go together.
  package static func check(
    _ index: IndexFolder, _ source: IndexSource, _ place: String
  ) throws(Failure) -> String? {
    let own = index.manifest.source
    for (what, x, y) in differences(own, source) where x != y {
      throw .config(
        place, "the documents do not go with those of \(index.path): \(what) \(x) there, found \(y)"
      )
    }
    return try difference(own, source, index.path, place)
  }

  /// What documents of one index must have in common, by name.
  private static func differences(
    _ a: IndexSource, _ b: IndexSource
  ) -> [(what: String, String, String)] {
    let (x, y) = (a.description, b.description)
    func number(_ value: Int?) -> String { value.map(String.init) ?? "none" }
    return [
      ("kind", a.schema?.kind.rawValue ?? "texts", b.schema?.kind.rawValue ?? "texts"),
      ("dim", number(x.dim), number(y.dim)),
      ("element", a.element?.rawValue ?? "none", b.element?.rawValue ?? "none"),
      ("model", x.model ?? "none", y.model ?? "none"),
      (
        "tokenizer", x.tokenizer ?? y.tokenizer ?? "none", y.tokenizer ?? x.tokenizer ?? "none"
      ),
      ("similarity", x.similarity ?? "none", y.similarity ?? "none"),
      ("aggregation", x.aggregation ?? "sum,max", y.aggregation ?? "sum,max"),
      ("source", a.json.serialized(), b.json.serialized()),
    ]
  }

  /// Refuses shards that different instruction sets computed; text of what differs else, for a warning.
  private static func difference(
    _ a: IndexSource, _ b: IndexSource, _ first: String, _ second: String
  ) throws(Failure) -> String? {
    var instructions = InstructionAgreement()
    try instructions.follow(a.description, first)
    try instructions.follow(b.description, second)
    return a.description.difference(from: b.description).map { what, x, y in
      "\(second): \(what) \(x) of \(first) and \(y)"
    }
  }

  /// Compares the shards that indexes are of.
  ///
  /// - Returns: Which are missing, for a warning.
  /// - Throws: 65 where one is there twice, or of another division than others.
  package static func checkShards(_ folders: [IndexFolder]) throws(Failure) -> String? {
    var found: [Int: String] = [:]
    var count: Int?
    for folder in folders {
      let shard = folder.manifest.source.description.shard
      let parts = shard?.split(separator: "/").compactMap { Int($0) } ?? []
      guard parts.count == 2 else { continue }
      guard count == nil || count == parts[1] else {
        throw .data(
          folder.path, "expected a shard of \(count ?? 0), found \(parts[0])/\(parts[1])")
      }
      count = parts[1]
      if let other = found.updateValue(folder.path, forKey: parts[0]) {
        throw .data(folder.path, "shard \(parts[0])/\(parts[1]) is there already, in \(other)")
      }
    }
    guard let count else { return nil }
    let missing = (1...max(count, 1)).filter { found[$0] == nil }
    if missing.isEmpty { return nil }
    let names = missing.prefix(5).map { "\($0)/\(count)" }.joined(separator: ", ")
    return "shards are missing: \(names)\(missing.count > 5 ? ", …" : "")"
  }
}
