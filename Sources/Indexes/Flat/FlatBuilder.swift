import Failures
import IndexFormat
import Retrieval
import Tensors

/// Writes vectors as they come, in the type that they are stored in.
struct FlatBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let vectors: StreamedTensorFile
  private let scales: StreamedTensorFile?
  private let schema: StreamSchema

  /// - Throws: 73 where the files cannot be made.
  init(_ writer: IndexWriter, _ source: IndexSource) throws(Failure) {
    guard let schema = source.schema, let type = source.element else {
      preconditionFailure("a flat index of texts")
    }
    self.schema = schema
    self.writer = writer
    vectors = try writer.create(Flat.vectors, type: type, columns: schema.columns[0].width)
    scales = type == .i8 ? try writer.create(Flat.scales) : nil
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("a flat index takes vectors")
    }
    for index in range { try append(segment, index) }
  }

  private func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    precondition(segment.schema == schema, "another schema")
    try checkFinite(segment, index)
    try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
    try segment.withValues(index, column: 0) { values throws(Failure) in
      try vectors.append(values)
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
    try Self.copy(try segment.tensor(Flat.vectors).bytes, to: vectors)
    if let scales { try Self.copy(try segment.tensor(Flat.scales).bytes, to: scales) }
  }

  private static func copy(
    _ bytes: UnsafeRawBufferPointer, to target: StreamedTensorFile
  ) throws(Failure) {
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      try target.append(
        UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (1 << 20), bytes.count)]))
    }
  }

  mutating func finish() throws(Failure) -> IndexContent { IndexContent() }
}
