import Failures
import Glibc
import Streams

/// A safetensors file of one tensor that is written row by row, without knowing how many rows
/// there will be: the header goes into a space that was left for it.
package final class StreamedTensorFile {
  package let path: String
  private let name: String
  private let type: ElementType
  private let columns: Int?
  private let number: Int32
  private var isOpen = true
  private var buffer: [UInt8] = []
  private var written = 0
  /// Called with the number of bytes that were just written.
  package var noteWritten: ((Int) -> Void)?
  /// Digests what is written; nil where the header names no digest.
  private let digest: RunningChecksum?
  /// XXH3-128 of the numbers, which the header names; nil where it names none, or there is no header yet.
  package private(set) var content: String?

  /// What a header has the digest of the numbers under.
  package static let contentKey = "lir.content"

  /// Enough for one tensor's name, type, shape and offsets; a multiple of 64.
  private static let headerSpace = 512

  /// Makes the file.
  ///
  /// - Parameters:
  ///   - path: Where there is no file yet.
  ///   - name: The tensor's name.
  ///   - type: Its elements.
  ///   - columns: Width of a row; nil for a vector.
  ///   - namesContent: Whether the header names a digest of the numbers, by which the file is known
  ///     without being read through.
  /// - Throws: 73 where the file cannot be made.
  package init(
    _ path: String, name: String, type: ElementType, columns: Int?, namesContent: Bool = false
  ) throws(Failure) {
    digest = namesContent ? RunningChecksum() : nil
    self.path = path
    self.name = name
    self.type = type
    self.columns = columns
    number = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw SystemError.cannotCreate(path) }
    guard lseek(number, off_t(Self.headerSpace), SEEK_SET) >= 0 else {
      throw SystemError.io(path, "seek")
    }
  }

  deinit { if isOpen { close(number) } }

  package func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    digest?.update(bytes)
    buffer.append(contentsOf: bytes)
    written += bytes.count
    if buffer.count >= 1 << 20 { try drain() }
  }

  /// Appends numbers, in the order of bytes that this machine has.
  package func append<T: BitwiseCopyable>(numbers: [T]) throws(Failure) {
    try numbers.withUnsafeBufferPointer { numbers throws(Failure) in
      try append(UnsafeRawBufferPointer(numbers))
    }
  }

  /// Writes the header, syncs and closes, unless that was done.
  package func finish() throws(Failure) {
    if !isOpen { return }
    try drain()
    let rowSize = type.size * (columns ?? 1)
    precondition(written % rowSize == 0, "\(name): \(written) bytes in rows of \(rowSize)")
    let shape = [written / rowSize] + (columns.map { [$0] } ?? [])
    content = digest?.longHex
    let metadata =
      content.map { ["lir.format": "1", Self.contentKey: $0] } ?? ["lir.format": "1"]
    var header = SafeTensorsHeader.encode(metadata: metadata, tensors: [(name, type, shape)])
    precondition(header.count <= Self.headerSpace, "\(name): a header of \(header.count) bytes")
    header += [UInt8](repeating: 0x20, count: Self.headerSpace - header.count)
    withUnsafeBytes(of: UInt64(Self.headerSpace - 8).littleEndian) {
      header.replaceSubrange(0..<8, with: $0)
    }
    guard lseek(number, 0, SEEK_SET) == 0 else { throw SystemError.io(path, "seek") }
    try write(header)
    guard fsync(number) == 0 else { throw SystemError.io(path, "fsync") }
    isOpen = false
    guard close(number) == 0 else { throw SystemError.io(path, "close") }
  }

  private func drain() throws(Failure) {
    try write(buffer)
    noteWritten?(buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        Glibc.write(number, raw.baseAddress.map { $0 + done }, raw.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError.io(path, "write")
      }
      done += count
    }
  }
}
