import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Exact search over contextual inverted lists: the product of the texts' own vectors, and for each
/// vector of the query what the vectors of its token in the document give.
///
/// A score has the bits of `EmbeddingComparison`, where vectors of different tokens have the
/// similarity 0. Every document has a score, by its own vector; but for one without tokens, where a
/// maximum over them is asked for.
final class CoilIndex: RescoringIndex, ExplainingIndex {
  let documents: DocumentTable
  let heedsReached = true
  private let place: String
  let scoring: VectorScoring
  let postings: TokenPostings
  let vectors: StoredRows
  let cls: StoredRows
  let kernels: Kernels
  private let pool: WorkerPool

  /// Documents whose scores exist at a time.
  private static let window = 1024
  /// Queries that are compared at a time.
  private static let queryBlock = 32

  /// - Throws: 65 where the files do not fit the manifest, 78 for scores that are not known.
  init(_ segment: IndexSegment, _ work: IndexWork) throws(Failure) {
    place = segment.folder
    kernels = work.kernels
    pool = work.pool
    scoring = try VectorScoring(segment.manifest.source, segment.folder)
    documents = try DocumentTable(segment)
    postings = try TokenPostings(segment)
    let own = try segment.tensor(Coil.cls)
    let rows = try segment.tensor(Coil.vectors)
    cls = StoredRows((own.file, own.entry), scales: nil, work.kernels)
    vectors = StoredRows((rows.file, rows.entry), scales: nil, work.kernels)
    guard vectors.count == postings.documents.count else {
      throw postings.damaged("\(vectors.count) vectors of \(postings.documents.count) postings")
    }
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let (sets, shape) = try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    var results: [[TopDocuments.Entry]] = []
    for start in stride(from: 0, to: sets.count, by: Self.queryBlock) {
      let range = start..<min(start + Self.queryBlock, sets.count)
      let queries = CoilQueries(sets[range], shape, scoring.similarity, kernels)
      results += try search(queries, range, request)
    }
    return results
  }

  /// The vectors of queries; `name` is what a query is called in messages.
  func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> ([VectorSet], VectorShape) {
    guard case .vectors(let sets, let shape) = queries, shape.width == vectors.width,
      shape.cls == cls.width, shape.hasTokens
    else {
      throw .config(
        place,
        "expected queries of tokens' vectors of dimension \(vectors.width) beside one of dimension "
          + "\(cls.width), found \(queries.form)")
    }
    for (query, set) in sets.enumerated() {
      if let value = (set.cls + set.values).first(where: { !$0.isFinite }) {
        throw .data(name(query), "expected finite values, found \(value)")
      }
    }
    return (sets, shape)
  }

  private func search(
    _ queries: CoilQueries, _ range: Range<Int>, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let lists = try lists(queries)
    let empty = range.map { Candidates(query: $0, request, documents) }
    let states = WorkerLocal(pool) { (best: empty, memory: Memory()) }
    let windows = (documents.count + Self.window - 1) / Self.window
    try pool.forEach(windows) { [self] window, worker throws(Failure) in
      let range = window * Self.window..<min((window + 1) * Self.window, documents.count)
      try states.with(worker) { state throws(Failure) in
        for query in 0..<queries.count {
          if query == 0 { try compare(queries, lists, range, state.memory) }
          score(queries, query, range, state.memory)
          for (document, score) in state.memory.scores.enumerated() {
            guard hasScore(queries, query, range.lowerBound + document) else { continue }
            state.best[query].offer(range.lowerBound + document, score)
          }
        }
      }
    }
    var merged = empty
    for worker in 0..<pool.threads {
      states.with(worker) { state in
        for query in merged.indices { merged[query].merge(state.best[query]) }
      }
    }
    var results: [[TopDocuments.Entry]] = []
    for (id, candidates) in zip(request.ids[range], merged) {
      results.append(try candidates.finish(id, place))
    }
    return results
  }

  /// The postings of each group's token.
  private func lists(_ queries: CoilQueries) throws(Failure) -> [Range<Int>] {
    var lists: [Range<Int>] = []
    for group in queries.groups { lists.append(try postings.range(of: group.token)) }
    return lists
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let (sets, shape) = try checked(queries[query..<query + 1]) { _ in "the query" }
    let queries = CoilQueries(sets[...], shape, scoring.similarity, kernels)
    let lists = try lists(queries)
    let memory = Memory()
    var results: [Float] = []
    for ordinal in ordinals {
      let range = ordinal..<ordinal + 1
      try compare(queries, lists, range, memory)
      score(queries, 0, range, memory)
      results.append(hasScore(queries, 0, ordinal) ? memory.scores[0] : -.infinity)
    }
    return results
  }

  // MARK: Scores of a window

