import Failures
import IndexFormat
import Kernels
import Tensors

/// The codes of a segment's vectors in mapped files.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct PlaidSegment: @unchecked Sendable {
  let codebook: PlaidCodebook
  let documents: DocumentTable
  let lists: CentroidLists
  let place: String
  /// Number of vectors.
  let count: Int
  private let offsets: RaggedOffsets
  private let narrow: UnsafePointer<UInt16>?
  private let wide: UnsafePointer<Int32>?
  private let codes: UnsafePointer<UInt8>
  private let factors: UnsafePointer<UInt8>
  private let radii: MappedColumn<Float>
  private let rests: MappedColumn<Float>
  private let halfSquares: MappedColumn<Float>?
  private let owners: [SafeTensorsFile]

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    codebook = try PlaidCodebook(segment)
    documents = try DocumentTable(segment)
    lists = try CentroidLists(segment)
    let numbers = try segment.tensor(Plaid.numbers)
    let codes = try segment.tensor(Plaid.codes)
    let factors = try segment.tensor(Plaid.factors)
    count = numbers.entry.shape[0]
    guard codes.entry.shape == [count, codebook.codec.size],
      factors.entry.shape == [(count + 1) / 2], lists.count == codebook.count
    else { throw .data(place, "damaged: codes that do not fit the centroids") }
    func base(_ tensor: IndexTensor) -> UnsafeRawPointer {
      tensor.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    }
    guard Int(bitPattern: base(numbers)) % numbers.entry.type.size == 0,
      (numbers.entry.type == .u16) == (codebook.count <= PlaidTraining.mostCentroids)
    else { throw .data(numbers.file.path, "damaged: expected numbers of centroids, aligned") }
    let isNarrow = numbers.entry.type == .u16
    narrow = isNarrow ? base(numbers).assumingMemoryBound(to: UInt16.self) : nil
    wide = isNarrow ? nil : base(numbers).assumingMemoryBound(to: Int32.self)
    self.codes = base(codes).assumingMemoryBound(to: UInt8.self)
    self.factors = base(factors).assumingMemoryBound(to: UInt8.self)
    owners = [numbers.file, codes.file, factors.file]
    radii = try segment.column(Plaid.radii, as: Float.self)
    rests = try segment.column(Plaid.rests, as: Float.self)
    halfSquares =
      segment.has(Plaid.halfSquares) ? try segment.column(Plaid.halfSquares, as: Float.self) : nil
    offsets = try RaggedOffsets(segment, Plaid.offsets, rows: count)
    guard halfSquares.map({ $0.count == count }) ?? true else {
      throw .data(place, "damaged: squares of \(halfSquares?.count ?? 0) of \(count) vectors")
    }
  }

  /// The vectors of a document.
  ///
  /// - Throws: 65 where they lie outside of the file.
  func rows(_ ordinal: Int) throws(Failure) -> Range<Int> { try offsets.range(ordinal) }

  /// At least the length of what is left of a document's vectors.
  func radius(_ ordinal: Int) -> Float { radii[ordinal] }

  /// Sum of the squares of the lengths of what is left of a document's vectors.
  func rest(_ ordinal: Int) -> Float { rests[ordinal] }

  /// The number of a vector's factor.
  func factor(_ row: Int) -> UInt8 { factors[row / 2] >> UInt8(row % 2 * 4) & 15 }

  /// Half of the square of a decoded vector's length; 0 where no distances are asked for.
  func halfSquare(_ row: Int) -> Float { halfSquares?[row] ?? 0 }

  /// The codes of vectors from one on.
  func codes(from row: Int) -> UnsafePointer<UInt8> { codes + row * codebook.codec.size }

  /// The centroids of all vectors, for the kernels; of two bytes they may lie outside of the codebook
  /// where a file is damaged, though not outside of `PlaidTraining.mostCentroids`.
  var numbers: CentroidNumbers {
    if let narrow { return .narrow(narrow) }
    guard let wide else { preconditionFailure("no numbers of centroids") }
    return .wide(wide)
  }

  /// Whether numbers of centroids have two bytes.
  var isNarrow: Bool { narrow != nil }

  /// The centroid of a vector, whatever the file has.
  @inline(__always)
  func number(_ row: Int) -> Int32 {
    if let narrow { return Int32(narrow[row]) }
    return wide.unsafelyUnwrapped[row]
  }

  /// The centroids of some vectors.
  ///
  /// - Throws: 65 for one that there is not.
  func numbers(_ rows: Range<Int>) throws(Failure) -> [Int32] {
    let numbers = rows.map { number($0) }
    if let stranger = numbers.first(where: { $0 < 0 || Int($0) >= codebook.count }) {
      throw .data(place, "damaged: centroid \(stranger) of \(codebook.count)")
    }
    return numbers
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for one that no index has.
  func check() throws(Failure) {
    try offsets.check()
    try lists.check()
    var counts = [Int](repeating: 0, count: codebook.count)
    for ordinal in 0..<documents.count {
      let rows = try rows(ordinal)
      for number in try numbers(rows) { counts[Int(number)] += 1 }
      guard radius(ordinal).isFinite, radius(ordinal) >= 0 else {
        throw .data(place, "damaged: document \(ordinal) has the radius \(radius(ordinal))")
      }
      guard rest(ordinal) >= 0 else {
        throw .data(place, "damaged: document \(ordinal) has rests of \(rest(ordinal))")
      }
      for row in rows where !halfSquare(row).isFinite {
        throw .data(place, "damaged: vector \(row) has the square \(halfSquare(row))")
      }
    }
    for centroid in counts.indices where counts[centroid] != lists.vectors(centroid) {
      throw .data(
        place,
        "damaged: centroid \(centroid) has \(counts[centroid]) vectors, \(lists.vectors(centroid)) "
          + "in its list")
    }
  }
}
