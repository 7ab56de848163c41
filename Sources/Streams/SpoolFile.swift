import Failures
import Glibc

/// Scratch bytes that are written in order and then read in any: a file that has lost its name as
/// soon as it is open, so that nothing is left of it however the process ends.
package final class SpoolFile {
  private let path: String
  private let number: Int32
  private var buffer: [UInt8] = []
  /// Bytes so far.
  package private(set) var count = 0

  private static let pieceSize = 1 << 20

  /// A file at a path where there is none; it loses its name at once.
  ///
  /// - Throws: 73 where it cannot be made.
  package init(_ path: String) throws(Failure) {
    self.path = path
    let token = Signals.register(path)
    defer { Signals.forget(token) }
    number = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SystemError.cannotCreate(path) }
    unlink(path)
  }

  /// A file in a folder.
  ///
  /// - Throws: 73 where it cannot be made.
  package convenience init(folder: String) throws(Failure) {
    try self.init(TemporaryName.beside("\(folder)/lir"))
  }

  /// A copy of an input in a folder.
  ///
  /// - Parameters:
  ///   - folder: Where the file is made.
  ///   - operand: A file or pipe, read to its end; `-` is the standard input.
  /// - Throws: 66 where it cannot be read, 73 and 74 where the copy cannot be written.
  package convenience init(folder: String, copying operand: String) throws(Failure) {
    try self.init(folder: folder)
    let input = try Self.input(operand)
    while true {
      let piece = try [UInt8](atMost: Self.pieceSize) { memory throws(Failure) in
        try input.read(into: memory, name: operand)
      }
      if piece.isEmpty { break }
      try piece.withBytes { bytes throws(Failure) in try append(bytes) }
    }
    try drain()
  }

  private static func input(_ operand: String) throws(Failure) -> OwnedDescriptor {
    if operand != "-" { return try .open(reading: operand) }
    try StandardStreams.checkInput()
    return OwnedDescriptor(0, closes: false)
  }

  /// All bytes as an input that bears another name.
  ///
  /// - Parameters:
  ///   - name: The name.
  ///   - isDecompressed: Whether they are the input's decompressed bytes.
  /// - Returns: What reads them.
  /// - Throws: 66 where the system does not open a file anew that has no name.
  package func reader(_ name: String, isDecompressed: Bool = false) throws(Failure) -> ByteReader {
    ByteReader(
      try .open(reading: "/proc/self/fd/\(number)"), name: name, takingArrays: true,
      isDecompressed: isDecompressed)
  }

  deinit { close(number) }

  /// Appends bytes.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    buffer.append(contentsOf: bytes)
    count += bytes.count
    if buffer.count >= Self.pieceSize { try drain() }
  }

  /// Appends numbers.
  package func append<T: BitwiseCopyable>(_ values: ArraySlice<T>) throws(Failure) {
    try values.withUnsafeBufferPointer { values throws(Failure) in
      try append(UnsafeRawBufferPointer(values))
    }
  }

  /// Writes what is still in memory; needed before reading.
  package func drain() throws(Failure) {
    var done = 0
    while done < buffer.count {
      let written = buffer.withUnsafeBytes { bytes in
        write(number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw SystemError.io(path, "write")
      }
      done += written
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Calls `body` with the bytes of `range`, a piece at a time.
  package func read(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(buffer.isEmpty && range.upperBound <= count, "bytes that are not in the file")
    var start = range.lowerBound
    while start < range.upperBound {
      let piece = [UInt8](
        unsafeUninitializedCapacity: min(Self.pieceSize, range.upperBound - start)
      ) { target, filled in
        let size = min(Self.pieceSize, range.upperBound - start)
        filled = max(0, pread(number, target.baseAddress, size, off_t(start)))
      }
      guard !piece.isEmpty else {
        if errno == EINTR { continue }
        throw SystemError.io(path, "read")
      }
      try piece.withBytes(body)
      start += piece.count
    }
  }
}
