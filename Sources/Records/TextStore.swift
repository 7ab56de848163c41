import Failures
import Streams

/// The texts of queries or documents by id; texts lie in a scratch file, ids alone in memory.
package final class TextStore {
  /// What they are called in messages: `query`, `document`.
  package let kind: String
  private let name: String
  private var ids = IDTable()
  /// Where each text ends in the scratch file; it starts where the one before ends.
  private var ends: [Int] = []
  /// Bytes of the title that each text begins with; 0 for none.
  private var titles: [Int32] = []
  /// Malformed records that were passed over where the options say so, and the first of them.
  package private(set) var skipped = 0
  package private(set) var firstSkipped: Failure?
  private let spool: SpoolFile

  /// Reads text records.
  ///
  /// - Parameters:
  ///   - kind: What they are called in messages.
  ///   - operands: The files.
  ///   - options: How they are read.
  ///   - folder: Where the scratch file goes.
  ///   - wanted: Whether the text of an id is kept.
  /// - Throws: 65 for a malformed record or an id that occurs twice.
  package init(
    _ kind: String, _ operands: [String], _ options: RecordOptions = RecordOptions(),
    scratchFolder folder: String, keeping wanted: (RecordID) -> Bool
  ) throws(Failure) {
    self.kind = kind
    name = operands.joined(separator: " ")
    spool = try SpoolFile(folder: folder)
    let reader = try TextRecordReader(operands, options: options, blockSize: 1 << 20)
    while let batch = try reader.next() {
      skipped += batch.skipped
      if firstSkipped == nil { firstSkipped = batch.firstSkipped }
      for index in 0..<batch.count {
        if !wanted(batch.id(index)) { continue }
        guard batch.withID(index, { ids.insert($0) }).inserted else {
          throw .data(batch.place(index), "id \(batch.idString(index)) occurs twice")
        }
        let text = batch.withText(index) { Array($0) }
        try spool.append(text[...])
        ends.append(spool.count)
        titles.append(Int32(clamping: batch.titleLength(index)))
      }
    }
    try spool.drain()
  }

  /// Reads text records, and keeps the texts of some ids, or of all.
  ///
  /// - Throws: 65 for a malformed record or an id that occurs twice.
  package convenience init(
    _ kind: String, _ operands: [String], _ options: RecordOptions = RecordOptions(),
    keeping wanted: IDTable? = nil, scratchFolder folder: String
  ) throws(Failure) {
    try self.init(kind, operands, options, scratchFolder: folder) { id in
      wanted.map { $0.find(id) != nil } ?? true
    }
  }

  /// Whether there is a text of an id.
  package func has(_ id: RecordID) -> Bool { ids.find(id) != nil }

  /// The text of an id; `place` is what names it.
  ///
  /// - Throws: 65 where there is none.
  package func text(_ id: RecordID, for place: String) throws(Failure) -> [UInt8] {
    guard let index = ids.find(id) else { throw missing(id, for: place) }
    var text: [UInt8] = []
    try spool.read((index == 0 ? 0 : ends[index - 1])..<ends[index]) { piece throws(Failure) in
      text.append(contentsOf: piece)
    }
    return text
  }

  /// The title of an id's record, with which its text begins; nil where there is none.
  package func title(_ id: RecordID, of text: [UInt8]) -> [UInt8]? {
    guard let index = ids.find(id), titles[index] > 0 else { return nil }
    return Array(text.prefix(Int(titles[index])))
  }

  /// The failure of an id without a text.
  package func missing(_ id: RecordID, for place: String) -> Failure {
    .data(place, "\(kind) \(id) is not in \(name)")
  }
}
