import Failures
import Streams

/// Ids of documents in a file, one a line.
package enum DocumentIDList {
  /// Reads a file, or the standard input.
  ///
  /// - Returns: The ids in their order, each once.
  /// - Throws: 65 for a line that is no id, and what reading throws.
  package static func read(_ path: String) throws(Failure) -> [[UInt8]] {
    var ids: [[UInt8]] = []
    var seen: Set<[UInt8]> = []
    try FilterLines.read(path) { query, doc throws(Failure) in
      guard query == nil else {
        throw .data(path, "expected a document id a line, found a query and an id")
      }
      if seen.insert(doc).inserted { ids.append(doc) }
    }
    return ids
  }

  /// The first of some ids, for a message.
  package static func words(_ ids: [[UInt8]]) -> String {
    let named = ids.prefix(5).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
    return ids.count > 5 ? "\(named), …" : named
  }
}
