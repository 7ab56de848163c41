import Failures
import IndexFormat
import JSON
import Records

/// The terms of a segment and the documents that have them.
struct TermPostings: Sendable {
  let lengths: MappedColumn<Int32>
  let lengthBytes: MappedColumn<UInt8>
  /// Documents that are more than white space, documents with a term, and terms of all documents with
  /// their repetitions; deleted ones among them.
  private let numbers: Numbers
  private let deleted: Deleted?
  /// Documents that are more than white space and have no term, ascending.
  let withoutTerms: MappedColumn<Int32>
  private let bytes: MappedColumn<UInt8>
  private let ends: MappedColumn<Int64>
  private let offsets: MappedColumn<Int64>
  private let postings: MappedColumn<UInt8>
  private let segment: IndexSegment

  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment) throws(Failure) {
    self.segment = segment
    bytes = try segment.column(BM25.termBytes, as: UInt8.self)
    ends = try segment.column(BM25.termOffsets, as: Int64.self)
    offsets = try segment.column(BM25.postingOffsets, as: Int64.self)
    postings = try segment.column(BM25.postings, as: UInt8.self)
    lengths = try segment.column(BM25.lengths, as: Int32.self)
    lengthBytes = try segment.column(BM25.lengthBytes, as: UInt8.self)
    withoutTerms = try segment.column(BM25.withoutTerms, as: Int32.self)
    let numbers = Numbers(segment.statistics)
    guard let numbers, (0...segment.documents).contains(numbers.texts),
      numbers.filled + withoutTerms.count == numbers.texts, numbers.total >= numbers.filled
    else { throw Self.damagedStatistics(segment) }
    self.numbers = numbers
    deleted = try Deleted(segment, of: numbers)
    guard ends.count == offsets.count, ends.count >= 1, ends[0] == 0, offsets[0] == 0,
      Int(ends[ends.count - 1]) == bytes.count, Int(offsets[offsets.count - 1]) == postings.count
    else { throw damaged("terms and postings do not fit each other") }
  }

  /// Whether lengths need not be sums over the postings, as those of another program's index.
  var lengthsAreGiven: Bool { segment.statistics.contains { $0.key == BM25.givenLengths } }

  /// Number of terms.
  var count: Int { ends.count - 1 }

  /// Number of documents, deleted ones among them.
  var documents: Int { segment.documents }

  /// Calls `body` with a term.
  func withTerm<R>(_ term: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R)
    throws(Failure) -> R
  {
    let (start, end) = (Int(ends[term]), Int(ends[term + 1]))
    guard start <= end, end <= bytes.count, start >= 0 else { throw damaged("term \(term)") }
    return try body(bytes.bytes(start..<end))
  }

  /// Numbers of some documents.
  struct Numbers: Equatable, Sendable {
    /// Documents that are more than white space.
    var texts = 0
    /// Documents with a term.
    var filled = 0
    /// Terms of all documents with their repetitions.
    var total = 0

    init() {}

    /// Nil where statistics lack one of them, or it is none.
    init?(_ statistics: [JSON.Member]) {
      func number(_ name: String) -> Int? {
        statistics.first { $0.key == name }?.value.integer.flatMap { $0 < 0 ? nil : $0 }
      }
      guard let texts = number(BM25.textDocuments), let filled = number(BM25.filledDocuments),
        let total = number(BM25.totalLength)
      else { return nil }
      (self.texts, self.filled, self.total) = (texts, filled, total)
    }

    var statistics: [JSON.Member] {
      [
        JSON.Member(BM25.textDocuments, .integer(texts)),
        JSON.Member(BM25.filledDocuments, .integer(filled)),
        JSON.Member(BM25.totalLength, .integer(total)),
      ]
    }

    static func + (a: Numbers, b: Numbers) -> Numbers {
      var sum = a
      sum.texts += b.texts
      sum.filled += b.filled
      sum.total += b.total
      return sum
    }

    static func - (a: Numbers, b: Numbers) -> Numbers {
      var difference = a
      difference.texts -= b.texts
      difference.filled -= b.filled
      difference.total -= b.total
      return difference
    }
  }

  private static func damagedStatistics(_ segment: IndexSegment) -> Failure {
    .data("\(segment.folder)/\(IndexManifest.fileName)", "damaged manifest: statistics")
  }

  /// The number of a term; nil where no document has it.
  func find(_ term: [UInt8]) throws(Failure) -> Int? {
    try term.withUnsafeBufferPointer { term throws(Failure) in
      try find(UnsafeRawBufferPointer(term))
    }
  }

  private func find(_ wanted: UnsafeRawBufferPointer) throws(Failure) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      let order = try withTerm(middle) { ByteOrder.compare($0, wanted) }
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// A term's postings, which live as long as the segment's files are mapped.
  func list(_ term: Int) throws(Failure) -> PostingList {
    let (start, end) = (Int(offsets[term]), Int(offsets[term + 1]))
    guard start >= 0, start <= end, end <= postings.count,
      let list = PostingList(postings.bytes(start..<end))
    else { throw damaged("the postings of term \(term)") }
    return list
  }

  /// All postings of a term: documents, and how often each has it.
  func all(_ term: Int) throws(Failure) -> (documents: [Int32], frequencies: [Int32]) {
    let list = try list(term)
    var documents: [Int32] = []
    var frequencies: [Int32] = []
    documents.reserveCapacity(list.count)
    frequencies.reserveCapacity(list.count)
    var starts: [Int] = [0]
    if list.blocks > 1 {
      starts = []
      guard list.forEachBlock({ _, start, _ in starts.append(start) }) else {
        throw damaged("the postings of term \(term)")
      }
    }
    var last: Int32 = -1
    for block in 0..<list.blocks {
      let isWhole = withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2 * PackedBlock.count)
      {
        numbers -> Bool in
        guard let base = numbers.baseAddress,
          list.read(block, at: starts[block], base, base + PackedBlock.count)
        else { return false }
        for place in 0..<list.count(of: block) {
          guard let document = Int32(exactly: base[place]), document > last,
            Int(document) < segment.documents,
            let more = Int32(exactly: base[PackedBlock.count + place]), more < .max
          else { return false }
          last = document
          documents.append(document)
          frequencies.append(more + 1)
        }
        return true
      }
      guard isWhole else { throw damaged("the postings of term \(term)") }
    }
    return (documents, frequencies)
  }

  /// The documents' vectors; nil where they are not stored.
  func storedVectors() throws(Failure) -> TermVectors? {
    segment.has(BM25.vectors) ? try TermVectors(segment) : nil
  }

  /// Compares what the files say of deleted documents with the documents.
  ///
  /// - Parameters:
  ///   - filled: Documents with a term.
  ///   - total: Terms of all documents.
  /// - Throws: 65 where they differ.
  func checkNumbers(filled: Int, total: Int) throws(Failure) {
    guard numbers.filled == filled, numbers.total == total else {
      throw damaged("the statistics of the manifest")
    }
    var last: Int32 = -1
    for place in 0..<withoutTerms.count {
      let document = withoutTerms[place]
      guard document > last, Int(document) < segment.documents, lengths[Int(document)] == 0 else {
        throw damaged("document \(document) of those without terms")
      }
      last = document
    }
    if let deleted, try countDeleted() != deleted.counts {
      throw damaged("the terms of deleted documents")
    }
  }

  func damaged(_ what: String) -> Failure { .data(segment.folder, "damaged: \(what)") }
}

