import UnicodeTables

/// The normal forms of Unicode, as `NFC`, `NFD`, `NFKC` and `NFKD` of tokenizer.json.
///
/// Source: `normalizers/unicode.rs` of Hugging Face `tokenizers` 0.22.2 and the crate
/// unicode-normalization-alignments 0.1.12, Unicode 9.0.
struct UnicodeNormalizer: Sendable, Equatable {
  /// Whether compatibility decompositions are taken.
  var isCompatible: Bool
  /// Whether what is decomposed is composed again.
  var composes: Bool

  /// Normalizes valid UTF-8 into `output`, replacing what is there.
  func normalize(
    _ text: UnsafeRawBufferPointer, into output: GrowableBuffer<UInt8>,
    pending: GrowableBuffer<PendingScalar>
  ) {
    output.count = 0
    pending.count = 0
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    let count = text.count
    output.reserve(count + 64)
    var run = NormalizationRun(composes: composes, output: output, pending: pending)
    var i = 0
    while i < count {
      if bytes[i] < 0x80, i &+ 1 == count || bytes[i &+ 1] < 0x80 {
        // ASCII is a starter, and nothing in ASCII composes.
        run.flush()
        while i < count, bytes[i] < 0x80, i &+ 1 == count || bytes[i &+ 1] < 0x80 {
          output.reserve(64)
          output.push(bytes[i])
          i &+= 1
        }
        continue
      }
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      i &+= length
      if isCompatible {
        CompatibilityDecomposition.decompose(scalar) { run.take($0) }
      } else {
        CanonicalDecomposition.decompose(scalar) { run.take($0) }
      }
    }
    run.flush()
  }
}

/// Orders, composes and writes decomposed scalars.
///
/// `pending` holds a starter, unless the text begins with marks, and the marks after it.
private struct NormalizationRun {
  let composes: Bool
  let output: GrowableBuffer<UInt8>
  let pending: GrowableBuffer<PendingScalar>
  private var isOrdered = true

  init(
    composes: Bool, output: GrowableBuffer<UInt8>, pending: GrowableBuffer<PendingScalar>
  ) {
    self.composes = composes
    self.output = output
    self.pending = pending
  }

  mutating func take(_ scalar: UInt32) {
    let combiningClass = CanonicalDecomposition.combiningClass(scalar)
    if combiningClass == 0 {
      settle()
      if composes, pending.count == 1, pending.pointer[0].combiningClass == 0,
        let composed = Composition.compose(pending.pointer[0].scalar, scalar)
      {
        pending.pointer[0].scalar = composed
        return
      }
      write()
    } else if pending.count > 0, pending.pointer[pending.count - 1].combiningClass > combiningClass
    {
      isOrdered = false
    }
    pending.reserve(1)
    pending.push(PendingScalar(scalar: scalar, combiningClass: combiningClass))
  }

  /// Writes all that is pending.
  mutating func flush() {
    if pending.count == 0 { return }
    settle()
    write()
  }

  /// Orders the marks, and composes those that compose.
  private mutating func settle() {
    if !isOrdered { order() }
    isOrdered = true
    let scalars = pending.pointer
    guard composes, pending.count > 1, scalars[0].combiningClass == 0 else { return }
    var kept = 1
    for i in 1..<pending.count {
      let mark = scalars[i]
      // One of the same class stands between.
      let isBlocked = kept > 1 && scalars[kept - 1].combiningClass >= mark.combiningClass
      if !isBlocked, let composed = Composition.compose(scalars[0].scalar, mark.scalar) {
        scalars[0].scalar = composed
      } else {
        scalars[kept] = mark
        kept += 1
      }
    }
    pending.count = kept
  }

  private func write() {
    output.reserve(4 &* pending.count &+ 64)
    for i in 0..<pending.count {
      output.count &+= UTF8Scalar.encode(
        pending.pointer[i].scalar, output.pointer + output.count)
    }
    pending.count = 0
  }

  /// Sorts the marks by combining class; those of one class stay in order.
  private func order() {
    let scalars = pending.pointer
    let count = pending.count
    if count > 32 { return orderMany() }
    for i in 1..<count {
      let moving = scalars[i]
      if moving.combiningClass == 0 { continue }
      var j = i
      while j > 0, scalars[j - 1].combiningClass > moving.combiningClass {
        scalars[j] = scalars[j - 1]
        j -= 1
      }
      scalars[j] = moving
    }
  }

  /// Sorts many marks by combining class, in time that is linear in their number.
  private func orderMany() {
    var offsets = [Int](repeating: 0, count: 257)
    let old = Array(pending.elements)
    for mark in old { offsets[Int(mark.combiningClass) + 1] += 1 }
    for i in 1...256 { offsets[i] += offsets[i - 1] }
    for mark in old {
      pending.pointer[offsets[Int(mark.combiningClass)]] = mark
      offsets[Int(mark.combiningClass)] += 1
    }
  }
}
