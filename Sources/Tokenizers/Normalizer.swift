/// What is done to texts before they are split.
///
/// Source: `normalizers/` of Hugging Face `tokenizers` 0.22.2.
indirect enum Normalizer: Sendable {
  case none
  case bert(BertNormalizer)
  case unicode(UnicodeNormalizer)
  case scalars(ScalarNormalizer)
  case strings(StringNormalizer)
  case charsmap(PrecompiledCharsmap)
  /// Bytes as the characters that stand for them.
  case byteLevel
  /// `Replace` of what a regular expression matches.
  case regex(Regex, with: [UInt8])
  case sequence([Normalizer])

  /// Normalizes valid UTF-8 into `scratch.normalized`, replacing what is there.
  ///
  /// What grows beyond `scratch.growth` is given up, and marked there.
  func normalize(_ text: UnsafeRawBufferPointer, _ scratch: TokenizerScratch) {
    guard case .sequence(let steps) = self else {
      apply(text, into: scratch.normalized, scratch)
      return scratch.growth.check(scratch.normalized)
    }
    // The steps take turns with two buffers, so that the last ends in the right one.
    var input = text
    for (index, step) in steps.enumerated() {
      let isTurn = (steps.count - index) % 2 == 1
      let output = isTurn ? scratch.normalized : scratch.between
      step.apply(input, into: output, scratch)
      scratch.growth.check(output)
      if scratch.growth.isExceeded { return }
      input = UnsafeRawBufferPointer(output.elements)
    }
    if steps.isEmpty { Self.none.apply(text, into: scratch.normalized, scratch) }
  }

  private func apply(
    _ text: UnsafeRawBufferPointer, into output: GrowableBuffer<UInt8>,
    _ scratch: TokenizerScratch
  ) {
    switch self {
    case .bert(let bert): bert.normalize(text, into: output, pending: scratch.pending)
    case .unicode(let form): form.normalize(text, into: output, pending: scratch.pending)
    case .scalars(let step): step.normalize(text, into: output)
    case .strings(let step): step.normalize(text, into: output, atMost: scratch.growth.limit)
    case .charsmap(let map): map.normalize(text, into: output, atMost: scratch.growth.limit)
    case .byteLevel:
      output.count = 0
      guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      ByteCharacters.write(bytes, text.count, into: output)
    case .regex(let regex, let content):
      output.count = 0
      guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      let limit = scratch.growth.limit
      scratch.matcher.parts(regex, bytes, text.count) { start, end, isMatch in
        if output.count > limit { return }
        if isMatch { return output.append(content) }
        output.append(UnsafeBufferPointer(start: bytes + start, count: end - start))
      }
    case .none, .sequence:
      output.count = 0
      output.reserve(text.count + TokenTable.slack)
      if let base = text.baseAddress {
        UnsafeMutableRawPointer(output.pointer).copyMemory(from: base, byteCount: text.count)
      }
      output.count = text.count
    }
  }

  /// The normalizer with `Lowercase` in front, unless it has that step somewhere.
  var behindLowerCase: Normalizer {
    let steps: [Normalizer] = if case .sequence(let steps) = self { steps } else { [self] }
    let hasLowerCase = steps.contains { step in
      if case .scalars(.lowercase) = step { true } else { false }
    }
    return hasLowerCase ? self : .flattened([.scalars(.lowercase)] + steps)
  }

  /// One normalizer of these steps, without sequences inside sequences.
  static func flattened(_ steps: [Normalizer]) -> Normalizer {
    var flat: [Normalizer] = []
    for step in steps {
      switch step {
      case .none: break
      case .sequence(let inner): flat += inner
      default: flat.append(step)
      }
    }
    return flat.count == 1 ? flat[0] : .sequence(flat)
  }
}
