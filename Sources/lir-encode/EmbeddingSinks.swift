import Failures
import JSON
import Kernels
import Models
import Streams
import Tensors
import Tokenizers

/// How embeddings are changed before they are stored.
struct EmbeddingForm {
  var dtype: ElementType
  /// `--dims`.
  var dims: Int?
  /// `--top-terms`.
  var topTerms: Int?
}

/// Where an encoder's embeddings go.
protocol EmbeddingSink {
  mutating func append(ids: [[UInt8]], _ embeddings: EmbeddingWindow) throws(Failure)
  mutating func flush() throws(Failure)
  mutating func finish() throws(Failure)
}

/// Cuts, normalises and rounds embeddings.
struct EmbeddingShaper {
  let form: EmbeddingForm
  let kernels: Kernels
  /// Width of what is stored.
  let dimension: Int
  let isSparse: Bool
  private let renormalizes: Bool

  init(_ model: Model, _ form: EmbeddingForm, _ kernels: Kernels) throws(Failure) {
    self.form = form
    self.kernels = kernels
    let full: Int
    switch model.head {
    case .dense(let head):
      (full, isSparse, renormalizes) = (head.dimension, false, head.normalizes)
      if form.topTerms != nil { throw .usage("--top-terms is for sparse models") }
    case .splade(let head):
      (full, isSparse, renormalizes) = (head.dimension, true, false)
      if form.dims != nil || form.dtype != .f32 {
        throw .usage("--dims and --dtype are for dense models")
      }
      if let terms = form.topTerms, terms < 1 { throw .usage("--top-terms: expected at least 1") }
    case .mono: preconditionFailure("a cross-encoder has no embeddings")
    }
    if let dims = form.dims, !(1...full).contains(dims) {
      throw .usage("--dims: expected 1 to \(full), found \(dims)")
    }
    dimension = form.dims ?? full
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
    switch form.dtype {
    case .f16, .bf16:
      var halves = [UInt16](repeating: 0, count: row.count)
      row.withUnsafeBufferPointer { source in
        halves.withUnsafeMutableBufferPointer {
          kernels.narrow(source, to: form.dtype == .f16 ? .float16 : .bfloat16, into: $0)
        }
      }
      return (halves.withUnsafeBytes { Array($0) }, nil)
    case .i8:
      // Symmetric, one scale a vector: the largest value becomes 127.
      let largest = row.reduce(0) { max($0, abs($1)) }
      let scale = largest / 127
      let bytes = row.map { value -> UInt8 in
        if scale == 0 { return 0 }
        return UInt8(
          bitPattern: Int8(max(-127, min(127, (value / scale).rounded(.toNearestOrEven)))))
      }
      return (bytes, scale)
    default: return (row.withUnsafeBytes { Array($0) }, nil)
    }
  }
}

/// Refuses what no stream may hold: a damaged model's NaN.
private func checkFinite(_ row: [Float], id: [UInt8]) throws(Failure) {
  guard row.allSatisfy(\.isFinite) else {
    throw .data(
      "record \(String(decoding: id, as: UTF8.self))", "the model's output is not a finite number",
      hint: "its weights are damaged, or the text drives it out of range")
  }
}

/// A tensor stream.
struct TensorSink: EmbeddingSink {
  private let output: ByteWriter
  private let writer: TensorStreamWriter
  private let shaper: EmbeddingShaper

  init(
    _ output: ByteWriter, _ model: Model, _ form: EmbeddingForm, _ kernels: Kernels,
    description: StreamDescription, after done: FinishedSegments?
  ) throws(Failure) {
    shaper = try EmbeddingShaper(model, form, kernels)
    self.output = output
    var description = description
    description.dim = shaper.dimension
    let schema: StreamSchema =
      shaper.isSparse ? .sparse : .dense(form.dtype, dimension: shaper.dimension)
    writer =
      done.map { TensorStreamWriter(output, schema: schema, description: description, after: $0) }
      ?? TensorStreamWriter(output, schema: schema, description: description)
  }

