import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// The documents with a code of a byte for every weight: what is looked at before their vectors are.
///
/// A record is a scale, then the number of each term, largest weights first, and then the codes: a
/// weight is within half of the scale of scale times code. Codes have a sign where a weight of the
/// document is below zero; then so has the scale. Of a document whose scale is infinite nothing is
/// known.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct ForwardCodes: @unchecked Sendable {
  let records: ForwardRecords
  private let offsets: UnsafeRawBufferPointer
  private let bytes: UnsafeRawBufferPointer
  private let isWide: Bool
  private let owners: [IndexTensor]

  /// Nil for tensors that do not fit each other.
  ///
  /// - Parameters:
  ///   - offsets: Where each document's terms start, as its vectors have them.
  ///   - codes: The records.
  ///   - documents: How many there are.
  ///   - dimension: Size of the vocabulary.
  init?(_ offsets: IndexTensor, _ codes: IndexTensor, documents: Int, dimension: Int) {
    guard
      let records = ForwardRecords(
        offsets: offsets.bytes, records: codes.bytes, count: documents, terms: dimension)
    else { return nil }
    self.records = records
    self.offsets = offsets.bytes
    bytes = codes.bytes
    isWide = ForwardRecords.isWide(dimension)
    owners = [offsets, codes]
  }

  /// - Throws: 65 for files that do not fit the manifest or each other.
  init(_ segment: IndexSegment, _ vectors: DocumentVectors) throws(Failure) {
    let found = ForwardCodes(
      vectors.offsetTensor, try segment.tensor(Seismic.codes), documents: segment.documents,
      dimension: vectors.dimension)
    guard let found else {
      throw .data(segment.folder, "damaged: codes that do not fit the vectors")
    }
    self = found
  }

  var count: Int { records.count }

  /// A document's record.
  struct Record {
    /// At least zero.
    let scale: Float
    let isSigned: Bool
    let count: Int
    fileprivate let terms: UnsafeRawPointer
    fileprivate let codes: UnsafeRawPointer
    fileprivate let isWide: Bool

    @inline(__always)
    func number(_ entry: Int) -> Int {
      isWide
        ? Int(terms.loadUnaligned(fromByteOffset: 4 * entry, as: Int32.self))
        : Int(terms.loadUnaligned(fromByteOffset: 2 * entry, as: UInt16.self))
    }

    @inline(__always)
    func code(_ entry: Int) -> Int32 {
      let code = codes.load(fromByteOffset: entry, as: UInt8.self)
      return isSigned ? Int32(Int8(bitPattern: code)) : Int32(code)
    }

    /// The scale, or 0 where nothing is known.
    var knownScale: Float { scale.isFinite ? scale : 0 }
  }

  /// A document's record, of files that are whole.
  func record(_ document: Int) -> Record {
    func offset(_ place: Int) -> Int {
      Int(offsets.loadUnaligned(fromByteOffset: 8 * place, as: Int64.self))
    }
    let (start, end) = (offset(document), offset(document + 1))
    let size = isWide ? 5 : 3
    precondition(
      start >= 0 && start <= end && 4 * count + size * end <= bytes.count, "record \(document)")
    guard let base = bytes.baseAddress.map({ $0 + 4 * document + size * start }) else {
      preconditionFailure("no records")
    }
    let scale = base.loadUnaligned(as: Float.self)
    return Record(
      scale: scale.magnitude, isSigned: scale.sign == .minus, count: end - start,
      terms: base + 4, codes: base + 4 + (size - 1) * (end - start), isWide: isWide)
  }

  /// Gives the memory of all records back until they are touched again.
  func discard() { for owner in owners { owner.file.discard(owner.entry) } }
}

// MARK: Writing

extension ForwardCodes {
  /// Writes the records of all documents.
  ///
  /// - Parameters:
  ///   - file: Gets them.
  ///   - documents: The vectors.
  ///   - numbers: Those of terms.
  ///   - pool: What works.
  /// - Throws: 74 where the file cannot be written.
  static func write(
    to file: StreamedTensorFile, _ documents: DocumentFactors, _ numbers: TermNumbers,
    _ pool: WorkerPool
  ) throws(Failure) {
    let (share, count) = (1 << 9, documents.vectors.count)
    let step = share * 4 * pool.threads
    for first in stride(from: 0, to: count, by: step) {
      let end = min(first + step, count)
      let shares = stride(from: first, to: end, by: share).map { $0..<min($0 + share, end) }
      let made = Results<[UInt8]>(shares.count)
      pool.forEachUnchecked(shares.count) { index, _ in
        var bytes: [UInt8] = []
        for document in shares[index] {
          append(document, documents, numbers.numbers, to: &bytes)
        }
        made.set(index, bytes)
      }
      for index in shares.indices { try file.append(numbers: made.take(index)) }
      documents.vectors.discard()
    }
  }

  /// The first document whose record is not what its vector gives; nil where all are.
  func firstOther(_ documents: DocumentFactors, _ numbers: TermNumbers) -> Int? {
    var start = 0
    for document in 0..<count {
      var wanted: [UInt8] = []
      Self.append(document, documents, numbers.numbers, to: &wanted)
      let end = start + wanted.count
      guard end <= bytes.count, wanted.elementsEqual(bytes[start..<end]) else { return document }
      start = end
    }
    return nil
  }

  private static func append(
    _ document: Int, _ documents: DocumentFactors, _ numbers: [Int32], to bytes: inout [UInt8]
  ) {
    let vectors = documents.vectors
    let range = vectors.range(document)
    let factor = documents.factor(document)
    var (largest, least) = (0.0, 0.0)
    for place in range {
      let weight = Double(vectors.weight(place)) * (factor ?? 0)
      largest = max(largest, weight.magnitude)
      least = min(least, weight)
    }
    let isSigned = least < 0
    let scale = max(Float(largest / (isSigned ? 127 : 255)), .leastNormalMagnitude)
    // An entry is its code, so turned that the largest come first, then its number.
    var entries = range.map { place -> UInt64 in
      let weight = Double(vectors.weight(place)) * (factor ?? 0)
      let steps = (weight / Double(scale)).rounded()
      let code = isSigned ? max(-127, min(127, steps)) : min(255, steps)
      return UInt64(255 - Int(code.magnitude)) << 40 | UInt64(code < 0 ? 1 : 0) << 32
        | UInt64(numbers[vectors.term(place)])
    }
    entries.sort()
    let header = factor == nil ? Float.infinity : isSigned ? -scale : scale
    withUnsafeBytes(of: header.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    let isWide = ForwardRecords.isWide(vectors.dimension)
    for entry in entries {
      let number = UInt32(truncatingIfNeeded: entry)
      bytes.append(UInt8(truncatingIfNeeded: number))
      bytes.append(UInt8(truncatingIfNeeded: number >> 8))
      if isWide {
        bytes.append(UInt8(truncatingIfNeeded: number >> 16))
        bytes.append(UInt8(truncatingIfNeeded: number >> 24))
      }
    }
    for entry in entries {
      let size = 255 - Int(entry >> 40)
      bytes.append(UInt8(truncatingIfNeeded: entry >> 32 & 1 == 1 ? -size : size))
    }
  }
}
