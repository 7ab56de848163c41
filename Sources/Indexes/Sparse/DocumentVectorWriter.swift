import Failures
import IndexFormat
import Retrieval
import Tensors

/// Writes the vectors of documents as they come.
struct DocumentVectorWriter {
  private let dimension: Int
  private let files: DocumentVectors.Files
  private let offsets: StreamedTensorFile
  private let terms: StreamedTensorFile
  private let weights: StreamedTensorFile
  /// Weights so far.
  private(set) var total = 0

  /// - Parameters:
  ///   - writer: What makes the files.
  ///   - files: What they are called.
  ///   - dimension: Size of the vocabulary.
  /// - Throws: 73 where they cannot be made.
  init(
    _ writer: IndexWriter, _ files: DocumentVectors.Files, dimension: Int
  ) throws(Failure) {
    self.dimension = dimension
    self.files = files
    offsets = try writer.create(files.offsets)
    terms = try writer.create(files.terms, type: DocumentVectors.termType(dimension))
    weights = try writer.create(files.weights)
    try offsets.append(numbers: [Int64(0)])
  }

  /// Adds documents with their ids, which the writer of the index gets.
  ///
  /// - Throws: 65 for terms that do not ascend within the vocabulary, and weights that are not finite.
  mutating func append(
    _ documents: DocumentBlock, _ writer: IndexWriter
  ) throws(Failure) {
    guard case .records(let segment, let range) = documents else {
      preconditionFailure("an index of sparse vectors takes vectors")
    }
    precondition(segment.schema.kind == .sparse, "not a sparse stream")
    for index in range {
      let indices = segment.values(index, column: 0, as: Int32.self)
      let values = segment.values(index, column: 1, as: Float.self)
      let id = segment.id(index)
      for (i, term) in indices.enumerated() {
        guard term >= 0, term < dimension, i == 0 || indices[i - 1] < term, values[i].isFinite
        else {
          throw .data(
            "document \(String(decoding: id, as: UTF8.self))",
            "expected ascending terms below \(dimension) with finite weights")
        }
      }
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try writer.append(id: UnsafeRawBufferPointer(id))
      }
      try append(indices, values)
    }
  }

  /// Adds a vector whose terms are known to ascend within the vocabulary.
  mutating func append(_ indices: [Int32], _ values: [Float]) throws(Failure) {
    if DocumentVectors.termType(dimension) == .u16 {
      try terms.append(numbers: indices.map { UInt16($0) })
    } else {
      try terms.append(numbers: indices)
    }
    try weights.append(numbers: values)
    total += indices.count
    try offsets.append(numbers: [Int64(total)])
  }

  /// Adds the documents of a segment with their ids, but for those that are deleted.
  ///
  /// - Throws: 65 for damaged ones.
  mutating func append(
    contentsOf segment: IndexSegment, _ writer: IndexWriter
  ) throws(Failure) {
    try writer.append(idsOf: segment)
    let vectors = try DocumentVectors(segment, files)
    if let fault = vectors.fault() { throw .data(segment.folder, "damaged: \(fault)") }
    for range in segment.liveRanges { try append(range, of: vectors) }
    vectors.discard()
  }

  private mutating func append(
    _ range: Range<Int>, of vectors: DocumentVectors
  ) throws(Failure) {
    let step = 1 << 12
    for first in stride(from: range.lowerBound, to: range.upperBound, by: step) {
      let documents = first..<min(first + step, range.upperBound)
      let bytes = vectors.bytes(documents)
      try terms.append(bytes.terms)
      try weights.append(bytes.weights)
      for document in documents {
        total += vectors.range(document).count
        try offsets.append(numbers: [Int64(total)])
      }
    }
  }

  /// Finishes the files.
  ///
  /// - Parameter documents: How many vectors there are.
  /// - Returns: The vectors, read where they lie.
  /// - Throws: 74 where a file cannot be written.
  func finish(documents: Int) throws(Failure) -> DocumentVectors {
    let vectors = DocumentVectors(
      try IndexTensor(finishing: offsets, files.offsets),
      try IndexTensor(finishing: terms, files.terms),
      try IndexTensor(finishing: weights, files.weights), documents: documents,
      dimension: dimension)
    guard let vectors else { preconditionFailure("vectors that were just written") }
    return vectors
  }
}

extension IndexTensor {
  /// The tensor of a file, which is finished.
  ///
  /// - Throws: 74 where it cannot be written.
  init(finishing stream: StreamedTensorFile, _ declared: IndexFile) throws(Failure) {
    try stream.finish()
    let file = try SafeTensorsFile(stream.path)
    guard let entry = file.entry(declared.tensor) else {
      preconditionFailure("no \(declared.tensor) in \(stream.path)")
    }
    self.init(file: file, entry: entry)
  }
}
