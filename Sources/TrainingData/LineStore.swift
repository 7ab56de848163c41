import Failures
import Glibc
import Streams

/// The lines of a file of any size, in any order.
///
/// Only where every 64th line starts is kept in memory. A compressed file, or one that cannot be
/// read twice, is laid out in a scratch file first.
package final class LineStore {
  package let name: String
  /// Lines, blank ones included.
  package private(set) var count = 0
  private var size = 0
  private let file: ScratchText
  private var starts: [Int] = []

  private static let spacing = 64

  /// Finds the lines of a file; `check` sees them block by block.
  ///
  /// - Parameters:
  ///   - operand: The file; `-` for the standard input.
  ///   - folder: Where scratch files go.
  ///   - check: Called with every block of lines, in order.
  /// - Throws: 66 or 65 where the file cannot be read, 74 where scratch space is short.
  package init(
    _ operand: String, scratchFolder folder: String,
    check: (LineBlock) throws(Failure) -> Void = { (_: LineBlock) throws(Failure) in }
  ) throws(Failure) {
    name = operand
    let reader = try ByteReader(operand)
    _ = try reader.peek(1)
    let isPlain = operand != "-" && WholeFile.isRegular(operand) && !reader.isCompressed
    file = isPlain ? .file(try OpenFile(operand)) : .spool(try SpoolFile(folder: folder))
    let lines = LineReader(reader, blockSize: 1 << 20, refusesMarks: true)
    while let block = try lines.next() {
      // A byte order mark stands in the file, and not in the scratch file.
      if count == 0, isPlain { size = lines.markSize }
      if case .spool(let spool) = file {
        try block.bytes.withBytes { bytes throws(Failure) in try spool.append(bytes) }
      }
      note(block)
      try check(block)
    }
    if case .spool(let spool) = file { try spool.drain() }
  }

  private func note(_ block: LineBlock) {
    var start = size
    for byte in block.bytes.indices where byte == 0 || block.bytes[byte - 1] == 0x0A {
      start = size + byte
      if count % Self.spacing == 0 { starts.append(start) }
      count += 1
    }
    size += block.bytes.count
  }

  /// A line, without what ends it.
  package func line(_ index: Int) throws(Failure) -> [UInt8] {
    precondition(index >= 0 && index < count, "line \(index) of \(count)")
    let group = index / Self.spacing
    let end = group + 1 < starts.count ? starts[group + 1] : size
    let bytes = try file.read(starts[group]..<end)
    var start = 0
    for _ in 0..<index % Self.spacing {
      guard let newline = bytes[start...].firstIndex(of: 0x0A) else {
        throw .data(name, "the file was changed while it was in use")
      }
      start = newline + 1
    }
    var line = bytes[start...].prefix { $0 != 0x0A }
    if line.last == 0x0D { line.removeLast() }
    return Array(line)
  }
}

/// Bytes that can be read in any order.
enum ScratchText {
  case file(OpenFile)
  case spool(SpoolFile)

  func read(_ range: Range<Int>) throws(Failure) -> [UInt8] {
    switch self {
    case .file(let file): return try file.read(range)
    case .spool(let spool):
      var bytes: [UInt8] = []
      try spool.read(range) { piece throws(Failure) in bytes.append(contentsOf: piece) }
      return bytes
    }
  }
}

/// A plain file, open to be read in any order.
final class OpenFile {
  private let path: String
  private let descriptor: Int32

  init(_ path: String) throws(Failure) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.noInput, at: path, SystemError.text(errno)) }
  }

  deinit { close(descriptor) }

  func read(_ range: Range<Int>) throws(Failure) -> [UInt8] {
    try [UInt8](atMost: range.count) { memory throws(Failure) in
      var filled = 0
      while filled < range.count {
        let got = pread(
          descriptor, memory.baseAddress.map { $0 + filled }, range.count - filled,
          off_t(range.lowerBound + filled))
        if got < 0, errno == EINTR { continue }
        if got < 0 { throw SystemError.io(path, "read") }
        if got == 0 { throw .data(path, "the file was changed while it was in use") }
        filled += got
      }
      return filled
    }
  }
}
