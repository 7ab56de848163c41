import IndexFormat

/// Documents that may be among the k best of a query, by ranges in which their scores lie.
///
/// A document is out once k others have lower ends above its upper one. Which documents are left in
/// the end depends neither on the order in which they come nor on how they are split between workers.
package struct Contenders: Sendable {
  private let admission: Admission
  /// The k largest lower ends.
  private var lowest: LargestElements<Float>
  /// What k documents that were never offered reach, and the least score that one is found with.
  private var floor: Float
  private var ordinals: [Int32] = []
  private var uppers: [Float] = []
  /// How many may be kept before those that are out are dropped.
  private var room: Int

  /// - Parameters:
  ///   - id: The query's.
  ///   - request: What may answer it.
  ///   - documents: The index's.
  package init(_ id: [UInt8], _ request: SearchRequest, _ documents: DocumentTable) {
    self.init(id, request, documents, floor: request.floor)
  }

  /// - Parameters:
  ///   - query: One of the request, of which what others found is heeded.
  ///   - request: What may answer it.
  ///   - documents: The index's.
  package init(query: Int, _ request: SearchRequest, _ documents: DocumentTable) {
    self.init(request.ids[query], request, documents, floor: request.least(of: query))
  }

  private init(
    _ id: [UInt8], _ request: SearchRequest, _ documents: DocumentTable, floor: Float
  ) {
    admission = Admission(id, request, documents)
    self.floor = floor
    lowest = LargestElements(request.k)
    room = 2 * request.k + 512
  }

  /// The score below which a document need not be offered.
  package var threshold: Float { max(lowest.least ?? -.infinity, floor) }

  /// Whether as many documents were offered as are asked for.
  package var isFull: Bool { lowest.least != nil }

  /// Whether a document may be found.
  package func admits(_ ordinal: Int) -> Bool { admission.admits(ordinal) }

  /// Excludes what is below a number that k other documents are known to reach.
  package mutating func raise(to number: Float) { floor = max(floor, number) }

  /// Takes note of the range in which a document's score lies.
  package mutating func offer(_ ordinal: Int, least: Float, most: Float) {
    guard most >= threshold, admission.admits(ordinal) else { return }
    lowest.insert(least)
    ordinals.append(Int32(ordinal))
    uppers.append(most)
    if ordinals.count > room { drop() }
  }

  private mutating func drop() {
    let threshold = threshold
    var kept = 0
    for place in ordinals.indices where uppers[place] >= threshold {
      ordinals[kept] = ordinals[place]
      uppers[kept] = uppers[place]
      kept += 1
    }
    ordinals.removeLast(ordinals.count - kept)
    uppers.removeLast(uppers.count - kept)
    room = max(room, 2 * kept)
  }

  /// The documents that are left, by ordinal, and what the score of each is at most.
  package var survivors: [(ordinal: Int, most: Float)] {
    let threshold = threshold
    return zip(ordinals, uppers).filter { $1 >= threshold }
      .map { (ordinal: Int($0), most: $1) }.sorted { $0.ordinal < $1.ordinal }
  }
}

extension Contenders: MergeableCollector {
  package mutating func merge(_ other: Contenders) {
    lowest.insert(other.lowest)
    raise(to: other.floor)
    ordinals += other.ordinals
    uppers += other.uppers
    drop()
  }
}

/// What collects documents of a query, for workers that each have a part of the collection.
package protocol MergeableCollector: Sendable {
  /// Takes over what another worker found for the same query.
  mutating func merge(_ other: Self)
}

extension Candidates: MergeableCollector {}
