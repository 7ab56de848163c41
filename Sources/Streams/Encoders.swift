import CLz4
import CZstd
import Failures

/// A compressor whose output goes to a sink.
protocol Encoder: AnyObject {
  /// Compresses `bytes` into the frame that is open, opening one if none is.
  func encode(
    _ bytes: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure)
  /// Ends the open frame; an empty frame if none is open.
  func endFrame(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure)
  /// Makes what was written so far readable without ending the frame.
  func flush(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure)
}

final class ZstdEncoder: Encoder {
  private let stream: OpaquePointer
  private let buffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: ZSTD_CStreamOutSize(), alignment: 64)

  init(level: Int32) {
    guard let stream = ZSTD_createCCtx() else { preconditionFailure("zstd: out of memory") }
    self.stream = stream
    ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, level)
    ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1)
  }

  deinit {
    ZSTD_freeCCtx(stream)
    buffer.deallocate()
  }

  func encode(
    _ bytes: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try run(bytes, ZSTD_e_continue, sink)
  }

  func endFrame(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    try run(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_end, sink)
  }

  func flush(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    try run(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_flush, sink)
  }

  private func run(
    _ bytes: UnsafeRawBufferPointer, _ directive: ZSTD_EndDirective,
    _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    while true {
      var target = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
      let rest = ZSTD_compressStream2(stream, &target, &source, directive)
      precondition(ZSTD_isError(rest) == 0, "zstd: \(String(cString: ZSTD_getErrorName(rest)))")
      if target.pos > 0 { try sink(UnsafeRawBufferPointer(rebasing: buffer[..<target.pos])) }
      let done = directive == ZSTD_e_continue ? source.pos == source.size : rest == 0
      if done { return }
    }
  }
}

final class Lz4Encoder: Encoder {
  private let context: OpaquePointer
  private var preferences = LZ4F_preferences_t()
  private var open = false
  private static let chunk = 1 << 16
  private let buffer: UnsafeMutableRawBufferPointer

  init(level: Int32) {
    var context: OpaquePointer?
    let status = LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))
    guard LZ4F_isError(status) == 0, let context else {
      preconditionFailure("lz4: out of memory")
    }
    self.context = context
    preferences.compressionLevel = level
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
    preferences.frameInfo.blockSizeID = LZ4F_max256KB
    let bound = LZ4F_compressBound(Self.chunk, &preferences)
    buffer = .allocate(byteCount: max(bound, Int(LZ4F_HEADER_SIZE_MAX)), alignment: 64)
  }

  deinit {
    LZ4F_freeCompressionContext(context)
    buffer.deallocate()
  }

  func encode(
    _ bytes: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try begin(sink)
    var start = 0
    while start < bytes.count {
      let piece = UnsafeRawBufferPointer(
        rebasing: bytes[start..<min(start + Self.chunk, bytes.count)])
      try emit(
        LZ4F_compressUpdate(
          context, buffer.baseAddress, buffer.count, piece.baseAddress, piece.count, nil), sink)
      start += piece.count
    }
  }

  func endFrame(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    try begin(sink)
    try emit(LZ4F_compressEnd(context, buffer.baseAddress, buffer.count, nil), sink)
    open = false
  }

  func flush(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    if open { try emit(LZ4F_flush(context, buffer.baseAddress, buffer.count, nil), sink) }
  }

  private func begin(
    _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    if open { return }
    open = true
    try emit(
      LZ4F_compressBegin(context, buffer.baseAddress, buffer.count, &preferences), sink)
  }

  private func emit(
    _ size: Int, _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(LZ4F_isError(size) == 0, "lz4: \(String(cString: LZ4F_getErrorName(size)))")
    if size > 0 { try sink(UnsafeRawBufferPointer(rebasing: buffer[..<size])) }
  }
}
