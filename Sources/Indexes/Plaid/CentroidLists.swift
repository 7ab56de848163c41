import Failures
import IndexFormat
import Tensors

/// For each centroid the documents that have a vector of it.
struct CentroidLists: Sendable {
  /// Number of centroids.
  let count: Int
  private let offsets: MappedColumn<Int64>
  private let documents: MappedColumn<Int32>
  private let vectors: MappedColumn<Int32>
  private let bytes: MappedColumn<UInt8>
  private let total: Int
  private let place: String

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    total = segment.documents
    offsets = try segment.column(Plaid.listOffsets, as: Int64.self)
    documents = try segment.column(Plaid.listDocuments, as: Int32.self)
    vectors = try segment.column(Plaid.listVectors, as: Int32.self)
    bytes = try segment.column(Plaid.lists, as: UInt8.self)
    count = documents.count
    guard offsets.count == count + 1, vectors.count == count else {
      throw .data(place, "damaged: lists of \(offsets.count - 1) and \(count) centroids")
    }
  }

  /// Documents of a centroid.
  func documents(_ centroid: Int) -> Int { Int(documents[centroid]) }

  /// Vectors of a centroid.
  func vectors(_ centroid: Int) -> Int { Int(vectors[centroid]) }

  /// Calls `body` with the documents of a centroid, ascending.
  ///
  /// - Throws: 65 where they are not there.
  @inline(__always)
  func forEachDocument(_ centroid: Int, _ body: (Int) -> Void) throws(Failure) {
    let (start, end) = (Int(offsets[centroid]), Int(offsets[centroid + 1]))
    guard start >= 0, start <= end, end <= bytes.count,
      GapCode.decode(bytes.bytes(start..<end), count: documents(centroid), below: total, body)
    else {
      throw .data(place, "damaged: the documents of centroid \(centroid)")
    }
  }

  /// Reads all lists.
  ///
  /// - Throws: 65 for one that is none.
  func check() throws(Failure) {
    for centroid in 0..<count {
      guard documents(centroid) >= 0, documents(centroid) <= vectors(centroid) else {
        throw .data(place, "damaged: centroid \(centroid) has more documents than vectors")
      }
      try forEachDocument(centroid) { _ in }
    }
  }
}

/// Writes the lists of a segment's centroids, from the centroids of its vectors.
///
/// Memory: what is asked for, whatever the lengths of the lists, and four numbers a centroid.
struct CentroidListWriter {
  /// Documents and vectors of each centroid so far.
  private var documents: [Int32]
  private var vectors: [Int32]
  /// The last document of each.
  private var last: [Int32]
  private var next: Int32 = 0

  init(centroids: Int) {
    documents = Array(repeating: 0, count: centroids)
    vectors = documents
    last = Array(repeating: -1, count: centroids)
  }

  /// Takes note of a document's centroids.
  mutating func append(_ centroids: some Sequence<Int32>) {
    for centroid in centroids {
      vectors[Int(centroid)] += 1
      if last[Int(centroid)] != next {
        last[Int(centroid)] = next
        documents[Int(centroid)] += 1
      }
    }
    next += 1
  }

  /// Writes all lists.
  ///
  /// - Parameters:
  ///   - writer: What makes the files.
  ///   - memory: Bytes that may be used.
  ///   - read: Calls what it is given with the centroids of every document, in order, as often as it is
  ///     called.
  /// - Throws: 73 and 74 where files cannot be written, and what `read` throws.
  func finish(
    _ writer: IndexWriter, memory: Int,
    _ read: (_ document: (_ ordinal: Int32, _ centroids: [Int32]) -> Void) throws(Failure) -> Void
  ) throws(Failure) {
    let offsets = try writer.create(Plaid.listOffsets)
    let lists = try writer.create(Plaid.lists)
    var end: Int64 = 0
    try offsets.append(numbers: [end.littleEndian])
    var first = 0
    while first < documents.count {
      var (stop, total) = (first, 0)
      while stop < documents.count, stop == first || total + Int(documents[stop]) <= memory / 4 {
        total += Int(documents[stop])
        stop += 1
      }
      for list in try turned(first..<stop, total, read) {
        let bytes = GapCode.encode(list)
        try lists.append(numbers: bytes)
        end += Int64(bytes.count)
        try offsets.append(numbers: [end.littleEndian])
      }
      first = stop
    }
    try writer.create(Plaid.listDocuments).append(numbers: documents)
    try writer.create(Plaid.listVectors).append(numbers: vectors)
  }

  /// The documents of some centroids.
  private func turned(
    _ range: Range<Int>, _ total: Int,
    _ read: (_ document: (_ ordinal: Int32, _ centroids: [Int32]) -> Void) throws(Failure) -> Void
  ) throws(Failure) -> [[Int32]] {
    var starts = [0]
    for centroid in range { starts.append(starts[starts.count - 1] + Int(documents[centroid])) }
    var places = starts
    var all = [Int32](repeating: 0, count: total)
    var last = [Int32](repeating: -1, count: range.count)
    try read { ordinal, centroids in
      for centroid in centroids where range.contains(Int(centroid)) {
        let own = Int(centroid) - range.lowerBound
        if last[own] == ordinal { continue }
        last[own] = ordinal
        all[places[own]] = ordinal
        places[own] += 1
      }
    }
    return range.indices.map { centroid in
      let own = centroid - range.lowerBound
      return Array(all[starts[own]..<starts[own + 1]])
    }
  }
}
