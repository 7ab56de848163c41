import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// The graph of a segment, in mapped files.
///
/// Unchecked: the pointers lead into files that `owner` keeps mapped, and nobody writes there.
struct StoredGraph: @unchecked Sendable {
  let rows: GraphRows
  let space: GraphSpace
  let entry: Int
  private let owner: SafeTensorsFile
  private let place: String

  /// - Returns: Nil for a segment without documents, which has no graph.
  /// - Throws: 65 where the files do not fit the manifest.
  init?(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    let manifest = "\(segment.folder)/\(IndexManifest.fileName)"
    let tensor = try segment.tensor(Graph.rows)
    let numbers = try segment.column(Graph.centre, as: Float.self)
    let centre = (0..<numbers.count).map { numbers[$0] }
    guard let dimension = segment.manifest.source.dimension,
      (dimension...dimension + 1).contains(centre.count), centre.allSatisfy(\.isFinite)
    else { throw .data(place, "damaged: the centre of the graph has \(centre.count) numbers") }
    if segment.documents == 0 { return nil }
    space = GraphSpace(
      try Flat.similarity(segment.manifest.source, place), dimension: dimension,
      longest: try FlatCodes.longest(segment), centre: centre, seed: segment.manifest.seed)
    let recorded = segment.manifest.parameters.first { $0.key == Graph.neighbours }
    guard let degree = recorded?.value.integer, degree > 0, degree <= 1024,
      degree % NeighbourCodes.block == 0
    else { throw .data(manifest, "damaged manifest: no \(Graph.neighbours)") }
    let layout = GraphLayout(degree: degree, width: space.rotation.width)
    guard tensor.entry.shape[1] == layout.size else {
      throw .data(
        tensor.file.path,
        "damaged: rows of \(tensor.entry.shape[1]) bytes, expected \(layout.size)")
    }
    guard let entry = segment.statistics.first(where: { $0.key == Graph.entry })?.value.integer,
      entry >= 0, entry < segment.documents
    else { throw .data(manifest, "damaged manifest: no \(Graph.entry)") }
    self.entry = entry
    owner = tensor.file
    rows = GraphRows(
      layout: layout, count: segment.documents,
      base: try FlatCodes.base(tensor, alignment: MemoryLayout<Float>.alignment)
        .assumingMemoryBound(to: UInt8.self))
  }

  /// Reads all rows, and walks to all vertices.
  ///
  /// - Throws: 65 for neighbours that are no documents, numbers that no row has, and a vertex that is not
  ///   reached.
  func check() throws(Failure) {
    for vertex in 0..<rows.count {
      let (factor, square) = (rows.factor(vertex), rows.square(vertex))
      guard factor.isFinite, factor >= 0, square.isFinite, square >= 0 else {
        throw .data(place, "damaged: the row of document \(vertex) has \(factor) and \(square)")
      }
      for neighbour in neighbours(vertex) where neighbour < 0 || neighbour >= rows.count {
        throw .data(place, "damaged: document \(vertex) has the neighbour \(neighbour)")
      }
    }
    var reached = [Bool](repeating: false, count: rows.count)
    var open = [entry]
    reached[entry] = true
    while let vertex = open.popLast() {
      for neighbour in neighbours(vertex) where !reached[Int(neighbour)] {
        reached[Int(neighbour)] = true
        open.append(Int(neighbour))
      }
    }
    if let vertex = reached.firstIndex(of: false) {
      throw .data(place, "damaged: no way in the graph leads to document \(vertex)")
    }
  }

  private func neighbours(_ vertex: Int) -> UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: rows.neighbours(vertex), count: rows.layout.degree)
  }
}
