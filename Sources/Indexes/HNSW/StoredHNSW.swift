import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// The graph of a segment in layers, in mapped files.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct StoredHNSW: @unchecked Sendable {
  /// Edges of a layer.
  struct Links: LayerLinks {
    let base: UnsafePointer<Int32>
    let degree: Int

    @inline(__always)
    func count(_ vertex: Int) -> Int { degree }

    @inline(__always)
    func neighbour(_ vertex: Int, _ place: Int) -> Int { Int(base[vertex * degree + place]) }

    @inline(__always)
    func fetch(_ vertex: Int) {
      Kernels.prefetch(base + vertex * degree, degree * MemoryLayout<Int32>.stride)
    }

    /// The neighbours of a vertex.
    func neighbours(_ vertex: Int) -> UnsafeBufferPointer<Int32>.SubSequence {
      let row = UnsafeBufferPointer(start: base + vertex * degree, count: degree)
      return row.prefix { Int($0) != vertex }
    }
  }

  /// Documents of each layer, the lowest first.
  let sizes: [Int]
  /// Neighbours of a document above the lowest layer.
  let degree: Int
  let lowest: Links
  /// From the second lowest on; vertices are places in `documents`.
  let upper: [Links]
  /// Documents above the lowest layer.
  let documents: UnsafePointer<Int32>
  /// The document at which walks begin.
  let entry: Int
  private let owners: [SafeTensorsFile]
  private let place: String

  /// - Returns: Nil for a segment without documents, which has no graph.
  /// - Throws: 65 where the files do not fit the manifest.
  init?(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    let manifest = "\(segment.folder)/\(IndexManifest.fileName)"
    let column = try segment.column(HNSW.sizes, as: Int32.self)
    let sizes = (0..<column.count).map { Int(column[$0]) }
    if segment.documents == 0 { return nil }
    guard sizes.first == segment.documents, let last = sizes.last, last > 0, sizes.count <= 64,
      zip(sizes, sizes.dropFirst()).allSatisfy({ $0 >= $1 })
    else { throw .data(place, "damaged: layers of \(sizes) documents of \(segment.documents)") }
    self.sizes = sizes
    let recorded = segment.manifest.parameters.first { $0.key == HNSW.neighbours }
    guard let degree = recorded?.value.integer, (2...512).contains(degree) else {
      throw .data(manifest, "damaged manifest: no \(HNSW.neighbours)")
    }
    self.degree = degree
    let (links, upperLinks) = (
      try segment.tensor(HNSW.links), try segment.tensor(HNSW.upperLinks)
    )
    let documents = try segment.tensor(HNSW.upperDocuments)
    let rows = sizes.dropFirst().reduce(0, +)
    for (tensor, shape) in [
      (links, [segment.documents, HNSWMemory.degree(degree, 0)]), (upperLinks, [rows, degree]),
      (documents, [sizes.count > 1 ? sizes[1] : 0]),
    ] where tensor.entry.shape != shape {
      throw .data(
        tensor.file.path, "damaged: a tensor of shape \(tensor.entry.shape), expected \(shape)")
    }
    guard let entry = segment.statistics.first(where: { $0.key == HNSW.entry })?.value.integer,
      entry >= 0, entry < segment.documents
    else { throw .data(manifest, "damaged manifest: no \(HNSW.entry)") }
    self.entry = entry
    lowest = Links(base: try Self.numbers(links), degree: HNSWMemory.degree(degree, 0))
    let base = try Self.numbers(upperLinks)
    var first = 0
    upper = sizes.dropFirst().map { size in
      defer { first += size }
      return Links(base: base + first * degree, degree: degree)
    }
    self.documents = try Self.numbers(documents)
    for place in 0..<(sizes.count > 1 ? sizes[1] : 0)
    where !(0..<segment.documents).contains(Int(self.documents[place])) {
      throw .data(
        documents.file.path,
        "damaged: document \(self.documents[place]) stands above the lowest layer")
    }
    owners = [links.file, upperLinks.file, documents.file]
  }

  private static func numbers(_ tensor: IndexTensor) throws(Failure) -> UnsafePointer<Int32> {
    try FlatCodes.base(tensor, alignment: MemoryLayout<Int32>.alignment)
      .assumingMemoryBound(to: Int32.self)
  }

  /// Reads all edges, and walks to all documents.
  ///
  /// - Throws: 65 for a neighbour that is none of its layer, a document that stands twice above the lowest
  ///   layer, an entry that is not the first of the highest, and a document that is not reached.
  func check() throws(Failure) {
    try check(lowest, sizes[0], "document")
    for (links, size) in zip(upper, sizes.dropFirst()) {
      try check(links, size, "the place above the lowest layer")
    }
    var isAbove = [Bool](repeating: false, count: sizes[0])
    let count = sizes.count > 1 ? sizes[1] : 0
    for place in 0..<count {
      let document = Int(documents[place])
      guard isAbove.indices.contains(document), !isAbove[document] else {
        throw .data(self.place, "damaged: document \(document) stands above the lowest layer")
      }
      isAbove[document] = true
    }
    if count > 0, Int(documents[0]) != entry {
      throw .data(place, "damaged: the entry is \(entry), expected \(documents[0])")
    }
    var reached = [Bool](repeating: false, count: sizes[0])
    var open = [entry]
    reached[entry] = true
    while let vertex = open.popLast() {
      for neighbour in lowest.neighbours(vertex) where !reached[Int(neighbour)] {
        reached[Int(neighbour)] = true
        open.append(Int(neighbour))
      }
    }
    if let vertex = reached.firstIndex(of: false) {
      throw .data(place, "damaged: no way in the graph leads to document \(vertex)")
    }
  }

  private func check(_ links: Links, _ count: Int, _ name: String) throws(Failure) {
    for vertex in 0..<count {
      for place in 0..<links.degree
      where !(0..<count).contains(links.neighbour(vertex, place)) {
        throw .data(
          self.place,
          "damaged: \(name) \(vertex) has the neighbour \(links.neighbour(vertex, place))")
      }
    }
  }
}
