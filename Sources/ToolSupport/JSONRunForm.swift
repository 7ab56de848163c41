import Failures
import JSON
import Records
import Streams

/// How a run of JSON lines is written, which records of what made it leave out.
package struct JSONRunForm: Equatable, Sendable {
  /// Whether lines say what scores are made of.
  package var explains = false
  /// Whether a comment says where the documents of a query end.
  package var marksEnds = false

  package init(explains: Bool = false, marksEnds: Bool = false) {
    self.explains = explains
    self.marksEnds = marksEnds
  }

  /// Reads a run through; nil where its lines are no JSON objects, or there is none.
  ///
  /// - Throws: 65 where it is damaged, 66 or 74 where it cannot be read.
  package static func read(_ path: String) throws(Failure) -> JSONRunForm? {
    let lines = LineReader(try ByteReader(path, allowingEmpty: true))
    var form: JSONRunForm?
    var marksEnds = false
    var isFirst = true
    while let block = try lines.next() {
      try block.forEachLine { line, _, _ throws(Failure) in
        if line.first == UInt8(ascii: "#") {
          marksEnds = true
        } else if isFirst {
          isFirst = false
          guard let members = (try? JSONParser.parse(Array(line)))?.members else { return }
          form = JSONRunForm(explains: members.contains { $0.key == "explanation" })
        }
      }
    }
    form?.marksEnds = marksEnds
    return form
  }
}
