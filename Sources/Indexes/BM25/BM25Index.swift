import Analysis
import Failures
import Glibc
import IndexFormat
import Retrieval
import Vectors
import Workers

/// Exact search by BM25: every posting of every term of a query.
///
/// The weight of a term is its count in the query times ln(1 + (N - n + 0.5) / (n + 0.5)), with N
/// documents that have any term, n of them this one; a document that has it f times gets
/// weight - weight / (1 + f / (k1 (1 - b + b length / average))), in single precision in this order,
/// and the sum over the terms in bytewise order in double precision, as Lucene 9.5 does it.
///
/// Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009);
/// BM25Similarity of Lucene 9.5.
final class BM25Index: RescoringIndex {
  let documents: DocumentTable
  private let place: String
  private let analyzer: Analyzer
  private let postings: TermPostings
  private let statistics: CollectionStatistics
  /// Nil where they are not stored.
  private let vectors: TermVectors?
  private let pool: WorkerPool
  /// What a frequency is multiplied by, for each length byte.
  private let inverses: [Float]
  private let scratch: WorkerLocal<Scores>

  /// Documents whose scores exist at a time: they stay in the second-level cache.
  private static let window = 1 << 16

  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ postings: TermPostings, _ statistics: CollectionStatistics,
    _ analyzer: Analyzer, k1: Float, b: Float, _ work: IndexWork
  ) throws(Failure) {
    place = segment.folder
    self.analyzer = analyzer
    documents = try DocumentTable(segment)
    self.postings = postings
    vectors = segment.has(BM25.vectors) ? try TermVectors(segment) : nil
    self.statistics = statistics
    pool = work.pool
    let average = statistics.averageLength
    inverses = (0...255).map { byte in
      let length = Float(DocumentLength.length(UInt8(byte)))
      return 1 / (k1 * ((1 - b) + b * length / average))
    }
    let size = min(Self.window, segment.documents)
    scratch = WorkerLocal(work.pool) { Scores(size) }
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    try search(request, counts(request.queries))
  }

  /// The best documents for the terms of each query, whose weights may be other ones than its text has.
  func search(
    _ request: SearchRequest, _ queries: [TermWeights]
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, worker throws(Failure) in
      let entries = try scratch.with(worker) { scores throws(Failure) in
        var candidates = Candidates(request.ids[index], request, documents)
        try scan(terms(of: queries[index]), &scores, &candidates)
        return try candidates.finish(request.ids[index], place)
      }
      results.set(index, entries)
    }
    return queries.indices.map { results.take($0) }
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    try scores(counts(queries[query..<query + 1])[0], of: ordinals)
  }

  /// Scores of some documents for the terms of a query.
  func scores(_ query: TermWeights, of ordinals: [Int]) throws(Failure) -> [Float] {
    let terms = try terms(of: query)
    return ordinals.map { ordinal in
      var sum = 0.0
      for term in terms {
        if let posting = find(ordinal, in: term.range) { sum += score(term, posting, ordinal) }
      }
      return Float(sum)
    }
  }

  /// How often a document has each term that counts.
  ///
  /// - Parameters:
  ///   - document: Its ordinal.
  ///   - takes: Whether a term counts.
  /// - Returns: The terms.
  /// - Throws: 65 where the vector is damaged.
  func vector(
    of document: Int, _ takes: ([UInt8]) throws(Failure) -> Bool
  ) throws(Failure) -> TermWeights {
    var weights = TermWeights()
    guard let vectors else { return weights }
    for (term, frequency) in try vectors.terms(of: document) {
      guard term < postings.count else { throw vectors.damaged(document) }
      let bytes = try postings.withTerm(term) { Array($0) }
      if try takes(bytes) { weights.add(Float(frequency), to: bytes) }
    }
    return weights
  }

  // MARK: The query

  private struct QueryTerm {
    var range: Range<Int>
    var weight: Float
  }

  /// How often texts have each term.
  ///
  /// - Throws: 78 for queries that are no texts.
  func counts(_ queries: Embeddings) throws(Failure) -> [TermWeights] {
    guard case .texts(let texts) = queries else {
      throw .config(place, "expected queries that are text, found \(queries.form)")
    }
    let results = Results<TermWeights>(texts.count)
    pool.forEachUnchecked(texts.count) { index, worker in
      scratch.with(worker) { scores in
        var counts = TermWeights()
        analyzer.forEachTerm(of: texts[index], scratch: &scores.analysis) {
          counts.add(1, to: Array($0))
        }
        results.set(index, counts)
      }
    }
    return texts.indices.map { results.take($0) }
  }

  /// The terms of a query that some document has, in bytewise order.
  private func terms(of query: TermWeights) throws(Failure) -> [QueryTerm] {
    var terms: [QueryTerm] = []
    for (bytes, weight) in query.sorted {
      guard let term = try postings.find(bytes) else { continue }
      let range = try postings.range(term)
      let (all, own) = try (
        Double(statistics.numbers.filled), Double(statistics.documents(with: bytes))
      )
      let idf = Float(log(1 + (all - own + 0.5) / (own + 0.5)))
      terms.append(QueryTerm(range: range, weight: weight * idf))
    }
    return terms
  }

  @inline(__always)
  private func score(_ term: QueryTerm, _ posting: Int, _ document: Int) -> Double {
    let inverse = inverses[Int(postings.lengthBytes[document])]
    let frequency = Float(postings.frequencies[posting])
    return Double(term.weight - term.weight / (1 + frequency * inverse))
  }

  private func find(_ ordinal: Int, in range: Range<Int>) -> Int? {
    let place = lowerBound(ordinal, in: range)
    return place < range.upperBound && Int(postings.documents[place]) == ordinal ? place : nil
  }

  /// The first posting of a document that is not in front of another one.
  private func lowerBound(_ ordinal: Int, in range: Range<Int>) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if Int(postings.documents[middle]) < ordinal { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: The scan

  /// Scores of a window's documents, and which of them have one.
  private struct Scores {
    var values: [Double]
    var isTouched: [Bool]
    var touched: [Int32] = []
    var analysis = Analyzer.Scratch()

    init(_ size: Int) {
      values = Array(repeating: 0, count: size)
      isTouched = Array(repeating: false, count: size)
    }
  }

  /// Documents without a term of the query are not found; a score is above zero where there is one.
  private func scan(
    _ terms: [QueryTerm], _ scores: inout Scores, _ candidates: inout Candidates
  ) throws(Failure) {
    var places = terms.map(\.range.lowerBound)
    for start in stride(from: 0, to: documents.count, by: Self.window) {
      let end = min(start + Self.window, documents.count)
      for (index, term) in terms.enumerated() {
        var place = places[index]
        while place < term.range.upperBound {
          let document = Int(postings.documents[place])
          if document >= end { break }
          guard document >= start else { throw postings.damaged("documents do not ascend") }
          if !scores.isTouched[document - start] {
            scores.isTouched[document - start] = true
            scores.touched.append(Int32(document))
          }
          scores.values[document - start] += score(term, place, document)
          place += 1
        }
        places[index] = place
      }
      for document in scores.touched {
        let value = scores.values[Int(document) - start]
        scores.values[Int(document) - start] = 0
        scores.isTouched[Int(document) - start] = false
        candidates.offer(Int(document), Float(value))
      }
      scores.touched.removeAll(keepingCapacity: true)
    }
  }
}
