import Failures
import JSON
import Kernels
import Models
import Streams
import Tensors
import Tokenizers
import Vectors

/// Where an encoder's embeddings go.
protocol EmbeddingSink {
  mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure)
  mutating func flush() throws(Failure)
  mutating func finish() throws(Failure)
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
    let schema = shaper.schema
    writer =
      done.map { TensorStreamWriter(output, schema: schema, description: description, after: $0) }
      ?? TensorStreamWriter(output, schema: schema, description: description)
  }

  mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
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
    case .vectors(let sets, let shape):
      for (id, set) in zip(ids, sets) { try append(id, set, shape) }
    case .texts: preconditionFailure("a model gives vectors")
    }
  }

  private func append(_ id: [UInt8], _ set: VectorSet, _ shape: VectorShape) throws(Failure) {
    var columns = try shaper.bytes(set.values, width: shape.width, id: id)
    if shape.hasTokens { columns.append(set.ids.withUnsafeBytes { Array($0) }) }
    if shape.cls != nil {
      try checkFinite(set.cls, id: id)
      columns.insert(set.cls.withUnsafeBytes { Array($0) }, at: 0)
    }
    try writer.append(id: id, items: set.values.count / shape.width, columns)
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

  mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
    for (i, id) in ids.enumerated() {
      var line = "{\"id\":"
      JSON.quote(String(decoding: id, as: UTF8.self), to: &line)
      switch embeddings {
      case .dense(let values, let width):
        line += ",\"vector\":" + (try row(values[i * width..<(i + 1) * width], id))
      case .sparse(let vectors):
        line += ",\"vector\":" + (try terms(shaper.sparse(vectors[i]), id))
      case .vectors(let sets, let shape):
        if shape.cls != nil {
          try checkFinite(sets[i].cls, id: id)
          line += ",\"cls\":" + Self.list(sets[i].cls)
        }
        line += ",\"vectors\":" + (try rows(sets[i], width: shape.width, id))
        if shape.hasTokens { line += ",\"tokens\":" + tokens(sets[i].ids) }
      case .texts: preconditionFailure("a model gives vectors")
      }
      try output.write(line + "}\n")
      records += 1
    }
  }

  private static func list(_ values: [Float]) -> String {
    "[" + values.map(\.description).joined(separator: ",") + "]"
  }

  private func row(_ values: ArraySlice<Float>, _ id: [UInt8]) throws(Failure) -> String {
    let row = shaper.row(values)
    try checkFinite(row, id: id)
    return Self.list(row)
  }

  private func rows(_ set: VectorSet, width: Int, _ id: [UInt8]) throws(Failure) -> String {
    var rows: [String] = []
    for start in stride(from: 0, to: set.values.count, by: width) {
      rows.append(try row(set.values[start..<start + width], id))
    }
    return "[" + rows.joined(separator: ",") + "]"
  }

  private func terms(_ vector: SparseVector, _ id: [UInt8]) throws(Failure) -> String {
    try checkFinite(vector.values, id: id)
    var line = "{"
    for (j, (index, value)) in zip(vector.indices, vector.values).enumerated() {
      if j > 0 { line += "," }
      JSON.quote(tokenizer.token(of: index) ?? "#\(index)", to: &line)
      line += ":\(value)"
    }
    return line + "}"
  }

  private func tokens(_ ids: [Int32]) -> String {
    var line = "["
    for (j, id) in ids.enumerated() {
      if j > 0 { line += "," }
      JSON.quote(tokenizer.token(of: id) ?? "#\(id)", to: &line)
    }
    return line + "]"
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
    guard shaper.schema.kind == .dense else { throw .usage("--format npy is for dense models") }
    self.path = path
    idWriter = try ByteWriter(path + ".ids", compression: Compression.none)
  }

  mutating func append(ids: [[UInt8]], _ embeddings: Embeddings) throws(Failure) {
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
