import Kernels

/// Where the parts of a vertex lie in its row of bytes.
///
/// A row is what a hop reads: two floats about the vertex itself, padded to 64 bytes; the ordinals of its
/// neighbours; and blocks of 32 neighbours' codes (`NeighbourCodes`). A place without a neighbour has the
/// vertex itself, which a search that stands there has seen already.
struct GraphLayout: Sendable, Equatable {
  /// Places for neighbours, a multiple of 32, and blocks of them.
  let degree: Int
  let blocks: Int
  /// Numbers of a rotated vector, a multiple of 64.
  let width: Int
  /// Where codes begin.
  let codes: Int
  /// Bytes of a row, a multiple of 64.
  let size: Int

  init(degree: Int, width: Int) {
    self.degree = degree
    self.width = width
    blocks = degree / NeighbourCodes.block
    codes = Self.neighbours + degree * MemoryLayout<Int32>.stride
    size = codes + blocks * NeighbourCodes.size(width: width)
  }

  /// What a product with the vertex's vector is multiplied by, and the square of its length.
  static let factor = 0
  static let square = 4
  static let neighbours = 64
}

/// Rows of vertices, in memory that belongs to somebody else.
struct GraphRows {
  let layout: GraphLayout
  let count: Int
  let base: UnsafePointer<UInt8>

  @inline(__always)
  func row(_ vertex: Int) -> UnsafePointer<UInt8> { base + vertex * layout.size }

  /// What a product with the vertex's vector is multiplied by.
  @inline(__always)
  func factor(_ vertex: Int) -> Float {
    UnsafeRawPointer(row(vertex)).load(fromByteOffset: GraphLayout.factor, as: Float.self)
  }

  /// The square of the vertex's length.
  @inline(__always)
  func square(_ vertex: Int) -> Float {
    UnsafeRawPointer(row(vertex)).load(fromByteOffset: GraphLayout.square, as: Float.self)
  }

  @inline(__always)
  func neighbours(_ vertex: Int) -> UnsafePointer<Int32> {
    UnsafeRawPointer(row(vertex) + GraphLayout.neighbours).assumingMemoryBound(to: Int32.self)
  }

  @inline(__always)
  func codes(_ vertex: Int) -> UnsafePointer<UInt8> { row(vertex) + layout.codes }
}
