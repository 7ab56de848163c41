import Failures
import JSON
import Streams

/// A text that stands in the place of an output, and says what made it: one that is compressed as zstd.
package struct FinishedText {
  /// JSON of what made it; nil where it does not say so.
  package private(set) var by: String?
  /// The part of the input that it is, `i/n`; nil for all of it.
  package private(set) var shard: String?
  /// XXH3-128 of the ids of its lines, each with a line feed; nil where they were not asked for.
  package private(set) var idsDigest: String?

  /// Reads a text through; nil where it is damaged, or of several texts.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - digestsIDs: Whether the lines are JSON objects, whose ids are wanted.
  /// - Returns: What it says of itself.
  /// - Throws: 66 or 74 where it cannot be read.
  package static func read(_ path: String, digestsIDs: Bool = false) throws(Failure)
    -> FinishedText?
  {
    let input = try ByteReader(path, allowingEmpty: true)
    let lines = LineReader(input)
    let ids = RunningChecksum()
    do throws(Failure) {
      while let block = try lines.next() {
        guard digestsIDs else { continue }
        try block.forEachLine { line, _, number throws(Failure) in
          guard let id = (try? JSONParser.parse(Array(line)))?["id"]?.string else {
            throw .line(path, number, expected: "a JSON object with an id", found: "another line")
          }
          ids.update(Array(id.utf8) + [Bytes.newline])
        }
      }
    } catch {
      guard error.status == .data || error.status == .config else { throw error }
      return nil
    }
    var text = FinishedText()
    if digestsIDs { text.idsDigest = ids.longHex }
    guard input.trailers.count <= 1 else { return nil }
    guard let trailer = input.trailers.first, let json = try? JSONParser.parse(trailer.json) else {
      return text
    }
    text.by = json["by"]?.serialized(sortingKeys: true)
    text.shard = json["shard"]?.string
    return text
  }
}
