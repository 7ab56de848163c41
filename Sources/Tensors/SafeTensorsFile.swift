import Failures
import Streams

/// A `.safetensors` file, mapped: tensors by name without copying.
package final class SafeTensorsFile: Sendable {
  package let path: String
  package let header: SafeTensorsHeader
  private let file: MappedFile
  private let dataStart: Int
  private let index: [String: Int]

  /// - Throws: 66 where there is no file, 65 where it is not whole.
  package convenience init(_ path: String) throws(Failure) {
    try self.init(try MappedFile(path))
  }

  /// - Throws: 65 where the file is not whole.
  package init(_ mapped: MappedFile) throws(Failure) {
    path = mapped.path
    file = mapped
    let path = path
    let bytes = file.bytes
    guard bytes.count >= 8 else {
      throw .data(path, "expected a safetensors file, found \(bytes.count) bytes")
    }
    if let found = ForeignFormat.name(bytes) {
      throw .data(path, "expected a safetensors file, found \(found)")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= SafeTensorsHeader.maximumLength, Int(length) <= bytes.count - 8 else {
      throw .data(
        path, "expected a safetensors header, found a length of \(length) in \(bytes.count) bytes")
    }
    dataStart = 8 + Int(length)
    header = try SafeTensorsHeader(
      UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), place: path)
    guard bytes.count - dataStart == header.dataSize else {
      throw .data(
        path,
        "truncated: expected \(header.dataSize) bytes of data, "
          + "found \(bytes.count - dataStart)")
    }
    index = Dictionary(
      header.entries.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { $1 })
  }

  package func entry(_ name: String) -> SafeTensorsHeader.Entry? {
    index[name].map { header.entries[$0] }
  }

  /// The bytes of a tensor; they live as long as this file object.
  ///
  /// They may be unaligned.
  package func bytes(_ entry: SafeTensorsHeader.Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: file.bytes[dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound])
  }

  /// Everything in front of the data: the header and its length.
  package var headerBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[..<dataStart])
  }

  /// Shows the data piece by piece, without keeping it in memory.
  package func readThrough(_ body: (UnsafeRawBufferPointer) -> Void) {
    let piece = 1 << 22
    for start in stride(from: dataStart, to: file.bytes.count, by: piece) {
      let bytes = UnsafeRawBufferPointer(
        rebasing: file.bytes[start..<min(start + piece, file.bytes.count)])
      body(bytes)
      file.discard(bytes)
    }
  }

  /// Gives the memory of a tensor back until it is touched again.
  package func discard(_ entry: SafeTensorsHeader.Entry) { file.discard(bytes(entry)) }
}
