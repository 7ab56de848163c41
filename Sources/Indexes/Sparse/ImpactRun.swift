import Failures

/// The postings of one term in one window of documents, with a code of a byte for every weight.
///
/// The bytes: three numbers in single precision, which are the least weight, what a step of a code is
/// worth, and at least the error of every code; then the places of the documents in the window, two
/// bytes each, ascending, and their codes from 1 to 255. A code c stands for
/// `least + step * (c - 1)`. Where at least one in `dense` documents has the term, there is a code for
/// every document of the window instead, 0 for none.
struct ImpactRun {
  var least: Float
  var step: Float
  var error: Float
  /// Empty where every document has a code.
  var places: UnsafeRawBufferPointer
  var codes: UnsafeRawBufferPointer

  static let headerSize = 12
  /// One in so many documents at least has the term of a run without places: adding a code to every
  /// sum in order takes a tenth of the time that one to a sum somewhere takes.
  static let dense = 8

  /// The largest weight that a code can stand for.
  var most: Double { Double(least) + 254 * Double(step) }
}

// MARK: Reading

extension ImpactRun {
  /// A run in its bytes; nil for bytes that no run has.
  ///
  /// - Parameters:
  ///   - bytes: Of one run, at least a header.
  ///   - documents: Of the window.
  init?(_ bytes: UnsafeRawBufferPointer, documents: Int) {
    let size = bytes.count - Self.headerSize
    guard size > 0 else { return nil }
    least = bytes.loadUnaligned(as: Float.self)
    step = bytes.loadUnaligned(fromByteOffset: 4, as: Float.self)
    error = bytes.loadUnaligned(fromByteOffset: 8, as: Float.self)
    guard least.isFinite, step.isFinite, step >= 0, error >= 0 else { return nil }
    // Runs with places are shorter: see `dense`.
    let count = size == documents ? 0 : size / 3
    guard size == documents || size == 3 * count else { return nil }
    let codes = Self.headerSize + 2 * count
    places = UnsafeRawBufferPointer(rebasing: bytes[Self.headerSize..<codes])
    self.codes = UnsafeRawBufferPointer(rebasing: bytes[codes...])
  }
}

// MARK: Writing

extension ImpactRun {
  /// Appends the bytes of a run.
  ///
  /// - Parameters:
  ///   - places: Of the documents in the window, ascending, at least one.
  ///   - weights: As many, finite.
  ///   - documents: Of the window.
  ///   - slack: How far a weight may be from what was meant, as a part of itself; nil where nothing
  ///     is known.
  ///   - bytes: What they are appended to.
  static func append(
    places: UnsafeBufferPointer<UInt16>, weights: UnsafeBufferPointer<Float>, documents: Int,
    slack: Double?, to bytes: inout [UInt8]
  ) {
    var (least, most) = (weights[0], weights[0])
    for weight in weights {
      least = min(least, weight)
      most = max(most, weight)
    }
    let low = Double(least)
    let step = Float((Double(most) - low) / 254)
    let inverse = step > 0 ? 1 / Double(step) : 0
    var error = 0.0
    func code(_ weight: Float) -> UInt8 {
      let steps = max(0, min(254, ((Double(weight) - low) * inverse).rounded()))
      error = max(error, (Double(weight) - (low + steps * Double(step))).magnitude)
      return UInt8(steps) + 1
    }
    let header = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: headerSize))
    if places.count * dense >= documents {
      let start = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: documents))
      for (place, weight) in zip(places, weights) { bytes[start + Int(place)] = code(weight) }
    } else {
      bytes.append(contentsOf: UnsafeRawBufferPointer(places))
      for weight in weights { bytes.append(code(weight)) }
    }
    if let slack {
      if slack > 0 {
        error += max(low.magnitude, Double(most).magnitude) * slack + 0x1p-149
      }
    } else {
      error = .infinity
    }
    // What was computed here was rounded, too.
    let bound = error == 0 ? 0 : Float(error * (1 + 0x1p-40)).nextUp
    for (index, number) in [least, step, bound].enumerated() {
      withUnsafeBytes(of: number.bitPattern.littleEndian) {
        for (place, byte) in $0.enumerated() { bytes[header + 4 * index + place] = byte }
      }
    }
  }
}
