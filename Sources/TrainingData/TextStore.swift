import Failures
import Records
import Streams

/// The texts of queries or documents by id; texts lie in a scratch file, ids alone in memory.
package final class TextStore {
  /// What they are called in messages: `query`, `document`.
  package let kind: String
  private let name: String
  private var ids = IDTable()
  /// Where each text ends in the scratch file; it starts where the one before ends.
  private var ends: [Int] = []
  private let spool: SpoolFile

  /// Reads text records.
  ///
  /// - Parameters:
  ///   - kind: What they are called in messages.
  ///   - operands: The files.
  ///   - options: How they are read.
  ///   - wanted: Ids whose texts are kept; nil for all.
  ///   - folder: Where the scratch file goes.
  /// - Throws: 65 for a malformed record or an id that occurs twice.
  package init(
    _ kind: String, _ operands: [String], _ options: RecordOptions = RecordOptions(),
    keeping wanted: IDTable? = nil, scratchFolder folder: String
  ) throws(Failure) {
    self.kind = kind
    name = operands.joined(separator: " ")
    spool = try SpoolFile(folder: folder)
    let reader = try TextRecordReader(operands, options: options, blockSize: 1 << 20)
    while let batch = try reader.next() {
      for index in 0..<batch.count {
        if let wanted, batch.withID(index, { wanted.find($0) }) == nil { continue }
        guard batch.withID(index, { ids.insert($0) }).inserted else {
          throw .data(batch.place(index), "id \(batch.idString(index)) occurs twice")
        }
        let text = batch.withText(index) { Array($0) }
        try spool.append(text[...])
        ends.append(spool.count)
      }
    }
    try spool.drain()
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

  /// The failure of an id without a text.
  package func missing(_ id: RecordID, for place: String) -> Failure {
    .data(place, "\(kind) \(id) is not in \(name)")
  }
}
