import Failures
import IndexFormat
import Tensors
import Vectors

/// The vectors of a segment's documents, as they came: what scores are computed from.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct DocumentVectors: @unchecked Sendable {
  let count: Int
  /// Size of the vocabulary.
  let dimension: Int
  private let offsets: UnsafeRawBufferPointer
  private let terms: UnsafeRawBufferPointer
  private let weights: UnsafeRawBufferPointer
  /// Bytes of a term's number.
  let termSize: Int
  private let owners: [IndexTensor]

  /// The type that terms are stored in.
  static func termType(_ dimension: Int) -> ElementType { dimension <= 1 << 16 ? .u16 : .i32 }

  /// The vectors of a segment; nil for tensors that do not fit each other.
  ///
  /// - Parameters:
  ///   - offsets: Where each vector starts, and where the last one ends.
  ///   - terms: All their terms.
  ///   - weights: All their weights.
  ///   - documents: How many vectors there are.
  ///   - dimension: Size of the vocabulary.
  init?(
    _ offsets: IndexTensor, _ terms: IndexTensor, _ weights: IndexTensor, documents: Int,
    dimension: Int
  ) {
    count = documents
    self.dimension = dimension
    owners = [offsets, terms, weights]
    (self.offsets, self.terms, self.weights) = (offsets.bytes, terms.bytes, weights.bytes)
    termSize = terms.entry.type.size
    let total = weights.bytes.count / 4
    guard terms.entry.type == Self.termType(dimension), terms.bytes.count == total * termSize,
      offsets.bytes.count == 8 * (documents + 1), offset(0) == 0, offset(documents) == total
    else { return nil }
  }

  /// What the files of vectors are called.
  struct Files: Sendable {
    let offsets: IndexFile
    let terms: IndexFile
    let weights: IndexFile

    var all: [IndexFile] { [offsets, terms, weights] }

    /// - Parameter presence: When an index has them.
    init(_ presence: IndexPresence) {
      offsets = IndexFile(
        "vectors", tensor: "offsets", [.i64], [.documents(plus: 1)], presence: presence,
        "where each document's terms start, and where the last ones end")
      terms = IndexFile(
        "vectors.terms", tensor: "terms", [.u16, .i32], [.count("weights")], presence: presence,
        "the terms of each document, ascending")
      weights = IndexFile(
        "vectors.weights", tensor: "weights", [.f32], [.count("weights")], presence: presence,
        "the weights of each document's terms")
    }
  }

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment, _ files: Files) throws(Failure) {
    let found = DocumentVectors(
      try segment.tensor(files.offsets), try segment.tensor(files.terms),
      try segment.tensor(files.weights), documents: segment.documents,
      dimension: segment.manifest.source.dimension ?? 0)
    guard let found else {
      throw .data(segment.folder, "damaged: the vectors' files do not fit each other")
    }
    self = found
  }

  /// Where each vector starts, and where the last one ends.
  var offsetTensor: IndexTensor { owners[0] }

  private func offset(_ document: Int) -> Int {
    Int(offsets.loadUnaligned(fromByteOffset: 8 * document, as: Int64.self))
  }

  /// Where a document's terms are among all; none where a damaged file says nonsense.
  func range(_ document: Int) -> Range<Int> {
    precondition(document >= 0 && document < count, "vector \(document) of \(count)")
    let total = weights.count / 4
    let start = max(0, min(offset(document), total))
    return start..<max(start, min(offset(document + 1), total))
  }

  /// A document's term, whatever the file says.
  @inline(__always)
  func term(_ place: Int) -> Int {
    termSize == 2
      ? Int(terms.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self))
      : Int(terms.loadUnaligned(fromByteOffset: 4 * place, as: Int32.self))
  }

  @inline(__always)
  func weight(_ place: Int) -> Float {
    weights.loadUnaligned(fromByteOffset: 4 * place, as: Float.self)
  }

  /// A document's vector.
  func vector(_ document: Int) -> SparseVector {
    let range = range(document)
    return SparseVector(
      indices: range.map { Int32(truncatingIfNeeded: term($0)) }, values: range.map(weight))
  }

  /// The bytes of some documents' terms and of their weights.
  func bytes(_ documents: Range<Int>) -> (
    terms: UnsafeRawBufferPointer, weights: UnsafeRawBufferPointer
  ) {
    let places = offset(documents.lowerBound)..<offset(documents.upperBound)
    return (
      UnsafeRawBufferPointer(
        rebasing: terms[
          places.lowerBound * termSize..<places.upperBound * termSize]),
      UnsafeRawBufferPointer(rebasing: weights[places.lowerBound * 4..<places.upperBound * 4])
    )
  }

  /// The length of a document's vector, as `SparseComparison` has it.
  func norm(_ document: Int) -> Float {
    var sum: Float = 0
    for place in range(document) { sum.addProduct(weight(place), weight(place)) }
    return sum.squareRoot()
  }

  /// Gives the memory of all vectors back until they are touched again.
  func discard() { for owner in owners { owner.file.discard(owner.entry) } }

  /// - Returns: What is wrong with the first vector that none is; nil where all are.
  func fault() -> String? {
    for document in 0..<count {
      guard offset(document) <= offset(document + 1), offset(document + 1) <= weights.count / 4
      else { return "the vector of document \(document) lies outside of the file" }
      var last = -1
      for place in range(document) {
        let term = term(place)
        guard term > last, term < dimension, weight(place).isFinite else {
          return "document \(document) has weight \(weight(place)) for term \(term)"
        }
        last = term
      }
    }
    return nil
  }
}