  /// What a window's documents have for one group of vectors.
  private struct Matches {
    /// Documents with the token, from the window's start.
    var documents: [Int32] = []
    /// values[documents, vectors of the group], aggregated over each document's vectors.
    var values: [Float] = []
  }

  private final class Memory {
    var matches: [Matches] = []
    /// cls[documents, queries].
    var cls = AlignedBuffer(count: 0)
    var rows = AlignedBuffer(count: 0)
    var similarities = AlignedBuffer(count: 0)
    /// What the vectors of one query have given so far, and how many they were.
    var values: [Float] = []
    var counts: [Int32] = []
    var scores: [Float] = []
  }

  /// Compares a window's documents with all queries.
  private func compare(
    _ queries: CoilQueries, _ lists: [Range<Int>], _ window: Range<Int>, _ memory: Memory
  ) throws(Failure) {
    Self.grow(&memory.cls, window.count * queries.count)
    Self.grow(&memory.rows, window.count * cls.width)
    queries.cls.score(
      cls.rows(window, scratch: memory.rows), scratch: memory.rows,
      into: memory.cls.matrix(rows: window.count, columns: queries.count))
    memory.matches.removeAll(keepingCapacity: true)
    for (group, list) in zip(queries.groups, lists) {
      let found = try postings.postings(list, of: window)
      memory.matches.append(matches(group.comparison, found, window, memory))
    }
  }

  private static func grow(_ buffer: inout AlignedBuffer, _ count: Int) {
    if buffer.count < count { buffer = AlignedBuffer(count: count) }
  }

  /// Compares postings with a group's vectors.
  private func matches(
    _ comparison: DenseComparison, _ found: Range<Int>, _ window: Range<Int>, _ memory: Memory
  ) -> Matches {
    var matches = Matches()
    if found.isEmpty { return matches }
    let n = comparison.count
    Self.grow(&memory.rows, found.count * vectors.width)
    Self.grow(&memory.similarities, found.count * n)
    comparison.score(
      vectors.rows(found, scratch: memory.rows), scratch: memory.rows,
      into: memory.similarities.matrix(rows: found.count, columns: n))
    let isMax = scoring.aggregations.doc == .max
    var posting = found.lowerBound
    while posting < found.upperBound {
      let document = postings.documents[posting]
      var values = [Float](repeating: isMax ? -.infinity : 0, count: n)
      let first = posting
      while posting < found.upperBound, postings.documents[posting] == document {
        let own = memory.similarities.pointer + (posting - found.lowerBound) * n
        for vector in 0..<n {
          values[vector] = isMax ? max(values[vector], own[vector]) : values[vector] + own[vector]
        }
        posting += 1
      }
      let length = Int(postings.lengths[Int(document)])
      // Vectors of other tokens have the similarity 0.
      if isMax, posting - first < length { for i in 0..<n { values[i] = max(values[i], 0) } }
      if scoring.aggregations.doc == .mean { for i in 0..<n { values[i] /= Float(length) } }
      matches.documents.append(document - Int32(window.lowerBound))
      matches.values += values
    }
    return matches
  }

  /// Whether no maximum of a query and a document runs over nothing.
  private func hasScore(_ queries: CoilQueries, _ query: Int, _ document: Int) -> Bool {
    if queries.places[query].isEmpty { return scoring.aggregations.query != .max }
    return scoring.aggregations.doc != .max || postings.lengths[document] > 0
  }

  /// Scores of a window's documents for one query, into `memory.scores`.
  private func score(
    _ queries: CoilQueries, _ query: Int, _ window: Range<Int>, _ memory: Memory
  ) {
    let isMax = scoring.aggregations.query == .max
    memory.values.removeAll(keepingCapacity: true)
    memory.values += repeatElement(isMax ? -.infinity : 0, count: window.count)
    memory.counts.removeAll(keepingCapacity: true)
    memory.counts += repeatElement(0, count: window.count)
    let places = queries.places[query]
    for place in places {
      let matches = memory.matches[place.group]
      let n = queries.groups[place.group].comparison.count
      for (i, document) in matches.documents.enumerated() {
        let value = matches.values[i * n + place.column]
        let old = memory.values[Int(document)]
        memory.values[Int(document)] = isMax ? max(old, value) : old + value
        memory.counts[Int(document)] += 1
      }
    }
    memory.scores.removeAll(keepingCapacity: true)
    for document in 0..<window.count {
      var value = memory.values[document]
      // What a document's tokens have nothing for counts as 0.
      if isMax, Int(memory.counts[document]) < places.count { value = max(value, 0) }
      if scoring.aggregations.query == .mean, !places.isEmpty { value /= Float(places.count) }
      // A sum of one addend, as it is elsewhere: there is no negative zero.
      memory.scores.append(0 + memory.cls.pointer[document * queries.count + query] + value)
    }
  }
}
