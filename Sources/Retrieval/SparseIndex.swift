import Failures
import IndexFormat
import Records
import Streams
import Tensors
import Vectors
import Workers

/// Exact search over the postings of a learned sparse model: term at a time, every posting of
/// every query term.
///
/// A score is a sum over the query's terms in ascending order, one fused multiply-add each; so it
/// is the same bits for any number of threads. Documents without a term of the query are not found.
package final class SparseIndex: SearchableIndex {
  package let folder: IndexFolder
  package let documents: DocumentTable
  private let dimension: Int
  private let files: [SafeTensorsFile]
  nonisolated(unsafe) private let offsets: UnsafeRawBufferPointer
  nonisolated(unsafe) private let postings: UnsafeRawBufferPointer
  nonisolated(unsafe) private let weights: UnsafeRawBufferPointer
  private let pool: WorkerPool
  private let scratch: WorkerLocal<Accumulators>

  /// - Throws: 65 where the files do not fit the manifest.
  package init(_ folder: IndexFolder, _ pool: WorkerPool) throws(Failure) {
    if let similarity = folder.manifest.stream.similarity, similarity != "dot" {
      throw .config(
        folder.path, "a sparse index searches by dot product, its similarity is \(similarity)")
    }
    self.folder = folder
    self.pool = pool
    let table = try DocumentTable(folder)
    documents = table
    dimension = folder.manifest.dimension
    let terms = try folder.tensors(SparseFiles.offsets)
    let docs = try folder.tensors(SparseFiles.documents)
    let values = try folder.tensors(SparseFiles.weights)
    files = [terms, docs, values]
    guard let t = terms.entry("offsets"), t.shape == [dimension + 1], t.type == .i64,
      let d = docs.entry("documents"), d.shape.count == 1, d.type == .i32,
      let w = values.entry("weights"), w.shape == d.shape, w.type == .f32
    else { throw .data(folder.path, "the postings do not fit \(dimension) terms") }
    offsets = terms.bytes(t)
    postings = docs.bytes(d)
    weights = values.bytes(w)
    scratch = WorkerLocal(pool) { Accumulators(table.count) }
    try checkOffsets(total: d.elements)
  }

  private func checkOffsets(total: Int) throws(Failure) {
    var last = 0
    for term in 0...dimension {
      let value = offset(term)
      guard value >= last, value <= total, term > 0 || value == 0 else {
        throw .data(folder.path, "damaged: the postings of term \(term) lie outside of the file")
      }
      last = value
    }
    guard last == total else { throw .data(folder.path, "damaged: postings beyond the last term") }
  }

  private func offset(_ term: Int) -> Int {
    Int(offsets.loadUnaligned(fromByteOffset: 8 * term, as: Int64.self))
  }

  /// Scores of all documents for one query, and which of them have one.
  private struct Accumulators {
    var scores: [Float]
    var isTouched: [Bool]
    var touched: [Int32] = []

    init(_ documents: Int) {
      scores = Array(repeating: 0, count: documents)
      isTouched = Array(repeating: false, count: documents)
    }
  }

  package func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    guard case .sparse(let queries) = request.vectors else {
      throw .config(folder.path, "expected sparse queries")
    }
    for (query, id) in zip(queries, request.ids) {
      try check(query, "query \(String(decoding: id, as: UTF8.self))")
    }
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, worker throws(Failure) in
      let own = request.dropsSelf ? documents.ordinal(request.ids[index]) : nil
      let mask = request.filter?.mask(request.ids[index])
      try scratch.with(worker) { accumulators throws(Failure) in
        try accumulate(queries[index], &accumulators)
        var best = TopDocuments(request.k)
        var notFinite: Int?
        for document in accumulators.touched {
          let ordinal = Int(document)
          let score = accumulators.scores[ordinal]
          accumulators.scores[ordinal] = 0
          accumulators.isTouched[ordinal] = false
          if ordinal == own || mask.map({ !$0.contains(ordinal) }) ?? false { continue }
          if !score.isFinite {
            notFinite = min(notFinite ?? ordinal, ordinal)
            continue
          }
          if score < best.threshold { continue }
          best.insert(
            TopDocuments.Entry(score: score, rank: documents.rank(ordinal), ordinal: document))
        }
        accumulators.touched.removeAll(keepingCapacity: true)
        if let notFinite { throw self.notFinite(request.ids[index], notFinite) }
        results.set(index, best.sorted)
      }
    }
    return (0..<queries.count).map { results.take($0) }
  }

  /// Scores of some documents for one query, in their order: the bits that `search` gives, and 0
  /// for a document without a term of the query.
  package func scores(
    _ query: SparseVector, ordinals: [Int]
  ) throws(Failure) -> [Float] {
    try check(query, "query")
    return try scratch.with(0) { accumulators throws(Failure) in
      try accumulate(query, &accumulators)
      let scores = ordinals.map { accumulators.scores[$0] }
      for document in accumulators.touched {
        accumulators.scores[Int(document)] = 0
        accumulators.isTouched[Int(document)] = false
      }
      accumulators.touched.removeAll(keepingCapacity: true)
      return scores
    }
  }

  /// Refuses a query whose terms do not ascend within the index's, or whose weights are not finite.
  private func check(
    _ query: SparseVector, _ place: String
  ) throws(Failure) {
    var last: Int32 = -1
    for (term, value) in zip(query.indices, query.values) {
      guard term > last else {
        throw .data(place, "expected terms that ascend from 0, found \(term) behind \(last)")
      }
      guard value.isFinite else { throw .data(place, "expected finite values, found \(value)") }
      last = term
    }
    guard Int(last) < dimension else {
      throw .config(folder.path, "\(place) has term \(last), the index has \(dimension)")
    }
  }

  private func notFinite(_ query: [UInt8], _ ordinal: Int) -> Failure {
    let query = String(decoding: query, as: UTF8.self)
    let document = String(decoding: documents.id(ordinal), as: UTF8.self)
    return .data(
      folder.path, "the score of document \(document) for query \(query) is not a finite number")
  }

  private func accumulate(
    _ query: SparseVector, _ accumulators: inout Accumulators
  ) throws(Failure) {
    for (term, weight) in zip(query.indices, query.values) {
      precondition(term >= 0 && term < dimension, "term \(term) of \(dimension)")
      for posting in offset(Int(term))..<offset(Int(term) + 1) {
        let document = Int(postings.loadUnaligned(fromByteOffset: 4 * posting, as: Int32.self))
        guard document >= 0, document < documents.count else {
          throw .data(folder.path, "damaged: a posting of document \(document)")
        }
        let value = weights.loadUnaligned(fromByteOffset: 4 * posting, as: Float.self)
        if !accumulators.isTouched[document] {
          accumulators.isTouched[document] = true
          accumulators.touched.append(Int32(document))
        }
        accumulators.scores[document].addProduct(weight, value)
      }
    }
  }
}
