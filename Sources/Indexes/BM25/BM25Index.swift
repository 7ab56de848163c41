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
  private let feedback: Feedback?
  /// Nil where nothing asks for them.
  private let vectors: TermVectors?
  private let pool: WorkerPool
  /// What a frequency is multiplied by, for each length byte.
  private let inverses: [Float]
  private let scratch: WorkerLocal<Scores>

  /// Documents whose scores exist at a time: they stay in the second-level cache.
  private static let window = 1 << 16

  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ analyzer: Analyzer, k1: Float, b: Float, _ feedback: Feedback?,
    _ work: IndexWork
  ) throws(Failure) {
    place = segment.folder
    self.analyzer = analyzer
    documents = try DocumentTable(segment)
    postings = try TermPostings(segment)
    self.feedback = feedback
    vectors = feedback == nil ? nil : try TermVectors(segment)
    pool = work.pool
    let average = Float(Double(postings.totalLength) / Double(max(postings.filledDocuments, 1)))
    inverses = (0...255).map { byte in
      let length = Float(DocumentLength.length(UInt8(byte)))
      return 1 / (k1 * ((1 - b) + b * length / average))
    }
    let size = min(Self.window, segment.documents)
    scratch = WorkerLocal(work.pool) { Scores(size) }
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    guard case .texts(let texts) = request.queries else {
      throw .config(place, "expected queries that are text, found \(request.queries.form)")
    }
    let results = Results<[TopDocuments.Entry]>(texts.count)
    try pool.forEach(texts.count) { [self] index, worker throws(Failure) in
      let entries = try scratch.with(worker) { scores throws(Failure) in
        let id = request.ids[index]
        let query = try expanded(counts(texts[index], &scores.analysis), id, request, &scores)
        return try best(query, id, request, &scores)
      }
      results.set(index, entries)
    }
    return texts.indices.map { results.take($0) }
  }

  /// The best documents for some terms.
  private func best(
    _ query: TermWeights, _ id: [UInt8], _ request: SearchRequest, _ scores: inout Scores
  ) throws(Failure) -> [TopDocuments.Entry] {
    var candidates = Candidates(id, request, documents)
    try scan(terms(of: query), &scores, &candidates)
    return try candidates.finish(id, place)
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    guard case .texts(let texts) = queries else {
      throw .config(place, "expected queries that are text, found \(queries.form)")
    }
    var scores = Scores(min(Self.window, documents.count))
    let request = SearchRequest(ids: [[]], queries: .texts([texts[query]]), k: 1)
    let terms = try terms(
      of: expanded(counts(texts[query], &scores.analysis), [], request, &scores))
    return ordinals.map { ordinal in
      var sum = 0.0
      for term in terms {
        if let posting = find(ordinal, in: term.range) { sum += score(term, posting, ordinal) }
      }
      return Float(sum)
    }
  }

  // MARK: The query

  private struct QueryTerm {
    var range: Range<Int>
    var weight: Float
  }

  /// How often a text has each term.
  private func counts(_ text: [UInt8], _ analysis: inout Analyzer.Scratch) -> TermWeights {
    var counts = TermWeights()
    analyzer.forEachTerm(of: text, scratch: &analysis) { counts.add(1, to: Array($0)) }
    return counts
  }

  /// What a query becomes by the documents that it finds first, if feedback is asked for.
  private func expanded(
    _ query: TermWeights, _ id: [UInt8], _ request: SearchRequest, _ scores: inout Scores
  ) throws(Failure) -> TermWeights {
    guard let feedback, let vectors else { return query }
    var first = request
    first.k = feedback.depth
    first.floor = -.infinity
    // Which documents are in is the reference's choice, whatever order is asked for in the end.
    first.ties = .anserini
    let found = try best(query, id, first, &scores)
    let (top, bottom) = feedback.places(found.count)
    func document(_ entry: TopDocuments.Entry) throws(Failure) -> Feedback.Document {
      var weights = TermWeights()
      for (term, frequency) in try vectors.terms(of: Int(entry.ordinal)) {
        guard term < postings.count else { throw vectors.damaged(Int(entry.ordinal)) }
        let share = Float(try postings.range(term).count) / Float(postings.textDocuments)
        let bytes = try postings.withTerm(term) { Array($0) }
        if feedback.takes(bytes, share: share) { weights.add(Float(frequency), to: bytes) }
      }
      return Feedback.Document(score: entry.score, weights: weights)
    }
    var (near, far): ([Feedback.Document], [Feedback.Document]) = ([], [])
    for place in top { near.append(try document(found[place])) }
    for place in bottom.reversed() { far.append(try document(found[place])) }
    return feedback.expanded(query, top: near, bottom: far)
  }

  /// The terms of a query that some document has, in bytewise order.
  private func terms(of query: TermWeights) throws(Failure) -> [QueryTerm] {
    var terms: [QueryTerm] = []
    for (bytes, weight) in query.sorted {
      let found = try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
        try postings.find(UnsafeRawBufferPointer(bytes))
      }
      guard let term = found else { continue }
      let range = try postings.range(term)
      let (all, own) = (Double(postings.filledDocuments), Double(range.count))
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
