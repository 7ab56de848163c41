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
  private let bits: BitWriter?
  private let work: IndexWork
  private let schema: StreamSchema
  /// What makes the vectors of others; nil where they stay as they come.
  private let cut: VectorCut?

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
    let vectors =
      arguments.text(Flat.originals) == "none"
      ? nil : try writer.create(Flat.vectors, type: type, columns: width)
    self.vectors = vectors
    cut = arguments.text(Flat.dims).map { _ in VectorCut(to: width, type, work.kernels) }
    scales = type == .i8 ? try writer.create(Flat.scales) : nil
    bits =
      arguments.text(Flat.codes) == Flat.bits
      ? try BitWriter(writer, Flat.similarity(source, Flat.name), width: width) : nil
    codes = try arguments.text(Flat.codes).flatMap { CodeForm(rawValue: $0) }.map {
      form throws(Failure) in
      try CodeWriter(
        writer, form, Flat.similarity(source, Flat.name), width: width, isAll: vectors == nil)
    }
  }

  mutating func append(_ documents: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("a flat index takes vectors")
    }
    for index in range { try segment.checkFinite(index) }
    if cut == nil { for index in range { try append(segment, index) } }
    if codes != nil || bits != nil || cut != nil {
      guard case .dense(var values, let full) = try documents.embeddings(work.kernels) else {
        preconditionFailure("a flat index takes dense vectors")
      }
      if let cut {
        let rows = cut(values, of: full)
        for (index, row) in zip(range, rows) {
          try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
          try vectors?.append(numbers: row.stored.values)
          if let scale = row.stored.scale { try scales?.append(numbers: [scale]) }
        }
        values = rows.flatMap(\.numbers)
      }
      try bits?.append(values, work)
      try codes?.append(values, work) { index in
        "document \(String(decoding: segment.id(range.lowerBound + index), as: UTF8.self))"
      }
    }
  }

  private func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    precondition(segment.schema == schema, "another schema")
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

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try writer.append(idsOf: segment)
    let rows = segment.liveRanges
    if let vectors { try vectors.append(rows, of: segment.tensor(Flat.vectors)) }
    if let scales { try scales.append(rows, of: segment.tensor(Flat.scales)) }
    try codes?.append(contentsOf: segment)
    try bits?.append(contentsOf: segment, work)
  }

  mutating func finish() throws(Failure) -> IndexContent {
    try bits?.finish(work)
    guard let longest = codes?.longest ?? bits?.longest else { return IndexContent() }
    return IndexContent(statistics: [JSON.Member(Flat.longest, .double(Double(longest)))])
  }
}
