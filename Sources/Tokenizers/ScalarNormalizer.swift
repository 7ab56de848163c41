import UnicodeTables

/// Normalizers that look at one scalar at a time.
///
/// Source: `normalizers/unicode.rs`, `strip.rs` and `utils.rs` of Hugging Face `tokenizers` 0.22.2.
enum ScalarNormalizer: Sendable {
  /// `Lowercase`: Rust's `char::to_lowercase`, which knows no context.
  case lowercase
  /// `StripAccents`: removes marks.
  case stripAccents
  /// `Nmt`: removes controls, and makes spaces of some others.
  case nmt

  /// Normalizes valid UTF-8 into `output`, replacing what is there.
  func normalize(_ text: UnsafeRawBufferPointer, into output: GrowableBuffer<UInt8>) {
    output.count = 0
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    var i = 0
    while i < text.count {
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      i &+= length
      output.reserve(64)
      switch self {
      case .lowercase:
        emit(Lowercase.of(scalar), output)
        if scalar == Lowercase.dottedCapitalI { emit(Lowercase.combiningDotAbove, output) }
      case .stripAccents: if !CombiningMark.contains(scalar) { emit(scalar, output) }
      case .nmt: if let scalar = Self.nmt(scalar) { emit(scalar, output) }
      }
    }
  }

  @inline(__always)
  private func emit(_ scalar: UInt32, _ output: GrowableBuffer<UInt8>) {
    output.count &+= UTF8Scalar.encode(scalar, output.pointer + output.count)
  }

  /// What `Nmt` makes of a scalar; nil where it removes it.
  static func nmt(_ scalar: UInt32) -> UInt32? {
    switch scalar {
    case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: nil
    case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: 0x20
    default: scalar
    }
  }
}

/// Normalizers that add, replace or remove strings.
///
/// Source: `normalizers/prepend.rs`, `replace.rs` and `strip.rs` of Hugging Face `tokenizers`
/// 0.22.2.
enum StringNormalizer: Sendable {
  /// `Prepend`: puts a string before texts that are not empty.
  case prepend([UInt8])
  /// `Strip`: removes white space at the ends.
  case strip(left: Bool, right: Bool)
  /// `Replace` of runs of two spaces and more.
  case replaceSpaces(with: [UInt8])
  /// `Replace` of a string, which is not empty, wherever it occurs.
  case replace([UInt8], with: [UInt8])

  /// Normalizes valid UTF-8 into `output`, replacing what is there; stops soon after `limit` bytes.
  func normalize(
    _ text: UnsafeRawBufferPointer, into output: GrowableBuffer<UInt8>, atMost limit: Int = .max
  ) {
    output.count = 0
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count > 0 else {
      return
    }
    switch self {
    case .prepend(let prefix):
      append(prefix, output)
      append(bytes, text.count, output)
    case .strip(let left, let right):
      var start = 0
      var end = text.count
      while left, start < end {
        let (scalar, length) = UTF8Scalar.decode(bytes + start)
        if !ScalarProperties.of(scalar).contains(.whiteSpace) { break }
        start += length
      }
      while right, end > start {
        let (scalar, length) = UTF8Scalar.decode(before: bytes + end)
        if !ScalarProperties.of(scalar).contains(.whiteSpace) { break }
        end -= length
      }
      append(bytes + start, end - start, output)
    case .replaceSpaces(let content): replaceSpaces(content, bytes, text.count, output, limit)
    case .replace(let pattern, let content):
      replace(pattern, content, bytes, text.count, output, limit)
    }
  }

  private func replace(
    _ pattern: [UInt8], _ content: [UInt8], _ bytes: UnsafePointer<UInt8>, _ count: Int,
    _ output: GrowableBuffer<UInt8>, _ limit: Int
  ) {
    var i = 0
    while i < count, output.count <= limit {
      var matched = 0
      while matched < pattern.count, i + matched < count, bytes[i + matched] == pattern[matched] {
        matched += 1
      }
      if matched == pattern.count {
        append(content, output)
        i += matched
      } else {
        append(bytes + i, 1, output)
        i += 1
      }
    }
  }

  private func replaceSpaces(
    _ content: [UInt8], _ bytes: UnsafePointer<UInt8>, _ count: Int,
    _ output: GrowableBuffer<UInt8>, _ limit: Int
  ) {
    output.reserve(count &+ 64)
    var i = 0
    while i < count, output.count <= limit {
      if bytes[i] == 0x20, i &+ 1 < count, bytes[i &+ 1] == 0x20 {
        append(content, output)
        while i < count, bytes[i] == 0x20 { i &+= 1 }
        output.reserve(count &- i &+ 64)
      } else {
        output.push(bytes[i])
        i &+= 1
      }
    }
  }

  private func append(_ bytes: [UInt8], _ output: GrowableBuffer<UInt8>) {
    bytes.withUnsafeBufferPointer { bytes in
      if let base = bytes.baseAddress { append(base, bytes.count, output) }
    }
  }

  private func append(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ output: GrowableBuffer<UInt8>
  ) {
    output.reserve(count &+ 64)
    (output.pointer + output.count).update(from: bytes, count: count)
    output.count &+= count
  }
}
