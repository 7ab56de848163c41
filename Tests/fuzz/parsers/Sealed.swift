import JSON
import Streams
import Tensors

/// Inputs under right checksums: what stands behind a checksum is only reached like this.
enum Sealed {
  /// A manifest with the checksum of its members.
  static func manifest(_ bytes: [UInt8]) -> [UInt8] {
    guard let members = (try? JSONParser.parse(bytes))?.members else { return bytes }
    let others = members.filter { $0.key != "xxh3" }
    let text = JSON.object(others).serialized(sortingKeys: true)
    let sum = JSON.Member("xxh3", .string(Checksum.hex(Checksum.xxh3(Array(text.utf8)))))
    return Array(JSON.object(others + [sum]).serialized(sortingKeys: true).utf8)
  }

  /// A tensor stream each of whose segments has its own checksum, and the last one that of all.
  static func stream(_ bytes: [UInt8]) -> [UInt8] {
    var (stream, start, sums) = (bytes, 0, [UInt8]())
    while start + 8 <= stream.count {
      let length = stream[start..<start + 8].reversed().reduce(0) { $0 &<< 8 | Int($1) }
      guard length >= 2, length <= stream.count - start - 8 else { break }
      let text = start + 8..<start + 8 + length
      guard
        let header = try? Array(stream[text]).withUnsafeBytes({
          try SafeTensorsHeader($0, place: "")
        }),
        header.dataSize <= stream.count - text.upperBound,
        let place = value("lir.xxh3", in: stream, text)
      else { break }
      if let chain = value("lir.chain", in: stream, text) {
        stream.replaceSubrange(chain, with: Checksum.hex(Checksum.xxh3(sums)).utf8)
      }
      stream.replaceSubrange(place, with: [UInt8](repeating: UInt8(ascii: "0"), count: 16))
      let running = RunningChecksum()
      running.update(Array(stream[text.lowerBound..<text.upperBound + header.dataSize]))
      stream.replaceSubrange(place, with: Checksum.hex(running.value).utf8)
      sums += stream[place]
      start = text.upperBound + header.dataSize
    }
    return stream
  }

  /// Where the sixteen digits of a value of a header are.
  private static func value(_ key: String, in bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
    let wanted = Array("\"\(key)\":\"".utf8)
    var place = range.lowerBound
    while place + wanted.count + 16 <= range.upperBound {
      if bytes[place..<place + wanted.count].elementsEqual(wanted) {
        return place + wanted.count..<place + wanted.count + 16
      }
      place += 1
    }
    return nil
  }

  /// A file of PyTorch with a pickle, and one storage of 32 bytes.
  static func archive(_ pickle: [UInt8]) -> [UInt8] {
    var (locals, directory) = ([UInt8](), [UInt8]())
    for (name, content) in [
      ("a/data.pkl", pickle), ("a/data/0", [UInt8](repeating: 7, count: 32)),
    ] {
      let sum = content.withUnsafeBytes { Checksum.crc32($0) }
      let size = little(content.count, 4)
      let shared =
        [20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + little(Int(sum), 4) + size + size
        + little(name.utf8.count, 2)
        + [0, 0]
      directory +=
        [0x50, 0x4B, 1, 2, 20, 0] + shared + [UInt8](repeating: 0, count: 10)
        + little(locals.count, 4)
        + Array(name.utf8)
      locals += [0x50, 0x4B, 3, 4] + shared + Array(name.utf8) + content
    }
    return locals + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 2, 0, 2, 0]
      + little(directory.count, 4)
      + little(locals.count, 4) + [0, 0]
  }

  private static func little(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
