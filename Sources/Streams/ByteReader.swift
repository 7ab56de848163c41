import Failures
import Glibc

/// The decompressed bytes of an input: a file, or `-` for the standard input.
///
/// The codec is found by magic, whatever the name. Frames concatenate; skippable frames are looked
/// past, but for this project's own text trailer (`TextTrailer`), which is checked. A stream that
/// is cut inside a frame, not one byte of input (`EmptyInputs`), and an expansion beyond all that real
/// data has are errors (65).
package final class ByteReader {
  package let name: String
  private let input: RawInput
  private var decoder: (any Decoder)?
  /// How the bytes are compressed; nil until the first of them were read.
  package private(set) var codec: Codec?
  private var insideFrame = false
  private let allowsEmpty: Bool
  private let takesArrays: Bool
  /// Bytes that were decompressed.
  private var expanded = 0
  /// Bytes that were looked at and not yet taken.
  private var peeked: [UInt8] = []
  /// Gets the decompressed bytes, too, as they are read.
  package var copy: SpoolFile?
  /// XXH3 of the text since the last trailer; only zstd streams can have one.
  private let textChecksum = RunningChecksum()
  /// The trailers that were met, oldest first.
  package private(set) var trailers: [TextTrailer] = []
  /// Where they ended: bytes of the compressed input.
  package private(set) var trailerBoundaries: [Int] = []
  /// Where whole frames ended: bytes of the compressed input.
  package private(set) var frameBoundaries: [Int] = []

  /// Bytes that decompression may give, whatever the input's size, and for each byte of the input: real
  /// data stays far below, and a small file cannot fill the memory.
  package static let freeExpansion = 1 << 27
  package static let expansionRatio = 256

  /// - Parameters:
  ///   - operand: A file; `-` is the standard input.
  ///   - allowingEmpty: Whether there may be not one byte.
  ///   - takingArrays: Whether files of NumPy and PyTorch are read, too.
  /// - Throws: 66 where it cannot be read.
  package convenience init(
    _ operand: String, allowingEmpty: Bool = EmptyInputs.areAllowed, takingArrays: Bool = false
  ) throws(Failure) {
    if operand == "-" {
      try StandardStreams.checkInput()
      self.init(
        OwnedDescriptor(0, closes: false), name: "-", allowingEmpty: allowingEmpty,
        takingArrays: takingArrays)
    } else {
      self.init(
        try .open(reading: operand), name: operand, allowingEmpty: allowingEmpty,
        takingArrays: takingArrays)
    }
  }

  package init(
    _ descriptor: consuming OwnedDescriptor, name: String,
    allowingEmpty: Bool = EmptyInputs.areAllowed, takingArrays: Bool = false,
    isDecompressed: Bool = false
  ) {
    self.name = name
    if isDecompressed { codec = .raw }
    self.takesArrays = takingArrays
    allowsEmpty = allowingEmpty
    size = descriptor.regularSize
    input = RawInput(descriptor, name: name)
  }

  /// Whether the bytes are compressed, once the first of them were read.
  package var isCompressed: Bool { codec != nil && codec != .raw }

  /// Bytes of the (compressed) input consumed so far, for progress.
  package var consumed: Int { input.offset }

  /// Bytes of the (compressed) input in all; 0 if it is no regular file.
  package let size: Int

  /// Looks at the next bytes without taking them: `count` of them, or as many as there are.
  package func peek(_ count: Int) throws(Failure) -> [UInt8] {
    while peeked.count < count {
      var bytes = [UInt8](repeating: 0, count: count - peeked.count)
      var read = 0
      try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
        read = try readAhead(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if read == 0 { break }
      peeked += bytes[..<read]
    }
    return Array(peeked.prefix(count))
  }

  /// Looks at the next line without taking it, with the newline where it has one: of a longer one
  /// `limit` bytes or some more.
  ///
  /// What somebody types into a pipe is not waited for behind the end of its line.
  package func peekLine(limit: Int) throws(Failure) -> [UInt8] {
    var searched = 0
    while true {
      if let end = peeked[searched...].firstIndex(of: 0x0A) { return Array(peeked[...end]) }
      searched = peeked.count
      if searched >= limit { return peeked }
      let piece = try [UInt8](atMost: 1 << 16) { memory throws(Failure) in
        try readAhead(into: memory)
      }
      if piece.isEmpty { return peeked }
      peeked += piece
    }
  }

  /// Passes over a byte order mark at the beginning of a text; how many bytes it had.
  ///
  /// - Throws: 65 where nothing follows it, as for an input without a byte.
  package func passByteOrderMark() throws(Failure) -> Int {
    guard try peek(1).first == ByteOrderMark.bytes[0], try peek(3) == ByteOrderMark.bytes else {
      return 0
    }
    let more = try peek(4)
    guard more.count > 3 || allowsEmpty else {
      throw .data(
        name, "expected data, found a byte order mark alone",
        hint: "--allow-empty takes it for an input of no records")
    }
    peeked.removeFirst(3)
    return 3
  }

  /// Reads up to `buffer.count` decompressed bytes; 0 only at the end.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if peeked.isEmpty { return try readAhead(into: buffer) }
    let count = min(buffer.count, peeked.count)
    peeked.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count]))
    }
    peeked.removeFirst(count)
    return count
  }

  private func readAhead(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = try readOn(into: buffer)
    try copy?.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    return count
  }

  private func readOn(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if buffer.isEmpty { return 0 }
    while true {
      if !insideFrame, codec != .raw {
        guard try startFrame() else { return 0 }
      }
      guard codec != .raw, let decoder else { return try input.read(into: buffer) }
      let available = try input.fill()
      let (written, ended) = try decoder.decode(input, into: buffer)
      if codec == .zstd {
        textChecksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<written]))
      }
      if ended {
        insideFrame = false
        frameBoundaries.append(input.offset)
      }
      try checkExpansion(written)
      if written > 0 { return written }
      if !ended, !available {
        throw .data(name, "truncated: the file ends inside a compressed frame")
      }
    }
  }

  /// Notes what was decompressed.
  private func checkExpansion(_ written: Int) throws(Failure) {
    expanded += written
    guard expanded > max(Self.freeExpansion, input.offset * Self.expansionRatio) else { return }
    throw .data(
      name,
      "expected at most \(Self.expansionRatio) bytes from each compressed byte, found \(expanded) "
        + "from \(input.offset)",
      hint: "decompress it before, if it is to be read: uncompressed data has no such limit")
  }

  /// Fills `buffer` unless the input ends before; says how many bytes it read.
  package func readFully(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = try read(into: rest)
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// Finds the frame that comes next; false at the end of the input.
  private func startFrame() throws(Failure) -> Bool {
    while true {
      // A pipe that somebody types into may have no more than a short line for now.
      while Codec.mayBeMagic(input.window), try input.ensure(input.window.count + 1) {}
      let head = input.window
      if head.isEmpty {
        if codec == nil { try startEmpty() }
        return false
      }
      if codec == .xz, try skipPadding() { continue }
      guard let next = Codec.detect(head) else {
        try skipFrame()
        continue
      }
      if next == .raw { try refuseOthers(head) }
      if let codec, codec != next {
        throw .data(name, "expected another \(codec) frame at byte \(input.offset), found \(next)")
      }
      if decoder == nil { decoder = try Self.decoder(next, name) }
      codec = next
      insideFrame = next != .raw
      return true
    }
  }

  private static func decoder(_ codec: Codec, _ name: String) throws(Failure) -> (any Decoder)? {
    switch codec {
    case .raw: nil
    case .zstd: ZstdDecoder()
    case .lz4: Lz4Decoder()
    case .gzip: GzipDecoder()
    case .bzip2: try Bzip2Decoder(name)
    case .xz: try XZDecoder(name)
    }
  }

  /// Takes an input that ends where it begins for a text without a byte, if it may be one.
  private func startEmpty() throws(Failure) {
    if Codec.isNamedCompressed(name) {
      throw .data(name, "expected compressed data, found an empty file")
    }
    guard allowsEmpty || input.offset > 0 else {
      throw .data(
        name, "expected data, found not one byte",
        hint: "--allow-empty takes it for an input of no records")
    }
    codec = .raw
  }

  /// Passes the zeros, four at a time, that may follow what xz has compressed.
  private func skipPadding() throws(Failure) -> Bool {
    guard try input.ensure(4), input.window[..<4].allSatisfy({ $0 == 0 }) else { return false }
    input.consume(4)
    return true
  }

  /// Refuses bytes that were compressed once, by the name or by their beginning, and those of other
  /// files that no tool reads.
  ///
  /// A file that is cut inside its first magic number, or damaged there, must not pass for text.
  private func refuseOthers(_ head: UnsafeRawBufferPointer) throws(Failure) {
    if Codec.isNamedCompressed(name) || Codec.isLostMagic(head) {
      throw .data(name, "expected compressed data at byte \(input.offset), found something else")
    }
    if codec == nil, let found = ForeignFormat.name(head),
      !(takesArrays && ForeignFormat.arrays.contains(found))
    {
      throw .data(name, "expected text or a tensor stream, found \(found)")
    }
  }

  /// Passes a skippable frame, and checks it where it is a trailer of ours.
  private func skipFrame() throws(Failure) {
    guard try input.ensure(8) else { throw .data(name, "truncated: inside a skippable frame") }
    let size = Int(
      UInt32(littleEndian: input.window.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
    input.consume(8)
    if size <= TextTrailer.maximumSize, try input.ensure(size) {
      let content = Array(input.window[..<size])
      input.consume(size)
      if let trailer = try TextTrailer(content, name: name) {
        try check(trailer)
        trailers.append(trailer)
        trailerBoundaries.append(input.offset)
        textChecksum.reset()
      }
    } else {
      var rest = size
      while rest > 0 {
        guard try input.fill() else { throw .data(name, "truncated: inside a skippable frame") }
        let count = min(rest, input.window.count)
        input.consume(count)
        rest -= count
      }
    }
  }

  private func check(_ trailer: TextTrailer) throws(Failure) {
    let found = Checksum.hex(textChecksum.value)
    if trailer.checksum != found {
      throw .data(
        name, "damaged: the text's checksum is \(found), its trailer says \(trailer.checksum)")
    }
  }
}
