import Failures
import Kernels
import Models
import Tensors
import Vectors

/// How embeddings are changed before they are stored.
struct EmbeddingForm {
  var dtype: ElementType
  /// `--dims`.
  var dims: Int?
  /// `--top-terms`.
  var topTerms: Int?
}

/// Cuts, normalises and rounds embeddings.
struct EmbeddingShaper {
  let form: EmbeddingForm
  let kernels: Kernels
  /// What the stream holds.
  let schema: StreamSchema
  /// Width of what is stored.
  let dimension: Int
  private let renormalizes: Bool

  init(_ model: Model, _ form: EmbeddingForm, _ kernels: Kernels) throws(Failure) {
    self.form = form
    self.kernels = kernels
    let full: Int
    switch model.head {
    case .dense(let head): (full, renormalizes) = (head.dimension, head.normalizes)
    case .multiVector(let head): (full, renormalizes) = (head.dimension, head.normalizes)
    case .viewers(let head): (full, renormalizes) = (head.dimension, head.normalizes)
    case .coil(let head): (full, renormalizes) = (head.tokens.outputs, false)
    case .splade(let head): (full, renormalizes) = (head.dimension, false)
    case .uniCoil(let head): (full, renormalizes) = (head.dimension, false)
    case .mono: preconditionFailure("a cross-encoder has no embeddings")
    }
    try Self.check(form, full: full, kind: Self.kind(model))
    dimension = form.dims ?? full
    switch Self.kind(model) {
    case .sparse: schema = .sparse
    case .coil:
      schema = .coil(clsDimension: model.vectorShape?.cls ?? 0, dimension: dimension)
    case .multivector:
      schema = .multivector(
        form.dtype, dimension: dimension, withTokens: model.vectorShape?.hasTokens ?? false)
    case .dense, .tokens: schema = .dense(form.dtype, dimension: dimension)
    }
  }

  private static func kind(_ model: Model) -> StreamKind {
    switch model.head {
    case .splade, .uniCoil: .sparse
    case .multiVector, .viewers: .multivector
    case .coil: .coil
    case .dense, .mono: .dense
    }
  }

  private static func check(
    _ form: EmbeddingForm, full: Int, kind: StreamKind
  ) throws(Failure) {
    if kind == .sparse || kind == .coil {
      if form.dims != nil || form.dtype != .f32 {
        throw .usage("--dims and --dtype are for dense and multi-vector models")
      }
    }
    if let terms = form.topTerms {
      guard kind == .sparse else { throw .usage("--top-terms is for sparse models") }
      if terms < 1 { throw .usage("--top-terms: expected at least 1") }
    }
    if let dims = form.dims, !(1...full).contains(dims) {
      throw .usage("--dims: expected 1 to \(full), found \(dims)")
    }
  }

  /// The first `dimension` values of a row, normalised again where something was cut.
  func row(_ values: ArraySlice<Float>) -> [Float] {
    var row = Array(values.prefix(dimension))
    if dimension < values.count, renormalizes {
      row.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let view = MutableMatrixView(base, rows: 1, columns: dimension)
        kernels.l2NormalizeRows(view.view, epsilon: 1e-12, into: view)
      }
    }
    return row
  }

  func sparse(_ vector: SparseVector) -> SparseVector {
    form.topTerms.map { vector.top($0) } ?? vector
  }

  /// The bytes of a row in the stored type, and for int8 its scale.
  func bytes(_ row: [Float]) -> (values: [UInt8], scale: Float?) {
    RowCodec(form.dtype, kernels).encode(row)
  }

  /// The stored bytes of several rows of `width` values, and of int8 the scales.
  func bytes(_ values: [Float], width: Int, id: [UInt8]) throws(Failure) -> [[UInt8]] {
    var bytes: [UInt8] = []
    var scales: [Float] = []
    for start in stride(from: 0, to: values.count, by: width) {
      let row = row(values[start..<start + width])
      try checkFinite(row, id: id)
      let (stored, scale) = self.bytes(row)
      bytes += stored
      if let scale { scales.append(scale) }
    }
    return form.dtype == .i8 ? [bytes, scales.withUnsafeBytes { Array($0) }] : [bytes]
  }
}

/// Refuses what no stream may hold: a damaged model's NaN.
func checkFinite(_ row: [Float], id: [UInt8]) throws(Failure) {
  guard row.allSatisfy(\.isFinite) else {
    throw .data(
      "record \(String(decoding: id, as: UTF8.self))", "the model's output is not a finite number",
      hint: "its weights are damaged, or the text drives it out of range")
  }
}
