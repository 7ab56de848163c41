import JSON
import Streams

/// What the lines of a run tell of options that its record leaves out: they say how it is written, not
/// what is in it.
struct MadeText {
  /// The last column of the first line of TREC's form; nil of other lines.
  private(set) var tag: String?
  /// Keys of the first line, where it is a JSON object; nil of other lines.
  private(set) var keys: Set<String>?
  /// Whether lines say where a query's documents end.
  private(set) var marksEnds = false
  /// The end of the bytes before, where a mark may have begun.
  private var rest: [UInt8] = []

  private static let mark = Array("\n# end ".utf8)

  init() {}

  /// - Parameter head: The first line.
  init(head: [UInt8]) {
    let line = String(decoding: head.prefix { $0 != 0x0A }, as: UTF8.self)
    if let members = (try? JSONParser.parse(line))?.members {
      keys = Set(members.map(\.key))
    } else {
      let columns = line.split { $0 == " " || $0 == "\t" }
      if columns.count == 6 { tag = String(columns[5]) }
    }
    // A query without documents has its mark alone.
    rest = [0x0A]
  }

  /// Looks at the next bytes.
  mutating func look(_ bytes: ArraySlice<UInt8>) {
    guard !marksEnds else { return }
    let all = rest + bytes
    let mark = Self.mark
    var start = 0
    while let place = all[start...].firstIndex(of: 0x0A) {
      if all[place...].starts(with: mark) {
        marksEnds = true
        return
      }
      start = place + 1
    }
    rest = Array(all.suffix(mark.count))
  }
}
