import Failures
import JSON
import Streams

/// A run that stands in the place of an output.
package struct FinishedRun {
  /// The queries, in the order of their lines.
  package let queries: [RecordID]
  /// The last column of all lines; nil where there are several, or no line.
  package let tag: String?
  /// JSON of what made it, which a compressed run says.
  package let by: String?
  package let isCompressed: Bool

  /// Reads a run through; nil where it is damaged, or no run.
  ///
  /// - Throws: 66 or 74 where it cannot be read.
  package static func read(_ path: String) throws(Failure) -> FinishedRun? {
    let input = try ByteReader(path, allowingEmpty: true)
    let lines = LineReader(input)
    var queries: [RecordID] = []
    var tag: [UInt8]?
    var isOne = true
    do throws(Failure) {
      while let block = try lines.next() {
        if block.bytes.last != Bytes.newline { return nil }
        try block.forEachLine { line, _, number throws(Failure) in
          let fields = LineFields(line)
          guard fields.count == 6 else {
            throw .line(path, number, expected: "6 fields", found: "\(fields.count)")
          }
          let query = RecordID(fields[0])
          if queries.last != query { queries.append(query) }
          if tag == nil { tag = Array(fields[5]) }
          if let tag, !fields[5].elementsEqual(tag) { isOne = false }
        }
      }
    } catch {
      guard error.status == .data || error.status == .config else { throw error }
      return nil
    }
    let trailers = input.trailers
    let by = trailers.count == 1 ? try? JSONParser.parse(trailers[0].json)["by"] : nil
    return FinishedRun(
      queries: queries, tag: isOne ? tag.map { String(decoding: $0, as: UTF8.self) } : nil,
      by: by?.serialized(sortingKeys: true), isCompressed: input.isCompressed)
  }
}
