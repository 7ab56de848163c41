import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes the codes of vectors, with what proves the error of each.
struct CodeWriter {
  private let form: CodeForm
  private let similarity: Similarity
  private let width: Int
  /// Whether the codes are the vectors, so that none may be limited.
  private let isAll: Bool
  private let codes: StreamedTensorFile
  private let scales: StreamedTensorFile?
  private let errors: StreamedTensorFile
  private let norms: StreamedTensorFile
  /// At least the length of the longest vector so far.
  private(set) var longest: Float = 0

  init(
    _ writer: IndexWriter, _ form: CodeForm, _ similarity: Similarity, width: Int, isAll: Bool
  ) throws(Failure) {
    self.form = form
    self.similarity = similarity
    self.width = width
    self.isAll = isAll
    codes = try writer.create(Flat.codeRows, type: form.element, columns: width)
    scales = form == .int8 ? try writer.create(Flat.codeScales) : nil
    errors = try writer.create(Flat.codeErrors)
    norms = try writer.create(Flat.codeNorms)
  }

  /// A code as it is written.
  private enum Code: Sendable {
    case bytes(ByteCode)
    case halves(HalfCode)
  }

  /// Adds the codes of values[documents, width].
  ///
  /// - Parameters:
  ///   - values: The vectors.
  ///   - work: What codes them.
  ///   - name: What a document is called in messages.
  /// - Throws: 65 for a vector that a code is to stand for and cannot.
  mutating func append(
    _ values: [Float], _ work: IndexWork, _ name: (Int) -> String
  ) throws(Failure) {
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    if isAll, let half = form.half,
      let place = values.firstIndex(where: {
        abs($0) > HalfCode.largest(half)
      })
    {
      throw .data(
        name(place / width),
        "expected numbers that \(form.rawValue) can hold, up to \(HalfCode.largest(half)), found "
          + "\(values[place])", hint: "keep the originals, or take other codes")
    }
    let made = Results<Code>(values.count / width)
    let (form, isAll, similarity, width) = (form, isAll, similarity, width)
    values.withUnsafeBufferPointer { values in
      work.pool.forEachUnchecked(values.count / width) { row, _ in
        let vector = UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])
        let code: Code
        if let half = form.half {
          let made = HalfCode(vector, half, work.kernels)
          code = .halves(isAll ? made.standingForItself(half, similarity, work.kernels) : made)
        } else {
          let made = ByteCode(vector)
          code = .bytes(isAll ? made.standingForItself(similarity, work.kernels) : made)
        }
        made.set(row, code)
      }
    }
    for row in 0..<values.count / width {
      switch made.take(row) {
      case .bytes(let code):
        try codes.append(numbers: code.codes)
        try scales?.append(numbers: [code.scale])
        try append(error: code.error, norm: code.norm)
      case .halves(let code):
        try codes.append(numbers: code.codes)
        try append(error: code.error, norm: code.norm)
      }
    }
  }

  private mutating func append(error: Float, norm: Float) throws(Failure) {
    try errors.append(numbers: [error])
    try norms.append(numbers: [norm])
    longest = max(longest, norm)
  }

  /// Adds the codes of a segment.
  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try append(segment.liveRanges, of: WrittenCodes(segment))
  }

  /// Adds codes of some documents of a segment.
  mutating func append(_ rows: [Range<Int>], of written: WrittenCodes) throws(Failure) {
    try codes.append(rows, of: written.rows)
    if let scales, let tensor = written.scales { try scales.append(rows, of: tensor) }
    try errors.append(rows, of: written.errors)
    try norms.append(rows, of: written.norms)
    longest = rows.reduce(longest) { $1.reduce($0) { max($0, written.codes.norm($1)) } }
  }
}

/// The files of a segment's codes.
struct WrittenCodes {
  let rows: IndexTensor
  let scales: IndexTensor?
  let errors: IndexTensor
  let norms: IndexTensor
  let codes: FlatCodes

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    rows = try segment.tensor(Flat.codeRows)
    scales = segment.has(Flat.codeScales) ? try segment.tensor(Flat.codeScales) : nil
    errors = try segment.tensor(Flat.codeErrors)
    norms = try segment.tensor(Flat.codeNorms)
    codes = try FlatCodes(segment)
  }
}

extension StreamedTensorFile {
  /// Adds some rows of a tensor.
  func append(_ rows: [Range<Int>], of tensor: IndexTensor) throws(Failure) {
    let bytes = tensor.bytes
    let size = bytes.count / max(tensor.entry.shape[0], 1)
    for range in rows {
      for start in stride(from: range.lowerBound * size, to: range.upperBound * size, by: 1 << 20) {
        let end = min(start + (1 << 20), range.upperBound * size)
        try append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      }
    }
  }
}
