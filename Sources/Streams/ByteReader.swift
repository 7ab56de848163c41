import Failures
import Glibc

/// The decompressed bytes of an input: a file, or `-` for the standard input.
///
/// The codec is found by magic, whatever the name. Frames concatenate; skippable frames are looked
/// past, but for this project's own text trailer (`TextTrailer`), which is checked. A stream that
/// is cut inside a frame, and an empty file with the name of a compressed one, are errors (65).
package final class ByteReader {
  package let name: String
  private let input: RawInput
  private var decoder: (any Decoder)?
  private var codec: Codec?
  private var insideFrame = false
  /// Bytes that were looked at and not yet taken.
  private var peeked: [UInt8] = []
  /// XXH3 of the text since the last trailer; only zstd streams can have one.
  private let textChecksum = RunningChecksum()
  /// The trailers that were met, oldest first.
  package private(set) var trailers: [TextTrailer] = []
  /// Where whole frames ended: bytes of the compressed input.
  package private(set) var frameBoundaries: [Int] = []

  package convenience init(_ operand: String) throws(Failure) {
    if operand == "-" {
      self.init(OwnedDescriptor(0, closes: false), name: "-")
    } else {
      self.init(try .open(reading: operand), name: operand)
    }
  }

  package init(_ descriptor: consuming OwnedDescriptor, name: String) {
    self.name = name
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
      if written > 0 { return written }
      if !ended, !available {
        throw .data(name, "truncated: the file ends inside a compressed frame")
      }
    }
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
      if try input.ensure(1), Codec.mayBeMagic(input.window[0]) { _ = try input.ensure(8) }
      let head = input.window
      if head.isEmpty {
        if codec == nil {
          if Compression(suffixOf: name) != .none || name.hasSuffix(".gz") {
            throw .data(name, "expected compressed data, found an empty file")
          }
          codec = .raw
        }
        return false
      }
      guard let next = Codec.detect(head) else {
        try skipFrame()
        continue
      }
      if next == .raw { try refuseLostMagic(head) }
      if let codec, codec != next {
        throw .data(name, "expected another \(codec) frame at byte \(input.offset), found \(next)")
      }
      if decoder == nil {
        switch next {
        case .raw: decoder = nil
        case .zstd: decoder = ZstdDecoder()
        case .lz4: decoder = Lz4Decoder()
        case .gzip: decoder = GzipDecoder()
        }
      }
      codec = next
      insideFrame = next != .raw
      return true
    }
  }

  /// Refuses bytes that were compressed once, by the name or by their beginning: a file that is cut
  /// inside its first magic number, or damaged there, must not pass for text.
  private func refuseLostMagic(_ head: UnsafeRawBufferPointer) throws(Failure) {
    let isNamedSo = Compression(suffixOf: name) != .none || name.hasSuffix(".gz")
    if isNamedSo || Codec.isCutMagic(head) {
      throw .data(name, "expected compressed data at byte \(input.offset), found something else")
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
