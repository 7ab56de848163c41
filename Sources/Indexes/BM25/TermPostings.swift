import Failures
import IndexFormat
import Records

/// The terms of a segment and the documents that have them.
struct TermPostings: Sendable {
  let documents: MappedColumn<Int32>
  let frequencies: MappedColumn<Int32>
  let lengths: MappedColumn<Int32>
  let lengthBytes: MappedColumn<UInt8>
  /// Documents that are more than white space, documents with a term, and terms of all documents with their repetitions.
  let textDocuments: Int
  let filledDocuments: Int
  let totalLength: Int
  private let bytes: MappedColumn<UInt8>
  private let ends: MappedColumn<Int64>
  private let offsets: MappedColumn<Int64>
  private let segment: IndexSegment

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment) throws(Failure) {
    self.segment = segment
    bytes = try segment.column(BM25.termBytes, as: UInt8.self)
    ends = try segment.column(BM25.termOffsets, as: Int64.self)
    offsets = try segment.column(BM25.postingOffsets, as: Int64.self)
    documents = try segment.column(BM25.postingDocuments, as: Int32.self)
    frequencies = try segment.column(BM25.postingFrequencies, as: Int32.self)
    lengths = try segment.column(BM25.lengths, as: Int32.self)
    lengthBytes = try segment.column(BM25.lengthBytes, as: UInt8.self)
    func number(_ name: String) -> Int? {
      segment.manifest.statistics.first { $0.key == name }?.value.integer
    }
    guard let texts = number(BM25.textDocuments), let filled = number(BM25.filledDocuments),
      let total = number(BM25.totalLength), (0...segment.documents).contains(texts),
      (0...texts).contains(filled), total >= filled
    else {
      throw .data("\(segment.folder)/\(IndexManifest.fileName)", "damaged manifest: statistics")
    }
    (textDocuments, filledDocuments, totalLength) = (texts, filled, total)
    guard ends.count == offsets.count, ends.count >= 1, documents.count == frequencies.count,
      ends[0] == 0, Int(ends[ends.count - 1]) == bytes.count, offsets[0] == 0,
      Int(offsets[offsets.count - 1]) == documents.count
    else { throw damaged("terms and postings do not fit each other") }
  }

  /// Number of terms.
  var count: Int { ends.count - 1 }

  /// Calls `body` with a term.
  func withTerm<R>(_ term: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R)
    throws(Failure) -> R
  {
    let (start, end) = (Int(ends[term]), Int(ends[term + 1]))
    guard start <= end, end <= bytes.count, start >= 0 else { throw damaged("term \(term)") }
    return try body(bytes.bytes(start..<end))
  }

  /// The number of a term; nil where no document has it.
  func find(_ wanted: UnsafeRawBufferPointer) throws(Failure) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      let order = try withTerm(middle) { ByteOrder.compare($0, wanted) }
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// Where a term's postings are.
  func range(_ term: Int) throws(Failure) -> Range<Int> {
    let (start, end) = (Int(offsets[term]), Int(offsets[term + 1]))
    guard start >= 0, start <= end, end <= documents.count else {
      throw damaged("the postings of term \(term) lie outside of the file")
    }
    return start..<end
  }

  /// Reads everything.
  ///
  /// - Throws: 65 where terms or documents do not ascend, or numbers contradict each other.
  func check() throws(Failure) {
    var counted = [Int](repeating: 0, count: segment.documents)
    for term in 0..<count {
      if term > 0 {
        let ascends = try withTerm(term - 1) { a throws(Failure) in
          try withTerm(term) { b in ByteOrder.compare(a, b) < 0 }
        }
        guard ascends else { throw damaged("term \(term) is out of order") }
      }
      var last: Int32 = -1
      for posting in try range(term) {
        let (document, frequency) = (documents[posting], frequencies[posting])
        guard document > last, Int(document) < segment.documents, frequency > 0 else {
          throw damaged("a posting of document \(document), \(frequency) times")
        }
        last = document
        counted[Int(document)] += Int(frequency)
      }
    }
    for document in counted.indices {
      guard counted[document] == Int(lengths[document]),
        lengthBytes[document] == DocumentLength.byte(counted[document])
      else { throw damaged("the length of document \(document)") }
    }
    try check(vectorsOf: counted.count)
    guard filledDocuments == counted.count(where: { $0 > 0 }),
      totalLength == counted.reduce(0, +)
    else { throw damaged("the statistics of the manifest") }
  }

  /// Reads the documents' vectors, and asks the postings for each of their terms.
  private func check(vectorsOf documents: Int) throws(Failure) {
    guard segment.has(BM25.vectors) else { return }
    let vectors = try TermVectors(segment)
    // Places of the next posting of each term: documents ascend in both.
    var next = try (0..<count).map { term throws(Failure) in try range(term).lowerBound }
    var total = 0
    for document in 0..<documents {
      for (term, frequency) in try vectors.terms(of: document) {
        guard term < count, next[term] < self.documents.count,
          Int(self.documents[next[term]]) == document,
          Int(frequencies[next[term]]) == frequency
        else { throw vectors.damaged(document) }
        next[term] += 1
        total += 1
      }
    }
    guard total == self.documents.count else { throw damaged("vectors without some postings") }
  }

  func damaged(_ what: String) -> Failure { .data(segment.folder, "damaged: \(what)") }
}
