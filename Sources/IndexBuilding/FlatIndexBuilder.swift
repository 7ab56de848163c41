import Failures
import IndexFormat
import Streams
import Tensors

/// All vectors as they come, in the type that they are stored in.
package struct FlatIndexBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let vectors: StreamedTensorFile
  private let scales: StreamedTensorFile?
  private let schema: StreamSchema
  private var manifest: IndexManifest

  /// - Throws: 78 where the stream is not dense, 73 where the folder cannot be made.
  package init(
    _ target: String, schema: StreamSchema, description: StreamDescription, seed: UInt64
  ) throws(Failure) {
    guard schema.kind == .dense, let dimension = schema.columns[0].width else {
      throw .config(nil, "a flat index takes dense vectors, found kind \(schema.kind.rawValue)")
    }
    self.schema = schema
    writer = try IndexWriter(target)
    vectors = try StreamedTensorFile(
      writer.path(FlatFiles.vectors), name: "embeddings", type: schema.columns[0].type,
      columns: dimension)
    scales =
      schema.columns[0].type == .i8
      ? try StreamedTensorFile(
        writer.path(FlatFiles.scales), name: "scales", type: .f32, columns: nil) : nil
    manifest = IndexManifest(
      kind: .flat, documents: 0, dimension: dimension, element: schema.columns[0].type,
      stream: description, seed: seed, files: [])
  }

  package mutating func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
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

  package mutating func append(contentsOf index: IndexFolder) throws(Failure) {
    try writer.append(idsOf: index)
    try Self.copy(try index.tensors(FlatFiles.vectors), "embeddings", to: vectors)
    if let scales { try Self.copy(try index.tensors(FlatFiles.scales), "scales", to: scales) }
  }

  private static func copy(
    _ file: SafeTensorsFile, _ name: String, to target: StreamedTensorFile
  ) throws(Failure) {
    guard let entry = file.entry(name) else { throw .data(file.path, "expected a tensor \(name)") }
    let bytes = file.bytes(entry)
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      try target.append(
        UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (1 << 20), bytes.count)]))
    }
  }

  package mutating func finish() throws(Failure) -> Int {
    try vectors.finish()
    try scales?.finish()
    manifest.documents = writer.documents
    try writer.finish(
      manifest, files: [FlatFiles.vectors] + (scales == nil ? [] : [FlatFiles.scales]))
    return writer.documents
  }
}
