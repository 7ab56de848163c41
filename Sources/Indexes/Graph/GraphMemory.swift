import Failures
import Kernels
import Streams

/// What a graph is built in: vectors, lists and rows, of which as much is in memory as it may take, and
/// the rest in a file that is gone with the process.
final class GraphMemory {
  let layout: GraphLayout
  let count: Int
  /// Rotated vectors without the centre, [count, width].
  let vectors: UnsafeMutablePointer<Float>
  /// What is taken off squared distances of a vertex, the square of its length, where products are compared.
  let lifts: UnsafeMutablePointer<Float>?
  private let rowBytes: UnsafeMutablePointer<UInt8>
  private(set) var lists: GraphLists
  private(set) var newLists: GraphLists
  private let offered: UnsafeMutablePointer<GraphKey>
  private let spaces: [ScratchMemory]

  /// - Parameters:
  ///   - layout: That of the graph.
  ///   - count: Vertices.
  ///   - hasLifts: Whether products are compared.
  ///   - limit: Bytes that may be in memory at once.
  ///   - make: Makes room for some bytes, in memory or in a file.
  /// - Throws: 73 and 74 where a file cannot be made.
  init(
    _ layout: GraphLayout, count: Int, hasLifts: Bool, limit: Int,
    _ make: (_ bytes: Int, _ inMemory: Bool) throws(Failure) -> ScratchMemory
  ) throws(Failure) {
    self.layout = layout
    self.count = count
    var left = limit
    var spaces: [ScratchMemory] = []
    func take<T>(_ type: T.Type, _ number: Int) throws(Failure) -> UnsafeMutablePointer<T> {
      let bytes = max(64, number * MemoryLayout<T>.stride)
      let space = try make(bytes, bytes <= left)
      if bytes <= left { left -= bytes }
      spaces.append(space)
      return space.base.bindMemory(to: type, capacity: max(1, number))
    }
    let lists = count * layout.degree
    let keys = (try take(GraphKey.self, lists), try take(GraphKey.self, lists))
    offered = try take(GraphKey.self, lists)
    let counts = (try take(Int32.self, count), try take(Int32.self, count))
    rowBytes = try take(UInt8.self, count * layout.size)
    vectors = try take(Float.self, count * layout.width)
    lifts = hasLifts ? try take(Float.self, count) : nil
    self.lists = GraphLists(degree: layout.degree, keys: keys.0, counts: counts.0)
    newLists = GraphLists(degree: layout.degree, keys: keys.1, counts: counts.1)
    self.spaces = spaces
  }

  var rows: GraphRows { GraphRows(layout: layout, count: count, base: rowBytes) }

  /// All rows, for a file.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: rowBytes, count: count * layout.size)
  }

  /// Room for edges backwards, of which there are at most as many as edges.
  func offers(_ number: Int) -> UnsafeMutablePointer<GraphKey> {
    precondition(number <= count * layout.degree, "more edges than there is room for")
    return offered
  }

  /// Takes new lists in the place of old ones, which are then written over.
  func exchangeLists() { (lists, newLists) = (newLists, lists) }

  /// Sets what a row says of its vertex itself.
  func describe(_ vertex: Int, factor: Float, square: Float) {
    let row = UnsafeMutableRawPointer(rowBytes + vertex * layout.size)
    row.initializeMemory(as: UInt8.self, repeating: 0, count: GraphLayout.neighbours)
    row.storeBytes(of: factor, toByteOffset: GraphLayout.factor, as: Float.self)
    row.storeBytes(of: square, toByteOffset: GraphLayout.square, as: Float.self)
  }

  /// Writes what the row of a vertex says of its neighbours.
  func encode(_ vertex: Int, _ kernels: Kernels) {
    let row = rowBytes + vertex * layout.size
    let neighbours = UnsafeMutableRawPointer(row + GraphLayout.neighbours)
      .assumingMemoryBound(to: Int32.self)
    let list = lists.neighbours(vertex)
    for place in 0..<layout.degree {
      neighbours[place] = Int32(
        truncatingIfNeeded: place < list.count ? list[place].vertex : vertex)
    }
    let size = NeighbourCodes.size(width: layout.width)
    for block in 0..<layout.blocks {
      let first = block * NeighbourCodes.block
      kernels.codeNeighbours(
        max(0, min(NeighbourCodes.block, list.count - first)), width: layout.width,
        of: vectors + vertex * layout.width, vectors, at: neighbours + first,
        into: row + layout.codes + block * size)
      guard let lifts else { continue }
      // What is added to estimates stands behind the codes.
      let offsets = UnsafeMutableRawPointer(
        row + layout.codes + block * size + NeighbourCodes.block * layout.width / 8
      ).assumingMemoryBound(to: Float.self)
      for place in first..<max(first, min(first + NeighbourCodes.block, list.count)) {
        offsets[place - first] += lifts[vertex] - lifts[list[place].vertex]
      }
    }
  }
}
