import Failures
import Streams

/// The checksum of a whole `.safetensors` file in its own metadata: XXH3-64 of its bytes, with zeros
/// in the checksum's place.
package enum SafeTensorsChecksum {
  private static let key = "lir.xxh3"
  private static let none = String(repeating: "0", count: 16)

  /// The header of a file.
  ///
  /// - Parameters:
  ///   - metadata: All else.
  ///   - tensors: Name, type and shape of each.
  ///   - pieces: Calls its argument with the bytes behind the header, in their order.
  /// - Returns: Its bytes, the checksum of the file among them.
  package static func header(
    _ metadata: [String: String], _ tensors: [(String, ElementType, [Int])],
    pieces: ((UnsafeRawBufferPointer) -> Void) -> Void
  ) -> [UInt8] {
    func encoded(_ checksum: String) -> [UInt8] {
      SafeTensorsHeader.encode(
        metadata: metadata.merging([key: checksum]) { $1 }, tensors: tensors)
    }
    let running = RunningChecksum()
    running.update(encoded(none))
    pieces { running.update($0) }
    return encoded(Checksum.hex(running.value))
  }

  /// Reads a file through.
  ///
  /// - Returns: Its checksum.
  /// - Throws: 65 where it is not the one that the file holds.
  package static func check(_ file: SafeTensorsFile) throws(Failure) -> String {
    let path = file.path
    let found = file.header.metadata(key) ?? "none"
    var header = Array(file.headerBytes)
    guard let place = header.firstRange(of: Array("\"\(key)\":\"\(found)\"".utf8)) else {
      throw .data(path, "expected \(key), found none")
    }
    guard found.utf8.count == none.utf8.count else {
      throw .data(path, "expected \(key) of 16 digits, found \(found)")
    }
    let end = place.upperBound - 1
    header.replaceSubrange(end - found.utf8.count..<end, with: none.utf8)
    let running = RunningChecksum()
    running.update(header)
    file.readThrough { running.update($0) }
    let computed = Checksum.hex(running.value)
    guard computed == found else {
      throw .data(path, "damaged: the checksum is \(computed), the file says \(found)")
    }
    return found
  }
}