// MARK: Deleted documents

extension TermPostings {
  /// What is to be known of the deleted documents of a segment.
  struct DeletedCounts: Equatable {
    var numbers = Numbers()
    /// Terms that they have, ascending, and how many of them have each.
    var terms: [Int32] = []
    var counts: [Int32] = []
  }

  /// What the files say of the deleted documents.
  private struct Deleted: Sendable {
    let numbers: Numbers
    private let terms: MappedColumn<Int32>
    private let documents: MappedColumn<Int32>

    /// Nil where no document is deleted, or which are is not in files yet.
    init?(_ segment: IndexSegment, of all: Numbers) throws(Failure) {
      guard segment.deleted != nil, segment.has(BM25.deletedTerms) else { return nil }
      guard let own = Numbers(segment.deletedStatistics), own.texts <= all.texts,
        own.filled <= all.filled, own.total <= all.total
      else { throw TermPostings.damagedStatistics(segment) }
      numbers = own
      terms = try segment.column(BM25.deletedTerms, as: Int32.self)
      documents = try segment.column(BM25.deletedCounts, as: Int32.self)
      guard terms.count == documents.count else {
        throw .data(segment.folder, "damaged: the terms of deleted documents")
      }
    }

    /// How many deleted documents have a term.
    func documents(with term: Int) -> Int {
      var (low, high) = (0, terms.count)
      while low < high {
        let middle = (low + high) / 2
        if Int(terms[middle]) < term { low = middle + 1 } else { high = middle }
      }
      return low < terms.count && Int(terms[low]) == term ? Int(documents[low]) : 0
    }

    var counts: DeletedCounts {
      DeletedCounts(
        numbers: numbers, terms: (0..<terms.count).map { terms[$0] },
        counts: (0..<documents.count).map { documents[$0] })
    }
  }

  /// Numbers of the documents that are not deleted.
  var liveNumbers: Numbers { numbers - (deleted?.numbers ?? Numbers()) }

  /// How many documents that are not deleted have a term.
  func liveDocuments(with term: Int) throws(Failure) -> Int {
    try list(term).count - (deleted?.documents(with: term) ?? 0)
  }

  /// Counts the terms of the segment's deleted documents, by reading all postings.
  func countDeleted() throws(Failure) -> DeletedCounts {
    var found = DeletedCounts()
    for document in 0..<segment.documents where !segment.isLive(document) && lengths[document] > 0 {
      found.numbers.filled += 1
      found.numbers.total += Int(lengths[document])
    }
    let others = (0..<withoutTerms.count).count { !segment.isLive(Int(withoutTerms[$0])) }
    found.numbers.texts = found.numbers.filled + others
    for term in 0..<count {
      let number = Int32(try all(term).documents.count { !segment.isLive(Int($0)) })
      if number > 0 {
        found.terms.append(Int32(term))
        found.counts.append(number)
      }
    }
    return found
  }
}
