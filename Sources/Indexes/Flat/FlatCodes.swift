import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// What codes of vectors with a proof are made of: words of `--codes`.
enum CodeForm: String, CaseIterable {
  case int8, f16, bf16

  /// Elements of the tensor of codes.
  var element: ElementType {
    switch self {
    case .int8: .i8
    case .f16: .f16
    case .bf16: .bf16
    }
  }

  /// The format of numbers of two bytes.
  var half: HalfFormat? {
    switch self {
    case .int8: nil
    case .f16: .float16
    case .bf16: .bfloat16
    }
  }

  init?(_ element: ElementType) {
    guard let form = Self.allCases.first(where: { $0.element == element }) else { return nil }
    self = form
  }
}

/// A block of queries as codes of some form are compared with them.
enum CodedQueries: Sendable {
  case bytes(ByteQueries)
  case halves(HalfQueries)

  var proof: ScoreProof {
    switch self {
    case .bytes(let queries): queries.proof
    case .halves(let queries): queries.proof
    }
  }
}

/// The codes of a segment's vectors, in mapped files.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct FlatCodes: @unchecked Sendable {
  let count: Int
  let width: Int
  let form: CodeForm
  /// At least the length of the longest vector.
  let longest: Float
  private let codes: UnsafeRawPointer
  private let scales: UnsafePointer<Float>?
  private let errors: UnsafePointer<Float>
  private let norms: UnsafePointer<Float>
  private let owners: [SafeTensorsFile]
  private let place: String

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    let rows = try segment.tensor(Flat.codeRows)
    guard let form = CodeForm(rows.entry.type),
      form.rawValue == segment.manifest.parameter(Flat.codes)
    else {
      throw .data(
        rows.file.path,
        "damaged: codes of \(rows.entry.type.rawValue), which are none of "
          + (segment.manifest.parameter(Flat.codes) ?? "none"))
    }
    self.form = form
    count = segment.documents
    width = rows.entry.shape[1]
    let scales = form == .int8 ? try segment.tensor(Flat.codeScales) : nil
    let errors = try segment.tensor(Flat.codeErrors)
    let norms = try segment.tensor(Flat.codeNorms)
    owners = [rows.file, errors.file, norms.file] + (scales.map { [$0.file] } ?? [])
    codes = try Self.base(rows, alignment: form.element.size)
    self.scales = try scales.map { scales throws(Failure) in try Self.numbers(scales) }
    self.errors = try Self.numbers(errors)
    self.norms = try Self.numbers(norms)
    longest = try Self.longest(segment)
  }

  /// At least the length of a segment's longest vector, as the manifest has it.
  ///
  /// - Throws: 65 for a manifest that does not have it.
  static func longest(_ segment: IndexSegment) throws(Failure) -> Float {
    let member = segment.statistics.first { $0.key == Flat.longest }?.value
    guard let longest = member?.double.map({ Float($0) }), longest >= 0 else {
      throw .data(
        "\(segment.folder)/\(IndexManifest.fileName)", "damaged manifest: no \(Flat.longest)")
    }
    return longest
  }

  static func numbers(_ tensor: IndexTensor) throws(Failure) -> UnsafePointer<Float> {
    try base(tensor, alignment: MemoryLayout<Float>.alignment).assumingMemoryBound(to: Float.self)
  }

  static func base(
    _ tensor: IndexTensor, alignment: Int
  ) throws(Failure) -> UnsafeRawPointer {
    let base = tensor.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    guard Int(bitPattern: base) % alignment == 0 else {
      throw .data(tensor.file.path, "damaged: numbers that are not aligned")
    }
    return base
  }

  /// Whether a code has a byte a number.
  var isBytes: Bool { form == .int8 }

  func error(_ ordinal: Int) -> Float { errors[ordinal] }
  func norm(_ ordinal: Int) -> Float { norms[ordinal] }

  /// Some queries, as they are compared with these codes.
  ///
  /// - Parameters:
  ///   - values: queries[count, dimension], finite; of unit length already where cosines are asked for.
  ///   - count: How many, at least one.
  ///   - similarity: What a score is.
  ///   - kernels: What codes or packs them.
  /// - Returns: The queries.
  func queries(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) -> CodedQueries {
    isBytes
      ? .bytes(ByteQueries(values, count: count, similarity, kernels))
      : .halves(HalfQueries(values, count: count, similarity, kernels))
  }

  /// Finds documents whose scores may reach a query's threshold, with the products of their codes.
  ///
  /// - Parameters:
  ///   - range: The documents that are looked at.
  ///   - queries: A block of queries.
  ///   - bounds: What a score may be above a product.
  ///   - thresholds: One of each query.
  ///   - room: Takes what is found, with rows that count from the first document; scratch memory.
  ///   - kernels: What multiplies.
  func scan(
    _ range: Range<Int>, _ queries: CodedQueries, _ bounds: ScoreBounds, thresholds: [Float],
    _ room: FlatRoom, _ kernels: Kernels
  ) {
    let similarity = queries.proof.similarity
    if similarity == .l2 {
      for (place, ordinal) in range.enumerated() {
        room.offsets.pointer[place] = ScoreProof.offset(similarity, norm: norms[ordinal])
      }
    }
    let first = range.lowerBound
    let offsets = similarity == .l2 ? UnsafePointer(room.offsets.pointer) : nil
    switch queries {
    case .bytes(let queries):
      kernels.scan(
        ByteRows(
          count: range.count, codes: codes.assumingMemoryBound(to: Int8.self) + first * width,
          scales: scales.unsafelyUnwrapped + first, errors: errors + first, norms: norms + first,
          offsets: offsets),
        queries.matrix, bounds, thresholds: thresholds, into: room.results)
    case .halves(let queries):
      let numbers = range.count * width
      kernels.widen(
        UnsafeBufferPointer(
          start: codes.assumingMemoryBound(to: UInt16.self) + first * width, count: numbers),
        form.half ?? .float16,
        into: UnsafeMutableBufferPointer(start: room.rows.pointer, count: numbers))
      let products = room.scores.matrix(rows: range.count, columns: queries.matrix.rows)
      kernels.multiply(
        room.rows.matrix(rows: range.count, columns: width).view, queries.matrix, into: products)
      kernels.select(
        products.view, RowBounds(errors: errors + first, norms: norms + first, offsets: offsets),
        bounds, thresholds: thresholds, into: room.results)
    }
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for one that no code has.
  func check() throws(Failure) {
    for ordinal in 0..<count {
      for (name, value) in [
        ("scale", scales?[ordinal] ?? 0), ("error", errors[ordinal]), ("norm", norms[ordinal]),
      ] where !(value.isFinite && value >= 0) {
        throw .data(place, "damaged: the code of document \(ordinal) has \(name) \(value)")
      }
      guard norms[ordinal] <= longest else {
        throw .data(place, "damaged: document \(ordinal) is longer than the longest")
      }
    }
  }
}
