import Records
import Streams

/// What two tuples may share, as numbers: 64 bits of a text or an id tell them apart in any collection.
enum TupleKeys {
  /// Keys of a tuple as it is written: of every text that it has, of a query or of a document, and of
  /// every id.
  static func keys(of tuple: WrittenTuple) -> [UInt64] {
    var keys: [UInt64] = []
    if let text = tuple.query { keys.append(Checksum.xxh3(text)) }
    if let id = tuple.queryID { keys.append(key(query: id)) }
    for document in tuple.documents {
      if let text = document.text { keys.append(Checksum.xxh3(text)) }
      if let id = document.id { keys.append(key(document: id)) }
    }
    return keys
  }

  // No text holds the byte 0, so that no text is taken for an id, nor a query's id for a document's.

  static func key(query id: RecordID) -> UInt64 { Checksum.xxh3([0, 0] + id.bytes) }

  static func key(document id: RecordID) -> UInt64 { Checksum.xxh3([0, 1] + id.bytes) }
}

/// Keys of many tuples, one behind the other.
struct TupleKeyList: Sendable {
  private var keys: [UInt64] = []
  private var ends: [Int] = []

  mutating func append(_ keys: [UInt64]) {
    self.keys += keys
    ends.append(self.keys.count)
  }

  subscript(index: Int) -> [UInt64] {
    Array(keys[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
  }
}
