import Failures
import JSON

/// Spaces written as a visible character, as SentencePiece does it.
///
/// Source: `pre_tokenizers/metaspace.rs` of Hugging Face `tokenizers` 0.22.2.
struct Metaspace: Sendable, Equatable {
  enum PrependScheme: String, Sendable {
    /// The replacement is put before the first piece of a text only, if that has none.
    case first
    case never
    /// Before every piece that has none.
    case always
  }

  /// The UTF-8 bytes of what spaces become.
  var replacement: [UInt8]
  var prependScheme: PrependScheme
  /// Whether a piece starts at each replacement.
  var splits: Bool

  /// - Parameters:
  ///   - value: the component of tokenizer.json.
  ///   - name: its name, for messages.
  ///   - fields: reads its fields.
  /// - Throws: 65 for fields of a wrong kind.
  init(_ value: JSON, _ name: String, _ fields: ComponentReader) throws(Failure) {
    let replacement = try fields.string(value["replacement"], "\(name).replacement")
    guard replacement.unicodeScalars.count == 1 else {
      throw .data(
        fields.path, "expected \(name).replacement to be one character, found \"\(replacement)\"")
    }
    self.replacement = Array(replacement.utf8)
    let scheme = try value["prepend_scheme"].map { scheme throws(Failure) in
      try fields.string(scheme, "\(name).prepend_scheme")
    }
    guard let known = PrependScheme(rawValue: scheme ?? "always") else {
      throw .config(
        fields.path,
        "\(name).prepend_scheme: expected first, never or always, found \(scheme ?? "")")
    }
    prependScheme = known
    // What files of before prepend_scheme say.
    if value["add_prefix_space"]?.bool == false, known != .never {
      throw .config(fields.path, "\(name): add_prefix_space does not match prepend_scheme")
    }
    splits = value["split"]?.bool ?? true
  }

  init(replacement: [UInt8], prependScheme: PrependScheme, splits: Bool) {
    self.replacement = replacement
    self.prependScheme = prependScheme
    self.splits = splits
  }

  /// Cuts a piece of a text into words.
  ///
  /// - Parameters:
  ///   - bytes: valid UTF-8.
  ///   - count: how many.
  ///   - isFirst: whether the text begins with this piece.
  ///   - buffer: working memory, where the words lie until the next call.
  ///   - word: gets each word; some bytes after it can be read.
  @inline(__always)
  func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, isFirst: Bool, _ buffer: GrowableBuffer<UInt8>,
    _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    if count == 0 { return }
    replacement.withUnsafeBufferPointer { replacement in
      let mark = replacement.baseAddress.unsafelyUnwrapped
      let size = replacement.count
      buffer.count = 0
      buffer.reserve((count &+ 1) &* size &+ TokenTable.slack)
      let target = buffer.pointer
      var used = 0
      if prependScheme == .always || prependScheme == .first && isFirst {
        if bytes[0] != 0x20, !Self.starts(bytes, count, mark, size) {
          used = Self.put(mark, size, target, 0)
        }
      }
      var start = 0
      var i = 0
      while i < count {
        let byte = bytes[i]
        if byte == 0x20 || byte == mark[0] && Self.starts(bytes + i, count &- i, mark, size) {
          if splits, used > start {
            word(target + start, used &- start)
            start = used
          }
          used = Self.put(mark, size, target, used)
          i &+= byte == 0x20 ? 1 : size
        } else {
          target[used] = byte
          used &+= 1
          i &+= 1
        }
      }
      if used > start { word(target + start, used &- start) }
    }
  }

  @inline(__always)
  private static func starts(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ mark: UnsafePointer<UInt8>, _ size: Int
  ) -> Bool {
    if count < size { return false }
    for i in 0..<size where bytes[i] != mark[i] { return false }
    return true
  }

  @inline(__always)
  private static func put(
    _ mark: UnsafePointer<UInt8>, _ size: Int, _ target: UnsafeMutablePointer<UInt8>, _ used: Int
  ) -> Int {
    for i in 0..<size { target[used &+ i] = mark[i] }
    return used &+ size
  }

  /// Appends a token to a decoded text: replacements are spaces again, but for those in the first
  /// token where the scheme put one there.
  func append(_ token: ArraySlice<UInt8>, isFirst: Bool, to text: inout [UInt8]) {
    var i = token.startIndex
    while i < token.endIndex {
      if token[i...].starts(with: replacement) {
        if !isFirst || prependScheme == .never { text.append(0x20) }
        i += replacement.count
      } else {
        text.append(token[i])
        i += 1
      }
    }
  }
}
