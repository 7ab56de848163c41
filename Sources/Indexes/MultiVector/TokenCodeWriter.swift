import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes the codes of vectors, with what proves the error of each.
struct TokenCodeWriter {
  private let similarity: Similarity
  private let width: Int
  /// Whether the codes are the vectors.
  private let isAll: Bool
  private let codes: StreamedTensorFile
  private let scales: StreamedTensorFile
  private let errors: StreamedTensorFile
  private let norms: StreamedTensorFile
  /// At least the length of the longest vector so far.
  private(set) var longest: Float = 0

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ similarity: Similarity, width: Int, isAll: Bool
  ) throws(Failure) {
    self.similarity = similarity
    self.width = width
    self.isAll = isAll
    codes = try writer.create(MultiVector.codeBytes, columns: width)
    scales = try writer.create(MultiVector.codeScales)
    errors = try writer.create(MultiVector.codeErrors)
    norms = try writer.create(MultiVector.codeNorms)
  }

  /// Adds the codes of values[vectors, width].
  mutating func append(_ values: [Float], _ work: IndexWork) throws(Failure) {
    if values.isEmpty { return }
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    let count = values.count / width
    let made = Results<ByteCode>(count)
    let (isAll, similarity, width) = (isAll, similarity, width)
    values.withUnsafeBufferPointer { values in
      work.pool.forEachUnchecked(count) { row, _ in
        let code = ByteCode(UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]))
        made.set(row, isAll ? code.standingForItself(similarity, work.kernels) : code)
      }
    }
    for row in 0..<count {
      let code = made.take(row)
      try codes.append(numbers: code.codes)
      try scales.append(numbers: [code.scale])
      try errors.append(numbers: [code.error])
      try norms.append(numbers: [code.norm])
      longest = max(longest, code.norm)
    }
  }

  /// Adds the codes of some vectors of a segment.
  mutating func append(_ rows: [Range<Int>], of segment: IndexSegment) throws(Failure) {
    try codes.append(rows, of: segment.tensor(MultiVector.codeBytes))
    try scales.append(rows, of: segment.tensor(MultiVector.codeScales))
    try errors.append(rows, of: segment.tensor(MultiVector.codeErrors))
    try norms.append(rows, of: segment.tensor(MultiVector.codeNorms))
    let stored = try TokenCodes(segment)
    for range in rows { longest = max(longest, stored.extremes(range).norm) }
  }
}