  mutating func append(ids: [[UInt8]], _ embeddings: EmbeddingWindow) throws(Failure) {
    switch embeddings {
    case .dense(let values, let width):
      for (i, id) in ids.enumerated() {
        let row = shaper.row(values[i * width..<(i + 1) * width])
        try checkFinite(row, id: id)
        let (bytes, scale) = shaper.bytes(row)
        var columns = [bytes]
        if let scale { columns.append(withUnsafeBytes(of: scale) { Array($0) }) }
        try writer.append(id: id, items: 1, columns)
      }
    case .sparse(let vectors):
      for (id, vector) in zip(ids, vectors) {
        let vector = shaper.sparse(vector)
        try checkFinite(vector.values, id: id)
        try writer.append(
          id: id, items: vector.indices.count,
          [
            vector.indices.withUnsafeBytes { Array($0) },
            vector.values.withUnsafeBytes { Array($0) },
          ])
      }
    }
  }

  mutating func flush() throws(Failure) { try output.flush() }

  mutating func finish() throws(Failure) { try writer.finish() }
}

/// One JSON object a record.
struct JSONLSink: EmbeddingSink {
  private let output: ByteWriter
  private let shaper: EmbeddingShaper
  private let tokenizer: Tokenizer
  private let provenance: String?
  private var records = 0

  init(
    _ output: ByteWriter, _ model: Model, _ form: EmbeddingForm, _ kernels: Kernels,
    _ tokenizer: Tokenizer, provenance: String?
  ) throws(Failure) {
    self.output = output
    self.tokenizer = tokenizer
    self.provenance = provenance
    shaper = try EmbeddingShaper(model, form, kernels)
  }

  mutating func append(ids: [[UInt8]], _ embeddings: EmbeddingWindow) throws(Failure) {
    for (i, id) in ids.enumerated() {
      var line = "{\"id\":"
      JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
      line += ",\"vector\":"
      switch embeddings {
      case .dense(let values, let width):
        let row = shaper.row(values[i * width..<(i + 1) * width])
        try checkFinite(row, id: id)
        line += "[" + row.map(\.description).joined(separator: ",") + "]"
      case .sparse(let vectors):
        let vector = shaper.sparse(vectors[i])
        try checkFinite(vector.values, id: id)
        line += "{"
        for (j, (index, value)) in zip(vector.indices, vector.values).enumerated() {
          if j > 0 { line += "," }
          JSON.quote(tokenizer.token(of: index) ?? "#\(index)", to: &line)
          line += ":\(value)"
        }
        line += "}"
      }
      try output.write(line + "}\n")
      records += 1
    }
  }

  mutating func flush() throws(Failure) { try output.flush() }

  mutating func finish() throws(Failure) {
    try output.finishText(records: records, provenance: provenance)
  }
}

/// A NumPy file and its ids.
///
/// The number of rows stands in the header, so the rows are kept until the end in the file and the
/// header, of fixed length, goes in front of them.
struct NPYSink: EmbeddingSink {
  private let path: String
  private let shaper: EmbeddingShaper
  private let idWriter: ByteWriter
  private var rows: [UInt8] = []
  private var count = 0

  init(
    _ path: String, _ model: Model, _ form: EmbeddingForm, _ kernels: Kernels
  ) throws(Failure) {
    guard path != "-" else { throw .usage("--format npy needs -o FILE") }
    guard form.dtype == .f32 || form.dtype == .f16 else {
      throw .usage("--format npy stores f32 or f16")
    }
    shaper = try EmbeddingShaper(model, form, kernels)
    guard !shaper.isSparse else { throw .usage("--format npy is for dense models") }
    self.path = path
    idWriter = try ByteWriter(path + ".ids", compression: Compression.none)
  }

  mutating func append(ids: [[UInt8]], _ embeddings: EmbeddingWindow) throws(Failure) {
    guard case .dense(let values, let width) = embeddings else { return }
    for (i, id) in ids.enumerated() {
      let row = shaper.row(values[i * width..<(i + 1) * width])
      try checkFinite(row, id: id)
      rows += shaper.bytes(row).values
      try idWriter.write(id + [0x0A])
      count += 1
    }
  }

  mutating func flush() throws(Failure) {}

  /// NumPy's format 1.0: magic, version, length of the header, a Python dictionary.
  mutating func finish() throws(Failure) {
    let descriptor = shaper.form.dtype == .f32 ? "<f4" : "<f2"
    var header =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(count), \(shaper.dimension)), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes.append(littleEndian: UInt16(header.utf8.count))
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(bytes + Array(header.utf8))
    try writer.write(rows)
    try writer.finish()
    try idWriter.finish()
  }
}
