import Failures
import IndexFormat
import JSON
import Kernels
import Records
import Tensors
import Vectors

/// Builds an index of documents that come in blocks.
///
/// The passes over the documents: a sample, where `sampleSize` asks for one, and `train` on it, or
/// `adopt` in its place; then `append`, block by block; then `finish`.
package protocol IndexBuilder {
  /// How many documents are looked at before the first is added; nil for none.
  var sampleSize: Int? { get }

  /// How many of so many documents are looked at: `sampleSize` of a type that need not know more.
  ///
  /// - Throws: 64 where they do not suffice, or do not fit into memory.
  mutating func sampleSize(of documents: Int) throws(Failure) -> Int

  /// Learns what all documents share, such as centroids.
  mutating func train(on sample: Embeddings) throws(Failure)

  /// Adds documents.
  mutating func append(_ documents: DocumentBlock) throws(Failure)

  /// Takes over what a segment of an index of the same form has learned, in place of `train`.
  mutating func adopt(from segment: IndexSegment) throws(Failure)

  /// Adds the documents of a segment of an index of the same form, but for those that are deleted
  /// (`IndexSegment.isLive`, `liveRanges`, `renumbered`).
  mutating func append(contentsOf segment: IndexSegment) throws(Failure)

  /// Writes what is still to be written into the writer's files.
  mutating func finish() throws(Failure) -> IndexContent
}

extension IndexBuilder {
  package var sampleSize: Int? { nil }

  package mutating func sampleSize(of documents: Int) throws(Failure) -> Int { sampleSize ?? 0 }

  package mutating func train(on sample: Embeddings) throws(Failure) {
    preconditionFailure("an index that asks for no sample")
  }

  package mutating func adopt(from segment: IndexSegment) throws(Failure) {}
}

/// What a builder says of the finished index.
package struct IndexContent: Sendable {
  /// Numbers of the collection.
  package var statistics: [JSON.Member]
  /// Digest of what was trained; nil for nothing.
  package var codebook: String?
  /// The library of linear algebra that training used; nil for none.
  package var library: String?
  /// What is worth a warning about the documents that were added, as that the codebook is not made for
  /// such ones; nil for nothing.
  package var warning: String?

  package init(
    statistics: [JSON.Member] = [], codebook: String? = nil, library: String? = nil,
    warning: String? = nil
  ) {
    self.statistics = statistics
    self.codebook = codebook
    self.library = library
    self.warning = warning
  }

  /// What computed the codebook, as the manifest names it: other kernels may give other last bits.
  package func learnedBy(_ kernels: Kernels) -> [JSON.Member] {
    if codebook == nil { return [] }
    return [JSON.Member("isa", .string(kernels.instructionSet.name))]
      + (library.map { [JSON.Member("lapack", .string($0))] } ?? [])
  }
}

/// Some documents on their way into an index.
package enum DocumentBlock: Sendable {
  /// Some records of a segment of a tensor stream.
  case records(TensorSegment, Range<Int>)
  /// Text records.
  case texts(RecordBatch)

  /// Number of documents.
  package var count: Int {
    switch self {
    case .records(_, let range): range.count
    case .texts(let batch): batch.count
    }
  }

  /// Calls `body` with the id of a document of the block.
  package func withID(
    _ index: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    switch self {
    case .records(let segment, let range):
      try segment.withID(range.lowerBound + index, body)
    case .texts(let batch):
      try batch.id(index).bytes.withUnsafeBufferPointer { id throws(Failure) in
        try body(UnsafeRawBufferPointer(id))
      }
    }
  }

  /// The documents as an index stores them: of vectors in single precision those that are rounded to
  /// half of it, where it has such; of others the same.
  ///
  /// - Parameters:
  ///   - source: What the index stores.
  ///   - kernels: What rounds.
  /// - Returns: The block.
  /// - Throws: 65 for a number that is too large.
  package func stored(
    as source: IndexSource, _ kernels: Kernels
  ) throws(Failure) -> DocumentBlock {
    guard case .records(let segment, let range) = self, source.rounds(segment.schema) else {
      return self
    }
    return .records(try segment.halved(range, kernels), 0..<range.count)
  }

  /// The documents' vectors in single precision, or their texts.
  package func embeddings(_ kernels: Kernels) throws(Failure) -> Embeddings {
    switch self {
    case .records(let segment, let range):
      return try Embeddings(segment, range, "documents", kernels)
    case .texts(let batch):
      return .texts((0..<batch.count).map { index in batch.withText(index) { Array($0) } })
    }
  }
}

extension IndexSource {
  /// Whether vectors of a stream are rounded to half precision before they are stored.
  func rounds(_ schema: StreamSchema) -> Bool {
    element == .f16
      && schema.columns.contains { $0.name == "embeddings" && $0.type == .f32 }
  }
}
