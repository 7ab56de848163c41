import Failures
import Kernels
import Tensors
import Vectors

/// How embeddings are changed before they are stored.
package struct EmbeddingForm: Sendable {
  /// `--dtype`.
  package var dtype: ElementType
  /// `--dims`.
  package var dims: Int?
  /// `--top-terms`.
  package var topTerms: Int?

  package init(dtype: ElementType = .f32, dims: Int? = nil, topTerms: Int? = nil) {
    self.dtype = dtype
    self.dims = dims
    self.topTerms = topTerms
  }
}

/// Cuts, normalises and rounds embeddings.
package struct EmbeddingShaper: Sendable {
  package let form: EmbeddingForm
  /// What a stream of the embeddings holds.
  package let schema: StreamSchema
  /// Width of what is stored.
  package let dimension: Int
  private let renormalizes: Bool
  private let kernels: Kernels
  private let codec: RowCodec

  /// - Parameters:
  ///   - output: What the model gives.
  ///   - form: What is stored of it.
  ///   - kernels: Compute.
  /// - Throws: 64 for a form that such embeddings cannot have.
  package init(
    _ output: EmbeddingOutput, _ form: EmbeddingForm, _ kernels: Kernels
  ) throws(Failure) {
    try Self.check(form, output)
    self.form = form
    self.kernels = kernels
    codec = RowCodec(form.dtype, kernels)
    renormalizes = output.normalizes
    dimension = form.dims ?? output.width
    switch output.kind {
    case .sparse: schema = .sparse
    case .coil: schema = .coil(clsDimension: output.clsWidth ?? 0, dimension: dimension)
    case .multivector:
      schema = .multivector(form.dtype, dimension: dimension, withTokens: output.hasTokens)
    case .dense: schema = .dense(form.dtype, dimension: dimension)
    case .tokens: preconditionFailure("tokens are no embeddings")
    }
  }

  private static func check(_ form: EmbeddingForm, _ output: EmbeddingOutput) throws(Failure) {
    if output.kind == .sparse || output.kind == .coil {
      if form.dims != nil || form.dtype != .f32 {
        throw .usage("--dims and --dtype are for dense and multi-vector models")
      }
    }
    if let terms = form.topTerms {
      guard output.kind == .sparse else { throw .usage("--top-terms is for sparse models") }
      if terms < 1 { throw .usage("--top-terms: expected at least 1") }
    }
    if let dims = form.dims, !(1...output.width).contains(dims) {
      throw .usage("--dims: expected 1 to \(output.width), found \(dims)")
    }
  }

  /// The first `dimension` values of a row, normalised again where something was cut.
  ///
  /// - Throws: 65 where one is not finite.
  package func row(_ values: ArraySlice<Float>, id: [UInt8]) throws(Failure) -> [Float] {
    var row = Array(values.prefix(dimension))
    if dimension < values.count, renormalizes {
      row.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let view = MutableMatrixView(base, rows: 1, columns: dimension)
        kernels.l2NormalizeRows(view.view, epsilon: 1e-12, into: view)
      }
    }
    try Self.checkFinite(row, id: id)
    return row
  }

  /// Several rows of `width` values each.
  ///
  /// - Throws: 65 where a value is not finite.
  package func rows(_ values: [Float], width: Int, id: [UInt8]) throws(Failure) -> [[Float]] {
    var rows: [[Float]] = []
    for start in stride(from: 0, to: values.count, by: width) {
      rows.append(try row(values[start..<start + width], id: id))
    }
    return rows
  }

  /// The terms of a sparse vector that are kept.
  ///
  /// - Throws: 65 where a weight is not finite.
  package func terms(_ vector: SparseVector, id: [UInt8]) throws(Failure) -> SparseVector {
    let vector = form.topTerms.map { vector.top($0) } ?? vector
    try Self.checkFinite(vector.values, id: id)
    return vector
  }

  /// Rows as columns of a stream: their bytes and, of int8, their scales.
  package func columns(_ rows: [[Float]]) -> [[UInt8]] {
    var bytes: [UInt8] = []
    var scales: [Float] = []
    for row in rows {
      let (stored, scale) = codec.encode(row)
      bytes += stored
      if let scale { scales.append(scale) }
    }
    return form.dtype == .i8 ? [bytes, scales.withUnsafeBytes { Array($0) }] : [bytes]
  }

  /// Refuses what no stream may hold: a damaged model's NaN.
  ///
  /// - Throws: 65.
  package static func checkFinite(_ values: [Float], id: [UInt8]) throws(Failure) {
    guard values.allSatisfy(\.isFinite) else {
      throw .data(
        "record \(String(decoding: id, as: UTF8.self))",
        "the model's output is not a finite number",
        hint: "its weights are damaged, or the text drives it out of range")
    }
  }
}
