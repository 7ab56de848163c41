import CLz4
import CZlib
import CZstd
import Failures

/// A decompressor of one frame after the other.
protocol Decoder: AnyObject {
  /// Decodes from the window of `input` into `output`, consuming what it used.
  ///
  /// - Returns: Bytes written, and whether a frame ended here. Nothing written and no end: the
  ///   window is used up.
  func decode(
    _ input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> (written: Int, frameEnded: Bool)
}

final class ZstdDecoder: Decoder {
  private let stream: OpaquePointer

  init() {
    guard let stream = ZSTD_createDStream() else { preconditionFailure("zstd: out of memory") }
    self.stream = stream
  }

  deinit { ZSTD_freeDStream(stream) }

  func decode(
    _ input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> (written: Int, frameEnded: Bool) {
    let window = input.window
    var source = ZSTD_inBuffer(src: window.baseAddress, size: window.count, pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let rest = ZSTD_decompressStream(stream, &target, &source)
    if ZSTD_isError(rest) != 0 {
      if ZSTD_getErrorCode(rest) == ZSTD_error_frameParameter_windowTooLarge {
        throw .data(
          input.name, "expected zstd data that needs at most 128 MiB of memory, found more",
          hint: "zstd -d --long=31 takes it")
      }
      throw .data(input.name, "damaged zstd data: \(String(cString: ZSTD_getErrorName(rest)))")
    }
    input.consume(source.pos)
    return (target.pos, rest == 0)
  }
}

final class Lz4Decoder: Decoder {
  private let context: OpaquePointer

  init() {
    var context: OpaquePointer?
    let status = LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
    guard LZ4F_isError(status) == 0, let context else {
      preconditionFailure("lz4: out of memory")
    }
    self.context = context
  }

  deinit { LZ4F_freeDecompressionContext(context) }

  func decode(
    _ input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> (written: Int, frameEnded: Bool) {
    let window = input.window
    var read = window.count
    var written = output.count
    let rest = LZ4F_decompress(
      context, output.baseAddress, &written, window.baseAddress, &read, nil)
    if LZ4F_isError(rest) != 0 {
      throw .data(input.name, "damaged lz4 data: \(String(cString: LZ4F_getErrorName(rest)))")
    }
    input.consume(read)
    return (written, rest == 0)
  }
}

final class GzipDecoder: Decoder {
  private let stream: UnsafeMutablePointer<z_stream>

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, plus 16: a gzip header and its CRC.
    let status = inflateInit2_(
      stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib: out of memory")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func decode(
    _ input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> (written: Int, frameEnded: Bool) {
    let window = input.window
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: window.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(window.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(output.count)
    let status = inflate(stream, Z_NO_FLUSH)
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
      let text = stream.pointee.msg.map { String(cString: $0) } ?? "error \(status)"
      throw .data(input.name, "damaged gzip data: \(text)")
    }
    input.consume(window.count - Int(stream.pointee.avail_in))
    let ended = status == Z_STREAM_END
    if ended { inflateReset(stream) }
    return (output.count - Int(stream.pointee.avail_out), ended)
  }
}
