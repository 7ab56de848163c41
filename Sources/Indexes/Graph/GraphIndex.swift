import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Search by walking through a graph; what is found is scored as exact search scores it.
///
/// Where few documents may be found, or are there at all, all of them are compared.
final class GraphIndex: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  private let graph: StoredGraph
  private let reference: FlatIndex
  private let vectors: GraphVectors
  /// Candidates that a query keeps in sight; `Int.max` for all documents.
  private let width: Int
  private let place: String
  private let kernels: Kernels
  private let pool: WorkerPool
  private let rooms: WorkerLocal<GraphRoom>

  var similarity: Similarity { reference.similarity }

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - graph: Its graph.
  ///   - reference: What compares all of its vectors.
  ///   - width: Candidates that a query keeps in sight.
  ///   - work: What searches.
  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ graph: StoredGraph, reference: FlatIndex, width: Int,
    _ work: IndexWork
  ) throws(Failure) {
    self.graph = graph
    self.reference = reference
    self.width = width
    documents = reference.documents
    vectors = try GraphVectors(segment, graph, work.kernels)
    place = segment.folder
    kernels = work.kernels
    pool = work.pool
    let layout = graph.rows.layout
    rooms = WorkerLocal(work.pool) { GraphRoom(layout) }
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let values = try reference.checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    let width = max(width, request.k)
    if width >= documents.count { return try reference.search(request) }
    let results = Results<[TopDocuments.Entry]>(request.ids.count)
    let dimension = reference.dimension
    try pool.forEach(request.ids.count) { [self] query, worker throws(Failure) in
      let own = values[query * dimension..<(query + 1) * dimension]
      let found = try rooms.with(worker) { room throws(Failure) in
        try search(own, query, width, request, room)
      }
      results.set(query, found)
    }
    return request.ids.indices.map { results.take($0) }
  }

  private func search(
    _ values: ArraySlice<Float>, _ number: Int, _ width: Int, _ request: SearchRequest,
    _ room: GraphRoom
  ) throws(Failure) -> [TopDocuments.Entry] {
    let id = request.ids[number]
    let admission = Admission(id, request, documents)
    let ordinals: [Int]
    if let few = admission.documents(atMost: Self.few(of: documents.count, width)) {
      ordinals = few
    } else if vectors.isSafe, let query = GraphQuery(values, graph.space) {
      walk(query, width, request.k, admission, room)
      ordinals = best(request.k, room.visited.keys, query)
    } else {
      ordinals = (0..<documents.count).filter(admission.admits)
    }
    var candidates = Candidates(id, request, documents)
    let scores = try reference.scores(request.queries, number, of: ordinals)
    for (ordinal, score) in zip(ordinals, scores) { candidates.offer(ordinal, score) }
    return try candidates.finish(id, place)
  }

  /// How many documents that may be found are so few that comparing them all is cheaper than a walk.
  ///
  /// A walk visits as many others for each of them as there are. Where a narrower one is not worth while, a
  /// wider one is not, either.
  private static func few(of count: Int, _ width: Int) -> Int {
    Int((3 * Double(width) * Double(count)).squareRoot())
  }

  private func walk(
    _ query: GraphQuery, _ width: Int, _ k: Int, _ admission: Admission, _ room: GraphRoom
  ) {
    query.rotated.withUnsafeBufferPointer {
      room.tables.fill($0.baseAddress.unsafelyUnwrapped)
    }
    let walk = GraphWalk(rows: graph.rows, entry: graph.entry, kernels: kernels)
    query.values.withUnsafeBufferPointer { values in
      let distances = vectors.distances(values.baseAddress.unsafelyUnwrapped, query.square)
      if admission.isOpen {
        walk(width, distances, room)
        // A document may have been estimated several times, and others are not in sight then.
        if room.visited.count >= k { return }
      }
      walk(width, atLeast: k, distances, room) { admission.admits($0) }
    }
  }

  /// The nearest vertices, and those which differ from the last of them by no more than rounding.
  private func best(_ k: Int, _ visited: UnsafeMutableBufferPointer<GraphKey>, _ query: GraphQuery)
    -> [Int]
  {
    if visited.count <= k { return visited.map(\.vertex) }
    // A few more than k are kept in order; where those do not do, all are.
    var nearest = Self.least(k + Self.margin, of: visited)
    let last = nearest[k - 1].distance
    let unit = Float(reference.dimension + 8) * 0x1p-22
    let rounding =
      similarity == .l2
      ? unit * last : unit * (query.square + graph.space.longest * graph.space.longest)
    if let farthest = nearest.last, nearest.count < visited.count,
      farthest.distance <= last + rounding
    {
      nearest = visited.sorted()
    }
    let end = nearest[k...].firstIndex { $0.distance > last + rounding } ?? nearest.count
    return nearest[..<end].map(\.vertex)
  }

  private static let margin = 8

  /// The least of some keys, in order.
  private static func least(
    _ count: Int, of keys: UnsafeMutableBufferPointer<GraphKey>
  ) -> [GraphKey] {
    var least: [GraphKey] = []
    least.reserveCapacity(count + 1)
    for key in keys {
      if least.count == count {
        if key >= least[count - 1] { continue }
        least.removeLast()
      }
      var place = least.count
      least.append(key)
      while place > 0, least[place - 1] > key {
        least[place] = least[place - 1]
        place -= 1
      }
      least[place] = key
    }
    return least
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    try reference.scores(queries, query, of: ordinals)
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    reference.vectors(of: ordinals)
  }

  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    try reference.explanations(queries, query, of: ordinals, naming: name)
  }
}
