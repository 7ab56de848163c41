import Failures
import Kernels
import Tensors

/// Gathers records of a tensor stream as embeddings, numbers in single precision.
package struct EmbeddingsReader: Sendable {
  private let kind: StreamKind
  private let shape: VectorShape
  private let kernels: Kernels
  private var values: [Float] = []
  private var sparse: [SparseVector] = []
  private var sets: [VectorSet] = []

  /// - Parameters:
  ///   - schema: What the stream's records are.
  ///   - place: The stream's name, for messages.
  ///   - kernels: What widens the rows.
  /// - Throws: 78 where the stream holds tokens.
  package init(_ schema: StreamSchema, _ place: String, _ kernels: Kernels) throws(Failure) {
    guard schema.kind != .tokens else {
      throw .config(place, "expected embeddings, found tokens")
    }
    kind = schema.kind
    self.kernels = kernels
    func width(_ name: String) -> Int? { schema.columns.first { $0.name == name }?.width }
    shape = VectorShape(
      cls: width("cls"), width: width("embeddings") ?? 0,
      hasTokens: schema.columns.contains { $0.name == "input_ids" })
  }

  /// The records so far.
  package var embeddings: Embeddings {
    switch kind {
    case .dense, .tokens: .dense(values, dimension: shape.width)
    case .sparse: .sparse(sparse)
    case .multivector, .coil: .vectors(sets, shape)
    }
  }

  /// Makes room for some records more.
  package mutating func reserve(_ records: Int) {
    if kind == .dense { values.reserveCapacity(values.count + records * shape.width) }
  }

  /// Adds a record of a segment with the schema that the reader was made for.
  package mutating func append(_ segment: TensorSegment, _ index: Int) {
    switch kind {
    case .dense, .tokens:
      if segment.schema.columns[0].type == .f32 {
        segment.withValues(index, column: 0) { values.append(rawBytes: $0) }
      } else {
        values += Self.floats(segment, index, column: 0, kernels)
      }
    case .sparse:
      sparse.append(
        SparseVector(
          indices: segment.values(index, column: 0, as: Int32.self),
          values: segment.values(index, column: 1, as: Float.self)))
    case .multivector, .coil: sets.append(vectorSet(segment, index))
    }
  }

  private func vectorSet(_ segment: TensorSegment, _ index: Int) -> VectorSet {
    var set = VectorSet()
    for (column, form) in segment.schema.columns.enumerated() {
      switch form.name {
      case "cls": set.cls = segment.values(index, column: column, as: Float.self)
      case "input_ids": set.ids = segment.values(index, column: column, as: Int32.self)
      case "embeddings": set.values = Self.floats(segment, index, column: column, kernels)
      default: break
      }
    }
    return set
  }

  /// The rows of a record; scales of int8 stand in the column behind.
  private static func floats(
    _ segment: TensorSegment, _ index: Int, column: Int, _ kernels: Kernels
  ) -> [Float] {
    let form = segment.schema.columns[column]
    if form.type == .f32 { return segment.values(index, column: column, as: Float.self) }
    return segment.withValues(index, column: column) { bytes in
      let count = bytes.count / form.type.size
      return [Float](unsafeUninitializedCapacity: count) { target, filled in
        filled = count
        let codec = RowCodec(form.type, kernels)
        guard form.type == .i8 else {
          let none = UnsafeRawBufferPointer(start: nil, count: 0)
          return codec.decode(bytes, width: form.width ?? 1, scales: none, into: target)
        }
        segment.withValues(index, column: column + 1) { scales in
          codec.decode(bytes, width: form.width ?? 1, scales: scales, into: target)
        }
      }
    }
  }
}

extension Embeddings {
  /// Some records of a segment.
  ///
  /// - Throws: 78 where the stream holds tokens.
  package init(
    _ segment: TensorSegment, _ members: some Sequence<Int>, _ place: String, _ kernels: Kernels
  ) throws(Failure) {
    var reader = try EmbeddingsReader(segment.schema, place, kernels)
    reader.reserve(members.underestimatedCount)
    for index in members { reader.append(segment, index) }
    self = reader.embeddings
  }
}

extension [Float] {
  /// Adds numbers that lie anywhere.
  fileprivate mutating func append(rawBytes bytes: UnsafeRawBufferPointer) {
    let stride = MemoryLayout<Float>.stride
    if Int(bitPattern: bytes.baseAddress) % stride == 0 {
      return append(contentsOf: bytes.bindMemory(to: Float.self))
    }
    for start in Swift.stride(from: 0, to: bytes.count / stride * stride, by: stride) {
      append(bytes.loadUnaligned(fromByteOffset: start, as: Float.self))
    }
  }
}
