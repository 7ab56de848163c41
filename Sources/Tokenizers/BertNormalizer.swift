import UnicodeTables

/// A scalar of a decomposed text that waits for its place.
struct PendingScalar: BitwiseCopyable {
  var scalar: UInt32
  var combiningClass: UInt8
}

/// The normalizer of BERT: cleans, sets off ideographs, strips accents, lower-cases.
///
/// Source: `normalizers/bert.rs` of Hugging Face `tokenizers` 0.22.2. The steps are applied scalar
/// by scalar; only canonical ordering looks further, and it never crosses an ASCII character that
/// stays.
struct BertNormalizer: Sendable, Equatable {
  var cleanText = true
  var handleChineseCharacters = true
  /// Nil: as `lowercase`.
  var stripAccents: Bool?
  var lowercase = true

  /// Normalizes valid UTF-8 into `output`, replacing what is there.
  func normalize(
    _ text: UnsafeRawBufferPointer, into output: GrowableBuffer<UInt8>,
    pending: GrowableBuffer<PendingScalar>
  ) {
    output.count = 0
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    let count = text.count
    output.reserve(count + Self.slack)
    var run = ScalarRun(self, output, pending)
    var i = 0
    while i < count {
      i = copyASCII(bytes, i, count, output)
      if i >= count { break }
      // A run of anything else: it ends before an ASCII character that stays.
      while i < count {
        let byte = bytes[i]
        if byte < 0x80 {
          if !isRemovedASCII(byte) { break }
          i &+= 1
        } else {
          output.reserve(count &- i &+ Self.slack)
          let (scalar, length) = UTF8Scalar.decode(bytes + i)
          i &+= length
          run.take(scalar)
        }
      }
      run.flush()
    }
  }

  /// Room kept after the normalized text: sixteen bytes are written at a time, and the word table
  /// reads beyond words.
  private static let slack = 64

  /// Copies ASCII from `bytes[i...]` as far as it goes, and says where it ended.
  private func copyASCII(
    _ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ output: GrowableBuffer<UInt8>
  ) -> Int {
    var i = start
    output.reserve(count &- i &+ Self.slack)
    var target = output.pointer + output.count
    while i < count {
      while i &+ 8 <= count {
        let chunk = UnsafeRawPointer(bytes + i).loadUnaligned(as: UInt64.self)
        // Printable ASCII only: the rest goes byte by byte.
        if ASCIIWord.hasOther(chunk) { break }
        UnsafeMutableRawPointer(target).storeBytes(
          of: lowercase ? ASCIIWord.lowercased(chunk) : chunk, as: UInt64.self)
        target += 8
        i &+= 8
      }
      let end = min(count, i &+ 8)
      while i < end {
        let byte = bytes[i]
        if byte >= 0x80 || isRemovedASCII(byte) {
          output.count = target - output.pointer
          return i
        }
        if byte < 0x20, cleanText, byte == 9 || byte == 10 || byte == 13 {
          target.pointee = 0x20
        } else {
          target.pointee = lowercase && byte &- 0x41 < 26 ? byte | 0x20 : byte
        }
        target += 1
        i &+= 1
      }
    }
    output.count = target - output.pointer
    return i
  }

  /// Whether cleaning removes this ASCII character: the controls but for tab and line ends.
  @inline(__always)
  private func isRemovedASCII(_ byte: UInt8) -> Bool {
    (byte < 0x20 || byte == 0x7F) && cleanText && byte != 9 && byte != 10 && byte != 13
  }
}

/// Eight ASCII characters in one integer.
private enum ASCIIWord {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let tops: UInt64 = 0x8080_8080_8080_8080

  /// Whether any byte is not printable ASCII, 0x20...0x7E.
  @inline(__always)
  static func hasOther(_ word: UInt64) -> Bool {
    // Below 0x20 the subtraction borrows, at 0x7F the addition reaches the top bit.
    ((word &- 0x20 &* ones) | (word &+ ones) | word) & tops != 0
  }

  /// Printable characters in lower case.
  @inline(__always)
  static func lowercased(_ word: UInt64) -> UInt64 {
    let fromA = word &+ (0x80 - 0x41) &* ones
    let afterZ = word &+ (0x80 - 0x5B) &* ones
    return word | (fromA & ~afterZ & tops) &>> 2
  }
}

/// The scalars between two ASCII characters, on their way through the steps.
private struct ScalarRun {
  let cleanText: Bool
  let ideographs: Bool
  let strip: Bool
  let lowercase: Bool
  let output: GrowableBuffer<UInt8>
  /// What canonical ordering may still move: a starter and the marks after it.
  let pending: GrowableBuffer<PendingScalar>

  init(
    _ normalizer: BertNormalizer, _ output: GrowableBuffer<UInt8>,
    _ pending: GrowableBuffer<PendingScalar>
  ) {
    cleanText = normalizer.cleanText
    ideographs = normalizer.handleChineseCharacters
    strip = normalizer.stripAccents ?? normalizer.lowercase
    lowercase = normalizer.lowercase
    self.output = output
    self.pending = pending
    pending.count = 0
  }

  private static let replacementCharacter: UInt32 = 0xFFFD

  /// Takes the next scalar, which is not ASCII.
  mutating func take(_ scalar: UInt32) {
    let properties = ScalarProperties.of(scalar)
    if cleanText {
      if properties.contains(.control) || scalar == Self.replacementCharacter { return }
      if properties.contains(.whiteSpace) {
        flush()
        return emit(0x20)
      }
    }
    if ideographs, properties.contains(.ideograph) {
      flush()
      emit(0x20)
      decompose(scalar, properties)
      flush()
      return emit(0x20)
    }
    decompose(scalar, properties)
  }

  @inline(__always)
  private func decompose(_ scalar: UInt32, _ properties: ScalarProperties) {
    if !strip { return emit(lowering: scalar, properties) }
    if !properties.contains(.changesInNFD) {
      flush()
      if !properties.contains(.nonspacingMark) { emit(lowering: scalar, properties) }
      return
    }
    CanonicalDecomposition.decompose(scalar) { part in
      let combiningClass = CanonicalDecomposition.combiningClass(part)
      if combiningClass == 0 { flush() }
      insert(PendingScalar(scalar: part, combiningClass: combiningClass))
    }
  }

  /// Puts a mark before those of a higher class.
  private func insert(_ new: PendingScalar) {
    pending.reserve(1)
    var i = pending.count
    if new.combiningClass != 0 {
      while i > 0, pending.pointer[i &- 1].combiningClass > new.combiningClass {
        pending.pointer[i] = pending.pointer[i &- 1]
        i &-= 1
      }
    }
    pending.pointer[i] = new
    pending.count &+= 1
  }

  /// Writes what is pending.
  @inline(__always)
  func flush() {
    if pending.count == 0 { return }
    output.reserve(8 &* pending.count &+ 64)
    for i in 0..<pending.count {
      let scalar = pending.pointer[i].scalar
      let properties = ScalarProperties.of(scalar)
      if !properties.contains(.nonspacingMark) { emit(lowering: scalar, properties) }
    }
    pending.count = 0
  }

  @inline(__always)
  private func emit(lowering scalar: UInt32, _ properties: ScalarProperties) {
    guard lowercase, properties.contains(.hasLowercase) else { return emit(scalar) }
    emit(Lowercase.of(scalar))
    if scalar == Lowercase.dottedCapitalI { emit(Lowercase.combiningDotAbove) }
  }

  @inline(__always)
  private func emit(_ scalar: UInt32) {
    output.reserve(64)
    output.count &+= UTF8Scalar.encode(scalar, output.pointer + output.count)
  }
}
