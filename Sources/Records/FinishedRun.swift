import Failures
import JSON
import Streams

/// A run that stands in the place of an output.
package struct FinishedRun {
  /// A query and the number of its documents.
  package struct Answer: Equatable, Sendable {
    package var query: RecordID
    package var documents: Int

    package init(query: RecordID, documents: Int) {
      self.query = query
      self.documents = documents
    }
  }

  /// The queries, in the order of their lines.
  package private(set) var answers: [Answer] = []
  /// The last column of all lines; nil where there are several, or no line.
  package private(set) var tag: String?
  /// JSON of what made it, which a compressed run says.
  package private(set) var by: String?
  package private(set) var isCompressed = false
  /// Whether a checksum says that it is what was written.
  package private(set) var isVerified = false

  /// Reads a run through; nil where it is damaged, or no run as `RunWriter` writes them: ranks count from
  /// 1, and no score is above the one before it.
  ///
  /// - Throws: 66 or 74 where it cannot be read.
  package static func read(_ path: String) throws(Failure) -> FinishedRun? {
    let input = try ByteReader(path, allowingEmpty: true)
    let lines = LineReader(input)
    var run = FinishedRun()
    var tag: [UInt8]?
    var isOne = true
    var score = Double.infinity
    do throws(Failure) {
      while let block = try lines.next() {
        if block.bytes.last != Bytes.newline { return nil }
        try block.forEachLine { line, _, number throws(Failure) in
          let fields = LineFields(line)
          guard fields.count == 6 else {
            throw .line(path, number, expected: "6 fields", found: "\(fields.count)")
          }
          let query = RecordID(fields[0])
          if run.answers.last?.query != query {
            run.answers.append(Answer(query: query, documents: 0))
            score = .infinity
          }
          let last = run.answers.count - 1
          run.answers[last].documents += 1
          guard NumberText.integer(fields[3]) == run.answers[last].documents,
            let now = NumberText.double(fields[4]), now <= score
          else {
            throw .line(
              path, number, expected: "the next rank, and a score that is not above the last one",
              found: "another")
          }
          score = now
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
    run.tag = isOne ? tag.map { String(decoding: $0, as: UTF8.self) } : nil
    run.by = by?.serialized(sortingKeys: true)
    run.isCompressed = input.isCompressed
    // What this tool writes as lz4 has a checksum in itself.
    run.isVerified = trailers.count == 1 || input.codec == .lz4
    return run
  }
}
