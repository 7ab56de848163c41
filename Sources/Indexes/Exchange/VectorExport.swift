import Failures
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors

/// Writes the vectors of an index for other programs: NumPy's rows or a faiss index with a file of ids
/// beside, or one safetensors file.
///
/// Documents that are deleted are left out; numbers are in single precision.
package struct VectorExport {
  let folder: IndexFolder
  let parts: [any VectorSource]
  let kind: StreamKind
  let dimension: Int
  let kernels: Kernels

  /// Vectors that are in memory at a time.
  private static let step = 256

  /// - Parameters:
  ///   - folder: The index.
  ///   - work: What reads it.
  /// - Throws: 65 where the index is damaged, 78 for one that has no vectors to give.
  package init(_ folder: IndexFolder, _ work: IndexWork) throws(Failure) {
    let type = try IndexTypes.of(folder.manifest, folder.path)
    let source = folder.manifest.source
    guard let kind = source.schema?.kind, kind != .coil else {
      throw .config(
        folder.path, "an index of type \(type.name) has no vectors that another program could take")
    }
    let arguments = try IndexArguments(
      [], type, .search, recorded: folder.manifest.parameters, folder.path)
    parts = try folder.segments.map { segment throws(Failure) in
      guard let part = try type.open(segment, arguments, work) as? any VectorSource else {
        throw Failure.config(
          folder.path, "an index of type \(type.name) has no vectors to give",
          hint: "of an older release lir-index compact makes one that has")
      }
      return part
    }
    self.folder = folder
    self.kind = kind
    kernels = work.kernels
    dimension = source.dimension ?? 0
  }

  /// Writes `path`, a NumPy matrix of a vector a document, and `path.ids`, an id a line.
  ///
  /// - Returns: The number of documents.
  /// - Throws: 65 where the index is damaged, 73 and 74 where a file cannot be written, 78 for an index
  ///   of more than one vector a document, or of sparse ones.
  package func writeNPY(_ path: String) throws(Failure) -> Int {
    guard kind == .dense else {
      throw .config(
        folder.path, "NumPy's files hold one dense vector a document, found kind \(kind.rawValue)",
        hint: "--format safetensors")
    }
    let documents = folder.manifest.documents
    let ids = try writeIDs(beside: path)
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(NPYHeader.bytes(.f32, rows: documents, columns: dimension))
    try forEachBlock { block throws(Failure) in
      if case .dense(let values, _) = block { try Self.write(values, writer) }
    }
    try writer.finish()
    try ids.finish()
    return documents
  }

  /// Writes `path.ids`, an id a line; to be finished behind the vectors, so that it is not there without.
  func writeIDs(beside path: String) throws(Failure) -> ByteWriter {
    let ids = try ByteWriter(path + ".ids", compression: Compression.none)
    try forEachID { id throws(Failure) in try ids.write(id + [0x0A]) }
    return ids
  }

  /// Writes a safetensors file with `ids` and `id_offsets` as a stream has them, and `embeddings`, of
  /// several vectors a document with `offsets`, or the `offsets`, `indices` and `values` of sparse ones.
  ///
  /// - Returns: The number of documents.
  /// - Throws: 65 where the index is damaged, 73 and 74 where the file cannot be written.
  package func writeSafeTensors(_ path: String) throws(Failure) -> Int {
    let documents = folder.manifest.documents
    var idOffsets: [Int64] = [0]
    try forEachID { id in idOffsets.append(idOffsets[idOffsets.count - 1] + Int64(id.count)) }
    let offsets = try offsets()
    let rows = Int(offsets.last ?? 0)
    var entries: [(String, ElementType, [Int])] = [("id_offsets", .i64, [documents + 1])]
    if kind != .dense { entries.append(("offsets", .i64, [documents + 1])) }
    if kind == .sparse {
      entries += [("indices", .i32, [rows]), ("values", .f32, [rows])]
    } else {
      entries.append(("embeddings", .f32, [kind == .dense ? documents : rows, dimension]))
    }
    entries.append(("ids", .u8, [Int(idOffsets[documents])]))
    var metadata = ["dim": String(dimension)]
    metadata["similarity"] = folder.manifest.source.description.similarity
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(SafeTensorsHeader.encode(metadata: metadata, tensors: entries))
    try Self.write(idOffsets, writer)
    if kind != .dense { try Self.write(offsets, writer) }
    if kind == .sparse {
      try forEachBlock { block throws(Failure) in
        guard case .sparse(let vectors) = block else { return }
        for vector in vectors { try Self.write(vector.indices, writer) }
      }
    }
    try forEachBlock { block throws(Failure) in
      switch block {
      case .dense(let values, _): try Self.write(values, writer)
      case .vectors(let sets, _): for set in sets { try Self.write(set.values, writer) }
      case .sparse(let vectors): for vector in vectors { try Self.write(vector.values, writer) }
      case .texts: break
      }
    }
    try forEachID { id throws(Failure) in try writer.write(id) }
    try writer.finish()
    return documents
  }

  /// Where each document's rows or weights begin, and where the last ones end; of dense vectors nothing.
  private func offsets() throws(Failure) -> [Int64] {
    if kind == .dense { return [] }
    var offsets: [Int64] = [0]
    try forEachBlock { block in
      var counts: [Int] = []
      if case .vectors(let sets, _) = block { counts = sets.map { $0.values.count / dimension } }
      if case .sparse(let vectors) = block { counts = vectors.map(\.indices.count) }
      for count in counts { offsets.append(offsets[offsets.count - 1] + Int64(count)) }
    }
    return offsets
  }

  private static func write<T: BitwiseCopyable>(
    _ numbers: [T], _ writer: ByteWriter
  ) throws(Failure) {
    try numbers.withBytes { bytes throws(Failure) in try writer.write(bytes) }
  }

  /// Calls `body` with the vectors of documents that are not deleted, some at a time.
  func forEachBlock(_ body: (Embeddings) throws(Failure) -> Void) throws(Failure) {
    for (segment, part) in zip(folder.segments, parts) {
      for range in segment.liveRanges {
        for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.step) {
          try body(part.vectors(of: Array(first..<min(first + Self.step, range.upperBound))))
        }
      }
    }
  }

  private func forEachID(_ body: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    for segment in folder.segments {
      let table = try DocumentTable(segment)
      for ordinal in 0..<table.count where segment.isLive(ordinal) { try body(table.id(ordinal)) }
    }
  }
}
