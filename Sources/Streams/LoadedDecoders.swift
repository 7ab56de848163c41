import CBzip2
import CLzma
import Failures

/// bzip2's decompressor, from the library of the system.
final class Bzip2Decoder: Decoder {
  private typealias Begin =
    @convention(c) (UnsafeMutablePointer<bz_stream>?, Int32, Int32) -> Int32
  private typealias Step = @convention(c) (UnsafeMutablePointer<bz_stream>?) -> Int32

  private let begin: Begin
  private let step: Step
  private let end: Step
  private let stream: UnsafeMutablePointer<bz_stream>

  init(_ name: String) throws(Failure) {
    let library = try SharedLibrary(
      ["libbz2.so.1.0", "libbz2.so.1"], for: name, program: "bzip2")
    begin = library.function("BZ2_bzDecompressInit", as: Begin.self)
    step = library.function("BZ2_bzDecompress", as: Step.self)
    end = library.function("BZ2_bzDecompressEnd", as: Step.self)
    stream = .allocate(capacity: 1)
    start()
  }

  deinit {
    _ = end(stream)
    stream.deallocate()
  }

  private func start() {
    stream.initialize(to: bz_stream())
    let status = begin(stream, 0, 0)
    precondition(status == BZ_OK, "bzip2: out of memory")
  }

  func decode(
    _ input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> (written: Int, frameEnded: Bool) {
    let window = input.window
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: window.baseAddress?.assumingMemoryBound(to: CChar.self))
    stream.pointee.avail_in = UInt32(window.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: CChar.self)
    stream.pointee.avail_out = UInt32(clamping: output.count)
    let room = Int(stream.pointee.avail_out)
    let status = step(stream)
    guard status == BZ_OK || status == BZ_STREAM_END else {
      let what = status == BZ_DATA_ERROR ? "a checksum or the data is wrong" : "error \(status)"
      throw .data(input.name, "damaged bzip2 data: \(what)")
    }
    input.consume(window.count - Int(stream.pointee.avail_in))
    let written = room - Int(stream.pointee.avail_out)
    guard status == BZ_STREAM_END else { return (written, false) }
    _ = end(stream)
    start()
    return (written, true)
  }
}

/// xz's decompressor, from the library of the system.
final class XZDecoder: Decoder {
  private typealias Begin =
    @convention(c) (UnsafeMutablePointer<lzma_stream>?, UInt64, UInt32) -> lzma_ret
  private typealias Step =
    @convention(c) (UnsafeMutablePointer<lzma_stream>?, lzma_action) -> lzma_ret
  private typealias End = @convention(c) (UnsafeMutablePointer<lzma_stream>?) -> Void

  /// Twice what the strongest of xz's own settings takes.
  private static let memory: UInt64 = 128 << 20

  private let begin: Begin
  private let step: Step
  private let end: End
  private let stream: UnsafeMutablePointer<lzma_stream>

  init(_ name: String) throws(Failure) {
    let library = try SharedLibrary(["liblzma.so.5"], for: name, program: "xz")
    begin = library.function("lzma_stream_decoder", as: Begin.self)
    step = library.function("lzma_code", as: Step.self)
    end = library.function("lzma_end", as: End.self)
    stream = .allocate(capacity: 1)
    stream.initialize(to: lzma_stream())
    start()
  }

  deinit {
    end(stream)
    stream.deallocate()
  }

  /// Begins, or begins again: the library keeps the memory that it has.
  private func start() {
    let status = begin(stream, Self.memory, 0)
    precondition(status == LZMA_OK, "xz: out of memory")
  }

  func decode(
    _ input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> (written: Int, frameEnded: Bool) {
    let window = input.window
    stream.pointee.next_in = window.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = window.count
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = output.count
    let status = step(stream, LZMA_RUN)
    switch status {
    // LZMA_BUF_ERROR: more input is needed.
    case LZMA_OK, LZMA_STREAM_END, LZMA_BUF_ERROR: break
    case LZMA_MEMLIMIT_ERROR:
      throw .data(
        input.name, "expected xz data that needs at most \(Self.memory >> 20) MiB, found more")
    case LZMA_OPTIONS_ERROR:
      throw .data(input.name, "the xz data has options that this machine's library does not know")
    default: throw .data(input.name, "damaged xz data: error \(status.rawValue)")
    }
    input.consume(window.count - stream.pointee.avail_in)
    let written = output.count - stream.pointee.avail_out
    if status == LZMA_STREAM_END { start() }
    return (written, status == LZMA_STREAM_END)
  }
}
