import Failures

/// The texts of some ids, picked from text records of any size in one pass.
package struct TextTable: Sendable {
  /// The ids whose texts are wanted.
  package let ids: IDTable
  private var texts: [[UInt8]?]
  /// Where each text came from: the place of its file among `files`, and its line.
  private var places: [(file: Int32, line: Int)] = []
  private var files: [String] = []
  /// Malformed records that were passed over where the options say so, and the first of them.
  package private(set) var skipped = 0
  package private(set) var firstSkipped: Failure?

  /// A table without texts yet.
  package init(_ ids: IDTable) {
    self.ids = ids
    texts = Array(repeating: nil, count: ids.count)
  }

  /// The text of an id; nil if none was found.
  package subscript(id: RecordID) -> [UInt8]? {
    get { ids.find(id).flatMap { texts[$0] } }
    set { if let place = ids.find(id) { texts[place] = newValue } }
  }

  /// Number of ids without a text.
  package var missingCount: Int { texts.count { $0 == nil } }

  /// Keeps the texts of operands whose ids are wanted.
  ///
  /// - Throws: 65 for a malformed record, or an id that occurs twice.
  package mutating func read(
    _ operands: [String], _ options: RecordOptions
  ) throws(Failure) {
    let reader = try TextRecordReader(operands, options: options, blockSize: 1 << 20)
    var seen = [Bool](repeating: false, count: ids.count)
    if places.isEmpty { places = Array(repeating: (-1, 0), count: ids.count) }
    while let batch = try reader.next() {
      skipped += batch.skipped
      if firstSkipped == nil { firstSkipped = batch.firstSkipped }
      if files.last != batch.file { files.append(batch.file) }
      for index in 0..<batch.count {
        guard let place = batch.withID(index, { ids.find($0) }) else { continue }
        if seen[place] {
          throw .data(batch.place(index), "id \(batch.idString(index)) occurs twice")
        }
        seen[place] = true
        texts[place] = batch.withText(index) { Array($0) }
        places[place] = (Int32(files.count - 1), batch.line(index))
      }
    }
  }

  /// `file:line` of an id's text; nil where it came from no file.
  package func place(_ id: RecordID) -> String? {
    guard let index = ids.find(id), places.indices.contains(index), places[index].file >= 0 else {
      return nil
    }
    return "\(files[Int(places[index].file)]):\(places[index].line)"
  }
}
