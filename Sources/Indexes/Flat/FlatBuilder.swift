import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes vectors as they come, in the type that they are stored in, and their codes.
struct FlatBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let vectors: StreamedTensorFile?
  private let scales: StreamedTensorFile?
  private var codes: CodeWriter?
  private let work: IndexWork
  private let schema: StreamSchema

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let type = source.element else {
      preconditionFailure("a flat index of texts")
    }
    self.schema = schema
    self.writer = writer
    self.work = work
    let width = schema.columns[0].width ?? 0
    vectors =
      arguments.text(Flat.originals) == "none"
      ? nil : try writer.create(Flat.vectors, type: type, columns: width)
    scales = type == .i8 ? try writer.create(Flat.scales) : nil
    codes =
      arguments.text(Flat.codes) == nil
      ? nil : try CodeWriter(writer, Flat.similarity(source, Flat.name), width: width)
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("a flat index takes vectors")
    }
    for index in range { try append(segment, index) }
    if codes != nil {
      guard case .dense(let values, _) = try documents.embeddings(work.kernels) else {
        preconditionFailure("a flat index takes dense vectors")
      }
      try codes?.append(values, work)
    }
  }

  private func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    precondition(segment.schema == schema, "another schema")
    try checkFinite(segment, index)
    try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
    try segment.withValues(index, column: 0) { values throws(Failure) in
      try vectors?.append(values)
    }
    if let scales {
      try segment.withValues(index, column: 1) { value throws(Failure) in
        try scales.append(value)
      }
    }
  }

  /// Refuses single precision values, of vectors or of scales, that are no finite numbers.
  private func checkFinite(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    for column in schema.columns.indices where schema.columns[column].type == .f32 {
      let notFinite: Float? = segment.withValues(index, column: column) { bytes in
        for place in stride(from: 0, to: bytes.count, by: 4) {
          let value = bytes.loadUnaligned(fromByteOffset: place, as: Float.self)
          if !value.isFinite { return value }
        }
        return nil
      }
      if let notFinite {
        throw .data(
          "document \(String(decoding: segment.id(index), as: UTF8.self))",
          "expected finite \(schema.columns[column].name), found \(notFinite)")
      }
    }
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try writer.append(idsOf: segment)
    if let vectors { try vectors.append(copying: segment.tensor(Flat.vectors)) }
    if let scales { try scales.append(copying: segment.tensor(Flat.scales)) }
    try codes?.append(contentsOf: segment)
  }

  mutating func finish() throws(Failure) -> IndexContent {
    IndexContent(
      statistics: codes.map { [JSON.Member(Flat.longest, .double(Double($0.longest)))] } ?? [])
  }
}

/// Writes the codes of vectors.
private struct CodeWriter {
  private let similarity: Similarity
  private let width: Int
  private let codes: StreamedTensorFile
  private let scales: StreamedTensorFile
  private let errors: StreamedTensorFile
  private let norms: StreamedTensorFile
  /// At least the length of the longest vector so far.
  private(set) var longest: Float = 0

  init(_ writer: IndexWriter, _ similarity: Similarity, width: Int) throws(Failure) {
    self.similarity = similarity
    self.width = width
    codes = try writer.create(Flat.codeBytes, columns: width)
    scales = try writer.create(Flat.codeScales)
    errors = try writer.create(Flat.codeErrors)
    norms = try writer.create(Flat.codeNorms)
  }

  /// Adds the codes of values[documents, width].
  mutating func append(_ values: [Float], _ work: IndexWork) throws(Failure) {
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    let made = Results<ByteCode>(values.count / width)
    values.withUnsafeBufferPointer { values in
      work.pool.forEachUnchecked(values.count / width) { row, _ in
        made.set(
          row, ByteCode(UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])))
      }
    }
    for row in 0..<values.count / width {
      let code = made.take(row)
      try code.codes.withUnsafeBufferPointer { bytes throws(Failure) in
        try codes.append(UnsafeRawBufferPointer(bytes))
      }
      try scales.append(numbers: [code.scale])
      try errors.append(numbers: [code.error])
      try norms.append(numbers: [code.norm])
      longest = max(longest, code.norm)
    }
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try codes.append(copying: segment.tensor(Flat.codeBytes))
    try scales.append(copying: segment.tensor(Flat.codeScales))
    try errors.append(copying: segment.tensor(Flat.codeErrors))
    try norms.append(copying: segment.tensor(Flat.codeNorms))
    longest = max(longest, try FlatCodes(segment).longest)
  }
}

extension StreamedTensorFile {
  /// Adds all bytes of a tensor.
  fileprivate func append(copying tensor: IndexTensor) throws(Failure) {
    let bytes = tensor.bytes
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      try append(
        UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (1 << 20), bytes.count)]))
    }
  }
}
