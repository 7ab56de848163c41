import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// The codes of a segment's vectors, a byte a number, in mapped files.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct TokenCodes: @unchecked Sendable {
  /// At least the length of the longest vector.
  let longest: Float
  private let count: Int
  private let width: Int
  private let codes: UnsafePointer<Int8>
  private let scales: UnsafePointer<Float>
  private let errors: UnsafePointer<Float>
  private let norms: UnsafePointer<Float>
  private let owners: [SafeTensorsFile]
  private let place: String

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment) throws(Failure) {
    let rows = try segment.tensor(MultiVector.codeBytes)
    let others = [
      try segment.tensor(MultiVector.codeScales), try segment.tensor(MultiVector.codeErrors),
      try segment.tensor(MultiVector.codeNorms),
    ]
    place = segment.folder
    count = rows.entry.shape[0]
    width = rows.entry.shape[1]
    owners = [rows.file] + others.map(\.file)
    var numbers: [UnsafePointer<Float>] = []
    for tensor in others {
      let base = tensor.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
      guard Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0,
        tensor.entry.shape[0] == count
      else {
        throw .data(
          tensor.file.path, "damaged: expected \(count) numbers, aligned, for as many vectors")
      }
      numbers.append(base.assumingMemoryBound(to: Float.self))
    }
    codes =
      (rows.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped)
      .assumingMemoryBound(to: Int8.self)
    (scales, errors, norms) = (numbers[0], numbers[1], numbers[2])
    let member = segment.statistics.first { $0.key == MultiVector.longest }?.value
    guard let longest = member?.double.map({ Float($0) }), longest >= 0 else {
      throw .data(
        "\(segment.folder)/\(IndexManifest.fileName)",
        "damaged manifest: no \(MultiVector.longest)")
    }
    self.longest = longest
  }

  /// Some vectors for the kernels; `offsets` is room for what stands besides their products, where
  /// distances are asked for.
  func rows(_ range: Range<Int>, offsets: AlignedBuffer?) -> ByteRows {
    precondition(range.upperBound <= count, "vectors \(range) of \(count)")
    if let offsets {
      for (place, row) in range.enumerated() {
        offsets.pointer[place] = ScoreProof.offset(.l2, norm: norms[row])
      }
    }
    let first = range.lowerBound
    return ByteRows(
      count: range.count, codes: codes + first * width, scales: scales + first,
      errors: errors + first, norms: norms + first,
      offsets: offsets.map { UnsafePointer($0.pointer) })
  }

  /// The largest error and length of some vectors; zeros of none.
  func extremes(_ range: Range<Int>) -> (error: Float, norm: Float) {
    range.reduce((0, 0)) { (max($0.error, errors[$1]), max($0.norm, norms[$1])) }
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for one that no code has.
  func check() throws(Failure) {
    for row in 0..<count {
      for (name, value) in [
        ("scale", scales[row]), ("error", errors[row]), ("norm", norms[row]),
      ] where !(value.isFinite && value >= 0) {
        throw .data(place, "damaged: the code of vector \(row) has \(name) \(value)")
      }
      guard norms[row] <= longest else {
        throw .data(place, "damaged: vector \(row) is longer than the longest")
      }
    }
  }
}
