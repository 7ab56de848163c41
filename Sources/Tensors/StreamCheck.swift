import Failures

/// What the format asks of a stream's contents, whatever its checksums say.
enum StreamCheck {
  /// Checks that `lir.dim` is what the kind asks for.
  static func dimension(
    _ schema: StreamSchema, _ description: StreamDescription, _ place: String
  ) throws(Failure) {
    let found = description.dim.map(String.init) ?? "none"
    switch schema.kind {
    case .dense, .multivector:
      guard let width = schema.columns[0].width, description.dim != width else { return }
      throw .data(place, "expected lir.dim \(width), the width of the embeddings, found \(found)")
    case .sparse:
      let allowed = 1...StreamLimits.maximumWidth
      guard description.dim.map({ !allowed.contains($0) }) ?? true else { return }
      throw .data(place, "expected lir.dim from 1 to \(allowed.upperBound), found \(found)")
    case .tokens, .coil: return
    }
  }

  /// Checks a record's id: not empty, without white space and NUL; one tab divides a pair's.
  static func id(
    _ segment: TensorSegment, _ index: Int, _ place: (Int) -> String
  ) throws(Failure) {
    let isValid = segment.withID(index) { id in
      var tabs = segment.description.role == .pair ? 1 : 0
      for byte in id {
        guard byte == 0 || byte == 0x20 || (0x09...0x0D).contains(byte) else { continue }
        if byte != 0x09 || tabs == 0 { return false }
        tabs -= 1
      }
      return !id.isEmpty
    }
    guard isValid else {
      throw .data(
        place(index), "expected an id without white space and NUL, found \(quoted(segment, index))")
    }
  }

  /// Checks a sparse record: terms ascend below `lir.dim`, weights are finite.
  static func terms(
    _ segment: TensorSegment, _ index: Int, _ place: (Int) -> String
  ) throws(Failure) {
    let dimension = segment.description.dim ?? 0
    let wrong: String? = segment.withValues(index, column: 0) { terms in
      var last = -1
      for i in 0..<terms.count / 4 {
        let term = Int(
          Int32(littleEndian: terms.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self)))
        if term <= last || term >= dimension {
          return "terms that ascend from 0 to \(dimension - 1), found \(term)"
            + (i == 0 ? "" : " behind \(last)")
        }
        last = term
      }
      return nil
    }
    if let wrong { throw .data(place(index), "expected \(wrong)") }
    let notFinite: Float? = segment.withValues(index, column: 1) { values in
      for i in 0..<values.count / 4 {
        let value = values.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
        if !value.isFinite { return value }
      }
      return nil
    }
    if let notFinite { throw .data(place(index), "expected finite values, found \(notFinite)") }
  }

  private static func quoted(_ segment: TensorSegment, _ index: Int) -> String {
    let id = segment.id(index)
    var text = "\""
    for scalar in String(decoding: id.prefix(40), as: UTF8.self).unicodeScalars {
      text += scalar.escaped(asASCII: false)
    }
    return text + (id.count > 40 ? "…\"" : "\"")
  }
}
