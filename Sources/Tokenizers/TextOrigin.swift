import UnicodeTables

/// How much of a normalized text the reference aligns with the first character of the original.
///
/// `Metaspace` with the scheme `first` asks whether a piece begins where the original text does. The
/// answer depends on how each normalizer aligns what it makes with what it was given, oddities
/// included; here those alignments are followed at the start of a text. Source:
/// `tokenizer/normalizer.rs` of Hugging Face `tokenizers` 0.22.2.
enum TextOrigin {
  /// Number of bytes at the start of the normalized form of `text` that are aligned with offset 0.
  static func length(_ text: UnsafeRawBufferPointer, _ normalizer: Normalizer) -> Int {
    guard let first = text.first else { return 0 }
    let steps: [Normalizer] =
      if case .sequence(let steps) = normalizer { steps } else { [normalizer] }
    if first &- 0x21 < 0x5E, text.count == 1 || text[1] < 0x80,
      steps.allSatisfy({ $0.keeps(first) })
    {
      return 1
    }
    let bytes = text.bindMemory(to: UInt8.self)
    var origin = UTF8Scalar.decode(bytes.baseAddress.unsafelyUnwrapped).length
    let scratch = TokenizerScratch()
    var current = Array(bytes)
    for step in steps {
      for part in step.parts {
        origin = part.origin(current, origin)
        current.withUnsafeBytes { part.normalize($0, scratch) }
        current = Array(scratch.normalized.elements)
      }
    }
    return min(origin, current.count)
  }
}

/// What became of a character: `change` is 0 where it replaces one, 1 where it is new, and -n where
/// it also stands for the n after it.
struct AlignedScalar {
  var scalar: UInt32
  var change: Int
}

extension Normalizer {
  /// Whether a visible ASCII character stays one, with its alignment.
  fileprivate func keeps(_ byte: UInt8) -> Bool {
    switch self {
    case .charsmap(let map): map.keeps(byte)
    case .strings(.replace), .strings(.prepend), .regex: false
    case .sequence(let steps): steps.allSatisfy { $0.keeps(byte) }
    default: true
    }
  }

  /// The steps that the reference takes one after the other.
  fileprivate var parts: [Normalizer] {
    guard case .bert(let bert) = self else { return [self] }
    let none = BertNormalizer(
      cleanText: false, handleChineseCharacters: false, stripAccents: false, lowercase: false)
    var parts: [Normalizer] = []
    func add(_ change: (inout BertNormalizer) -> Void) {
      var part = none
      change(&part)
      parts.append(.bert(part))
    }
    if bert.cleanText { add { $0.cleanText = true } }
    if bert.handleChineseCharacters { add { $0.handleChineseCharacters = true } }
    if bert.stripAccents ?? bert.lowercase { add { $0.stripAccents = true } }
    if bert.lowercase { add { $0.lowercase = true } }
    return parts
  }

  /// How many bytes of the result are aligned with offset 0, where `origin` bytes of `old` are.
  fileprivate func origin(_ old: [UInt8], _ origin: Int) -> Int {
    switch self {
    case .none, .sequence: origin
    case .byteLevel:
      old.prefix(origin).reduce(0) { $0 + ByteCharacters.of($1).count }
    case .regex(let regex, let content): Self.replaced(regex, old, origin, content.count)
    case .charsmap(let map): Self.follow(map.aligned(old, atLeast: origin + 2), old, origin)
    case .unicode(let form): Self.follow(form.aligned(old, beyond: origin), old, origin)
    case .strings(let step): step.origin(old, origin)
    case .scalars(.lowercase):
      Self.sum(old, origin) {
        Self.size(Lowercase.of($0)) + ($0 == Lowercase.dottedCapitalI ? 2 : 0)
      }
    case .scalars(.stripAccents):
      Self.sum(old, origin) { CombiningMark.contains($0) ? 0 : Self.size($0) }
    case .scalars(.nmt): Self.sum(old, origin) { ScalarNormalizer.nmt($0).map(Self.size) ?? 0 }
    case .bert(let bert): Self.bertOrigin(bert, old, origin)
    }
  }

