import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// The codes of a segment's vectors, in mapped files.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct FlatCodes: @unchecked Sendable {
  let count: Int
  let width: Int
  /// At least the length of the longest vector.
  let longest: Float
  private let codes: UnsafePointer<Int8>
  private let scales: UnsafePointer<Float>
  private let errors: UnsafePointer<Float>
  private let norms: UnsafePointer<Float>
  private let owners: [SafeTensorsFile]
  private let place: String

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    let tensors = [
      try segment.tensor(Flat.codeBytes), try segment.tensor(Flat.codeScales),
      try segment.tensor(Flat.codeErrors), try segment.tensor(Flat.codeNorms),
    ]
    place = segment.folder
    count = segment.documents
    width = tensors[0].entry.shape[1]
    owners = tensors.map(\.file)
    let numbers: [UnsafePointer<Float>] = try tensors[1...].map { tensor throws(Failure) in
      let base = tensor.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
      guard Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0 else {
        throw .data(tensor.file.path, "damaged: numbers that are not aligned")
      }
      return base.assumingMemoryBound(to: Float.self)
    }
    codes =
      (tensors[0].bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped)
      .assumingMemoryBound(to: Int8.self)
    (scales, errors, norms) = (numbers[0], numbers[1], numbers[2])
    let member = segment.manifest.statistics.first { $0.key == Flat.longest }?.value
    guard let longest = member?.double.map({ Float($0) }), longest >= 0 else {
      throw .data(
        "\(segment.folder)/\(IndexManifest.fileName)", "damaged manifest: no \(Flat.longest)")
    }
    self.longest = longest
  }

  func error(_ ordinal: Int) -> Float { errors[ordinal] }
  func norm(_ ordinal: Int) -> Float { norms[ordinal] }

  /// Some documents for the kernels; `offsets` is room for what stands besides their products.
  func rows(_ range: Range<Int>, _ similarity: Similarity, offsets: AlignedBuffer) -> ByteRows {
    if similarity == .l2 {
      for (place, ordinal) in range.enumerated() {
        offsets.pointer[place] = ByteQueries.offset(similarity, norm: norms[ordinal])
      }
    }
    let first = range.lowerBound
    return ByteRows(
      count: range.count, codes: codes + first * width, scales: scales + first,
      errors: errors + first, norms: norms + first,
      offsets: similarity == .l2 ? UnsafePointer(offsets.pointer) : nil)
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for one that no code has.
  func check() throws(Failure) {
    for ordinal in 0..<count {
      for (name, value) in [
        ("scale", scales[ordinal]), ("error", errors[ordinal]), ("norm", norms[ordinal]),
      ] where !(value.isFinite && value >= 0) {
        throw .data(place, "damaged: the code of document \(ordinal) has \(name) \(value)")
      }
      guard norms[ordinal] <= longest else {
        throw .data(place, "damaged: document \(ordinal) is longer than the longest")
      }
    }
  }
}
