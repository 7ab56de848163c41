import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// What finds vertices of a graph that are near to a query.
protocol GraphNavigator: Sendable {
  associatedtype Room: WalkRoom

  /// Scratch memory of a worker.
  func makeRoom() -> Room

  /// The documents that a walk finds, nearest first, and those which differ from the last of them by no
  /// more than rounding.
  ///
  /// - Parameters:
  ///   - values: Numbers of the query.
  ///   - width: Candidates that are kept in sight, at least k.
  ///   - k: How many are wanted.
  ///   - admission: Which may be found.
  ///   - room: Scratch memory.
  /// - Returns: Their numbers: at least k, or all that may be found; nil for a query that the graph does
  ///   not lead to documents.
  func nearest(
    _ values: ArraySlice<Float>, _ width: Int, _ k: Int, _ admission: Admission, _ room: Room
  ) -> [Int]?

  /// Documents that are compared in the time in which a walk visits one of those that it keeps in sight.
  static var price: Double { get }
}

/// Search by walking through a graph; what is found is scored as exact search scores it.
///
/// Where few documents may be found, or are there at all, all of them are compared.
final class GraphIndex<Navigator: GraphNavigator>: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  private let navigator: Navigator
  private let reference: FlatIndex
  /// Candidates that a query keeps in sight; `Int.max` for all documents.
  private let width: Int
  private let place: String
  private let pool: WorkerPool
  private let rooms: WorkerLocal<(walk: Navigator.Room, flat: FlatRoom)>

  var similarity: Similarity { reference.similarity }

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - navigator: What walks through its graph.
  ///   - reference: What compares all of its vectors.
  ///   - width: Candidates that a query keeps in sight.
  ///   - work: What searches.
  init(
    _ segment: IndexSegment, _ navigator: Navigator, reference: FlatIndex, width: Int,
    _ work: IndexWork
  ) {
    self.navigator = navigator
    self.reference = reference
    self.width = width
    documents = reference.documents
    place = segment.folder
    pool = work.pool
    rooms = WorkerLocal(work.pool) {
      (
        navigator.makeRoom(),
        FlatRoom(rows: FlatIndex.gathered, queries: 1, dimension: reference.dimension)
      )
    }
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
        try search(own, query, width, request, room.walk, room.flat)
      }
      results.set(query, found)
    }
    return request.ids.indices.map { results.take($0) }
  }

  private func search(
    _ values: ArraySlice<Float>, _ number: Int, _ width: Int, _ request: SearchRequest,
    _ room: Navigator.Room, _ flat: FlatRoom
  ) throws(Failure) -> [TopDocuments.Entry] {
    let id = request.ids[number]
    let admission = Admission(id, request, documents)
    let width = Self.width(width, admission, of: documents.count)
    let ordinals =
      admission.documents(atMost: Self.few(of: documents.count, width))
      ?? navigator.nearest(values, width, request.k, admission, room)
      ?? (0..<documents.count).filter(admission.admits)
    guard !room.isDamaged else {
      throw .data(
        place, "damaged: the graph has a neighbour that is no document",
        hint: "lir-index verify says where")
    }
    var candidates = Candidates(id, request, documents)
    reference.score(Array(values), ordinals, flat) { candidates.offer($0, $1) }
    return try candidates.finish(id, place)
  }

  /// How many candidates that may be found a walk keeps in sight: the more the fewer there are, as the best
  /// of them may lie behind many that may not be found.
  private static func width(_ width: Int, _ admission: Admission, of count: Int) -> Int {
    if admission.isOpen { return width }
    let refused = 1 - Double(admission.most) / Double(max(count, 1))
    return width + Int(Double(width) * refused)
  }

  /// How many documents that may be found are so few that comparing them all is cheaper than a walk.
  ///
  /// A walk visits as many others for each of them as there are. Where a narrower one is not worth while, a
  /// wider one is not, either.
  private static func few(of count: Int, _ width: Int) -> Int {
    Int((Navigator.price * Double(width) * Double(count)).squareRoot())
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