  /// The origin after one part of BERT's normalizer.
  private static func bertOrigin(_ bert: BertNormalizer, _ old: [UInt8], _ origin: Int) -> Int {
    if bert.stripAccents == true {
      let form = UnicodeNormalizer(isCompatible: false, composes: false)
      let decomposed = Normalizer.unicode(form)
      let scratch = TokenizerScratch()
      let between = decomposed.origin(old, origin)
      old.withUnsafeBytes { decomposed.normalize($0, scratch) }
      return sum(Array(scratch.normalized.elements), between) {
        ScalarProperties.of($0).contains(.nonspacingMark) ? 0 : size($0)
      }
    }
    let scratch = TokenizerScratch()
    return sum(old, origin) { scalar in
      var bytes = [UInt8](repeating: 0, count: 4)
      let length = bytes.withUnsafeMutableBufferPointer {
        UTF8Scalar.encode(scalar, $0.baseAddress.unsafelyUnwrapped)
      }
      bytes.withUnsafeBytes {
        Normalizer.bert(bert).normalize(UnsafeRawBufferPointer(rebasing: $0[..<length]), scratch)
      }
      return scratch.normalized.count
    }
  }

  /// What is put for a match is aligned with the match's last character, or the one before.
  private static func replaced(_ regex: Regex, _ old: [UInt8], _ origin: Int, _ length: Int) -> Int
  {
    var result = 0
    var isOver = false
    old.withUnsafeBufferPointer { old in
      guard let base = old.baseAddress else { return }
      RegexMatcher().parts(regex, base, old.count) { start, end, isMatch in
        if isOver { return }
        isOver = end > origin
        if !isMatch { result += min(end, origin) - start } else if !isOver { result += length }
      }
    }
    return result
  }

  private static func size(_ scalar: UInt32) -> Int {
    scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
  }

  /// The sum of `length` over the scalars of the first `origin` bytes: for steps that align what
  /// they make of a scalar with it.
  private static func sum(_ old: [UInt8], _ origin: Int, _ length: (UInt32) -> Int) -> Int {
    old.withUnsafeBufferPointer { old in
      var i = 0
      var result = 0
      while i < min(origin, old.count) {
        let (scalar, size) = UTF8Scalar.decode(old.baseAddress.unsafelyUnwrapped + i)
        result += length(scalar)
        i += size
      }
      return result
    }
  }

  /// What `NormalizedString.transform` makes of changes.
  private static func follow(_ changes: [AlignedScalar], _ old: [UInt8], _ origin: Int) -> Int {
    var offset = 0
    var result = 0
    func skip() {
      if offset < old.count { offset += 1 }
      while offset < old.count, old[offset] & 0xC0 == 0x80 { offset += 1 }
    }
    for item in changes {
      let isAtOrigin = item.change > 0 ? offset < 1 || offset - 1 < origin : offset < origin
      if !isAtOrigin { break }
      result += size(item.scalar)
      if item.change <= 0 { for _ in 0...(-item.change) { skip() } }
    }
    return result
  }
}

extension StringNormalizer {
  fileprivate func origin(_ old: [UInt8], _ origin: Int) -> Int {
    switch self {
    case .prepend(let prefix):
      if prefix.isEmpty, !old.isEmpty { return max(origin, 1) }
      return origin > 0 ? prefix.count + origin : 0
    case .strip(let left, _):
      if !left { return origin }
      let kept = Normalizer.strings(.strip(left: true, right: false))
      let scratch = TokenizerScratch()
      old.withUnsafeBytes { kept.normalize($0, scratch) }
      return max(0, origin - (old.count - scratch.normalized.count))
    case .replace(let pattern, let content):
      return replaced(old, origin, content) { old[$0...].starts(with: pattern) ? pattern.count : 0 }
    case .replaceSpaces(let content):
      return replaced(old, origin, content) { start in
        let count = old[start...].prefix { $0 == 0x20 }.count
        return count > 1 ? count : 0
      }
    }
  }

  /// What is put for a match is aligned with the match's last character.
  private func replaced(
    _ old: [UInt8], _ origin: Int, _ content: [UInt8], _ match: (Int) -> Int
  ) -> Int {
    var i = 0
    var result = 0
    while i < min(origin, old.count) {
      let length = match(i)
      if length == 0 {
        result += 1
        i += 1
      } else {
        if i + length > origin { break }
        result += content.count
        i += length
      }
    }
    return result
  }
}

