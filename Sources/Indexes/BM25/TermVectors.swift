import Failures
import IndexFormat
import Streams
import Tensors

/// The terms of each document and how often it has them: the other way round than postings, for
/// feedback.
///
/// A document's terms ascend; each is its distance to the one before, less one, doubled, plus one
/// where the document has it more than once: then the number of times less two follows.
struct TermVectors: Sendable {
  private let offsets: MappedColumn<Int64>
  private let bytes: MappedColumn<UInt8>
  private let folder: String

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    folder = segment.folder
    offsets = try segment.column(BM25.vectorOffsets, as: Int64.self)
    bytes = try segment.column(BM25.vectors, as: UInt8.self)
  }

  /// The terms of a document, ascending.
  ///
  /// - Throws: 65 for a vector that is none.
  func terms(of document: Int) throws(Failure) -> [(term: Int, frequency: Int)] {
    let (start, end) = (Int(offsets[document]), Int(offsets[document + 1]))
    guard start >= 0, start <= end, end <= bytes.count else { throw damaged(document) }
    let bytes = bytes.bytes(start..<end)
    var terms: [(term: Int, frequency: Int)] = []
    var place = 0
    var term = -1
    while place < bytes.count {
      guard let code = VariableBytes.read(bytes, &place) else { throw damaged(document) }
      term += Int(code >> 1) + 1
      var frequency = 1
      if code & 1 == 1 {
        guard let more = VariableBytes.read(bytes, &place) else { throw damaged(document) }
        frequency = Int(more) + 2
      }
      terms.append((term, frequency))
    }
    return terms
  }

  func damaged(_ document: Int) -> Failure {
    .data(folder, "damaged: the vector of document \(document)")
  }
}

/// Writes term vectors: put aside by numbers of terms as they were met, and turned to the numbers
/// that the terms have in the end.
struct TermVectorWriter {
  private let spool: SpoolFile
  /// Where pieces of whole documents end in the spool.
  private var pieces: [Int] = []

  private static let pieceSize = 1 << 20

  init(_ spool: SpoolFile) { self.spool = spool }

  /// Adds a document.
  ///
  /// - Throws: 74 where the file cannot be written.
  mutating func append(terms: ArraySlice<Int32>, frequencies: ArraySlice<Int32>) throws(Failure) {
    try spool.append([Int32(terms.count)][...])
    try spool.append(terms)
    try spool.append(frequencies)
    if spool.count - (pieces.last ?? 0) >= Self.pieceSize { pieces.append(spool.count) }
  }

  /// Writes all vectors.
  ///
  /// - Parameters:
  ///   - ranks: The final number of each term.
  ///   - writer: The index.
  /// - Throws: 74 where a file cannot be read or written.
  func finish(_ ranks: [Int32], _ writer: IndexWriter) throws(Failure) {
    let vectors = try writer.create(BM25.vectors)
    let offsets = try writer.create(BM25.vectorOffsets)
    try spool.drain()
    var end = 0
    var start = 0
    for next in pieces + [spool.count] where next > start {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(next - start)
      try spool.read(start..<next) { bytes += $0 }
      let words = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
      var encoded: [UInt8] = []
      var place = 0
      while place < words.count {
        let count = Int(words[place])
        try offsets.append(numbers: [Int64(end + encoded.count).littleEndian])
        Self.encode(words[place + 1..<place + 1 + 2 * count], ranks, to: &encoded)
        place += 1 + 2 * count
      }
      try vectors.append(numbers: encoded)
      end += encoded.count
      start = next
    }
    try offsets.append(numbers: [Int64(end).littleEndian])
  }

  /// - Parameters:
  ///   - words: Terms, and as many frequencies behind them.
  ///   - ranks: The final number of each term.
  ///   - bytes: Gets the vector.
  private static func encode(_ words: ArraySlice<Int32>, _ ranks: [Int32], to bytes: inout [UInt8])
  {
    let count = words.count / 2
    let terms = (words.startIndex..<words.startIndex + count)
      .map { (term: ranks[Int(words[$0])], frequency: words[$0 + count]) }
      .sorted { $0.term < $1.term }
    var last: Int32 = -1
    for (term, frequency) in terms {
      let gap = UInt32(term - last - 1) << 1
      VariableBytes.append(frequency > 1 ? gap | 1 : gap, to: &bytes)
      if frequency > 1 { VariableBytes.append(UInt32(frequency - 2), to: &bytes) }
      last = term
    }
  }
}