extension PrecompiledCharsmap {
  /// The start of what `text` becomes, with `count` scalars that replace others, if there are so
  /// many.
  fileprivate func aligned(_ text: [UInt8], atLeast count: Int) -> [AlignedScalar] {
    var result: [AlignedScalar] = []
    var replacing = 0
    text.withUnsafeBufferPointer { text in
      guard let bytes = text.baseAddress else { return }
      var i = 0
      while i < text.count, replacing < count {
        let end = clusterEnd(bytes, i, text.count)
        if let put = replacement(ofCluster: bytes + i, end - i) {
          Self.append(put, for: Self.scalars(bytes + i, end - i).count, to: &result)
        } else {
          while i < end {
            let (scalar, length) = UTF8Scalar.decode(bytes + i)
            if let put = replacement(bytes + i, length) {
              Self.append(put, for: 1, to: &result)
            } else {
              result.append(AlignedScalar(scalar: scalar, change: 0))
            }
            i += length
          }
        }
        i = end
        replacing = result.count { $0.change <= 0 }
      }
    }
    return result
  }

  private static func scalars(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> [UInt32] {
    var result: [UInt32] = []
    var i = 0
    while i < count {
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      result.append(scalar)
      i += length
    }
    return result
  }

  /// Source: `replace` of `normalizers/precompiled.rs`.
  private static func append(
    _ put: ArraySlice<UInt8>, for old: Int, to result: inout [AlignedScalar]
  ) {
    let new = put.withUnsafeBufferPointer { put in
      put.baseAddress.map { scalars($0, put.count) } ?? []
    }
    for (index, scalar) in new.enumerated() {
      result.append(AlignedScalar(scalar: scalar, change: index < old ? 0 : 1))
    }
    // Where nothing is put, what came before stands for it; at the start, nothing does.
    if new.count < old, !result.isEmpty { result[result.count - 1].change += new.count - old }
  }
}

extension UnicodeNormalizer {
  /// The start of what `text` becomes: of its first `origin` bytes and what they may compose with.
  fileprivate func aligned(_ text: [UInt8], beyond origin: Int) -> [AlignedScalar] {
    var result: [AlignedScalar] = []
    var classes: [UInt8] = []
    text.withUnsafeBufferPointer { text in
      guard let bytes = text.baseAddress else { return }
      var i = 0
      while i < text.count {
        let (scalar, length) = UTF8Scalar.decode(bytes + i)
        if i >= origin, Self.startsAnew(scalar) { break }
        i += length
        var change = 0
        func take(_ part: UInt32) {
          result.append(AlignedScalar(scalar: part, change: change))
          classes.append(CanonicalDecomposition.combiningClass(part))
          change = 1
        }
        if isCompatible {
          CompatibilityDecomposition.decompose(scalar) { take($0) }
        } else {
          CanonicalDecomposition.decompose(scalar) { take($0) }
        }
      }
    }
    Self.order(&result, &classes)
    return composes ? Self.composed(result, classes) : result
  }

  /// Whether a scalar is a starter that composes with none before it.
  private static func startsAnew(_ scalar: UInt32) -> Bool {
    scalar < 0x300 || (0x3400...0xA4CF).contains(scalar) || (0xAC00...0xD7A3).contains(scalar)
  }

  private static func order(_ scalars: inout [AlignedScalar], _ classes: inout [UInt8]) {
    var order = Array(scalars.indices)
    var start = 0
    while start < order.count {
      let end = classes[(start + 1)...].firstIndex(of: 0) ?? order.count
      // By place too, as the sort must keep the order within a class.
      order[start..<end].sort { (classes[$0], $0) < (classes[$1], $1) }
      start = end
    }
    scalars = order.map { scalars[$0] }
    classes = order.map { classes[$0] }
  }

  private static func composed(
    _ scalars: [AlignedScalar], _ classes: [UInt8]
  ) -> [AlignedScalar] {
    var result: [AlignedScalar] = []
    /// Where the last starter is, and the class of the last mark after it.
    var starter: Int?
    var last: UInt8?
    for (item, combiningClass) in zip(scalars, classes) {
      if let starter, last.map({ $0 < combiningClass }) ?? true,
        let whole = Composition.compose(result[starter].scalar, item.scalar)
      {
        result[starter].scalar = whole
        result[starter].change += item.change - 1
        continue
      }
      if combiningClass == 0 {
        starter = result.count
        last = nil
      } else if starter != nil {
        last = combiningClass
      }
      result.append(item)
    }
    return result
  }
}
