internal import CKernels

/// The neighbours of a vertex of a graph, as codes of one bit a number beside it.
///
/// Gou, Gao, Xu and Long, "SymphonyQG: Towards Symphonious Integration of Quantization and Graph for
/// Approximate Nearest Neighbor Search", arXiv:2411.12229.
package enum NeighbourCodes {
  /// Neighbours of a block.
  package static var block: Int { Int(CK_BITS_BLOCK) }

  /// Bytes of a block: codes, and two floats of each neighbour.
  package static func size(width: Int) -> Int {
    block * (width / 8 + 2 * MemoryLayout<Float>.stride)
  }
}

extension Kernels {
  /// Estimates of a query's squared distances of a vertex's neighbours.
  ///
  /// - Parameters:
  ///   - blocks: Blocks of neighbours.
  ///   - width: Numbers of a vector, a multiple of 64.
  ///   - rows: The blocks, by `codeNeighbours`.
  ///   - tables: tables[width / 4, 16] of the query, up to `BitTables.most`: Σ s · q is their sum times
  ///     `step`, and `base`.
  ///   - step: What a table's numbers are multiplied by.
  ///   - base: What is added then.
  ///   - distance: The squared distance of the query and the vertex.
  ///   - limit: Estimates above it are of no use.
  ///   - out: Room for all.
  ///   - near: Room for a number a block: bit i is set unless estimate i is above the limit.
  package func estimate(
    blocks: Int, width: Int, rows: UnsafePointer<UInt8>, tables: UnsafePointer<UInt8>, step: Float,
    base: Float, distance: Float, limit: Float, into out: UnsafeMutablePointer<Float>,
    near: UnsafeMutablePointer<UInt32>
  ) {
    var call = ck_neighbours(
      blocks: blocks, depth: width / 8, rows: rows, tables: tables, step: step, base: base,
      distance: distance, out: out, limit: limit, near: near)
    table.pointee.neighbours(&call)
  }

  /// Makes the tables of a query for `estimate`.
  ///
  /// - Parameters:
  ///   - query: query[width], rotated.
  ///   - width: Numbers of a vector, a multiple of 64.
  ///   - sums: Scratch memory for 4 numbers each.
  ///   - tables: Room for tables[width / 4, 16].
  /// - Returns: What a table's numbers are multiplied by, and what is added then.
  package func signTables(
    _ query: UnsafePointer<Float>, width: Int, _ sums: UnsafeMutablePointer<Float>,
    into tables: UnsafeMutablePointer<UInt8>
  ) -> (step: Float, base: Float) {
    precondition(width % 64 == 0, "tables of \(width) numbers")
    var (step, base): (Float, Float) = (0, 0)
    table.pointee.sign_tables(width, query, sums, tables, &step, &base)
    return (step, base)
  }

  /// Codes of some vectors beside that of a vertex.
  ///
  /// - Parameters:
  ///   - count: How many, at most `NeighbourCodes.block`; what is left of the block is zero.
  ///   - width: Numbers of a vector, a multiple of 64.
  ///   - vertex: The vertex's numbers.
  ///   - rows: Vectors, rotated as the queries are, without gaps.
  ///   - places: Which of the rows.
  ///   - block: Room for `NeighbourCodes.size`.
  package func codeNeighbours(
    _ count: Int, width: Int, of vertex: UnsafePointer<Float>, _ rows: UnsafePointer<Float>,
    at places: UnsafePointer<Int32>, into block: UnsafeMutablePointer<UInt8>
  ) {
    precondition(count <= NeighbourCodes.block && width % 64 == 0, "\(count) codes of \(width)")
    table.pointee.neighbour_codes(count, width, vertex, rows, width, places, block)
  }

  /// Squared distances of a vector and some rows, in sixteen lanes.
  ///
  /// - Parameters:
  ///   - count: How many rows.
  ///   - width: Numbers of a vector.
  ///   - vector: The vector.
  ///   - rows: Rows without gaps.
  ///   - places: Which of them.
  ///   - out: Room for all.
  package func squaredDistances(
    _ count: Int, width: Int, _ vector: UnsafePointer<Float>, _ rows: UnsafePointer<Float>,
    at places: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.squares_f32(count, width, vector, rows, width, places, out)
  }

  /// Dot products of a vector and some rows, each the bits of `dot`.
  ///
  /// - Parameters:
  ///   - count: How many rows.
  ///   - width: Numbers of a vector.
  ///   - vector: The vector.
  ///   - rows: Rows without gaps.
  ///   - places: Which of them.
  ///   - out: Room for all.
  package func products(
    _ count: Int, width: Int, _ vector: UnsafePointer<Float>, _ rows: UnsafePointer<Float>,
    at places: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.products_f32(count, width, vector, rows, width, places, out)
  }

  /// Dot products of a vector and some rows, each the bits of `multiply`: fma over the dimensions ascending.
  ///
  /// - Parameters:
  ///   - vector: vector[K].
  ///   - rows: rows[M,K].
  ///   - places: Which of the rows, each once or several times; nil for all of them.
  ///   - out: Room for as many.
  package func multiply(
    _ vector: UnsafePointer<Float>, _ rows: MatrixView,
    at places: UnsafeBufferPointer<Int32>? = nil,
    into out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.chains_f32(
      places?.count ?? rows.rows, rows.columns, vector, rows.base, rows.stride,
      places?.baseAddress, out)
  }

  /// Puts some values among the least keys.
  ///
  /// - Parameters:
  ///   - count: How many values, a multiple of 32 where `near` says which.
  ///   - values: The values, not NaN.
  ///   - names: The numbers that they are named by, from 0 on.
  ///   - near: Bit i is set where value i counts; nil for all.
  ///   - keys: The least keys.
  package func offer(
    _ count: Int, _ values: UnsafePointer<Float>, _ names: UnsafePointer<Int32>,
    near: UnsafePointer<UInt32>?, to keys: inout LeastKeys
  ) {
    var call = ck_keys(
      keys: keys.base, count: keys.count, width: keys.width, first: keys.first, marks: keys.marks,
      mark: keys.mark)
    table.pointee.offer_keys(&call, count, near, values, names)
    keys.count = call.count
    keys.first = call.first
  }

  /// Rotates some numbers in place: signs, Hadamard transforms of a window from either end by turns, and
  /// turns of one half with the other (Kac's walk).
  ///
  /// - Parameters:
  ///   - x: As many numbers as a round has signs, a multiple of 64.
  ///   - signs: signs[rounds, width], each 1 or -1.
  ///   - rounds: How often.
  package func rotate(_ x: UnsafeMutableBufferPointer<Float>, signs: [Float], rounds: Int) {
    let width = x.count
    precondition(width % 64 == 0 && width > 0 && signs.count == rounds * width, "rotate \(width)")
    let window = 1 << (Int.bitWidth - 1 - width.leadingZeroBitCount)
    table.pointee.rotate_f32(width, window, rounds, signs, x.baseAddress)
  }

  /// Asks for some bytes to be brought into the cache.
  @inline(__always)
  package static func prefetch(_ bytes: UnsafeRawPointer, _ count: Int) { ck_fetch(bytes, count) }
}

/// The least of some keys, ascending, in memory that belongs to somebody else.
///
/// A key is a value, in the order of floats, above twice the number that it is named by; its lowest bit is
/// free for a mark.
package struct LeastKeys {
  package let base: UnsafeMutablePointer<UInt64>
  /// How many there are, and at most.
  package var count = 0
  package let width: Int
  /// The place of the first key that was put in, if that is in front of it.
  package var first: Int
  /// Numbers whose mark is `mark` are passed over; nil for none.
  package let marks: UnsafePointer<UInt32>?
  package let mark: UInt32

  /// No keys.
  ///
  /// - Parameters:
  ///   - base: Room for `width` keys.
  ///   - width: How many are kept, at least 1.
  ///   - marks: The mark of each number; nil where none is passed over.
  ///   - mark: That of numbers that are passed over.
  package init(
    _ base: UnsafeMutablePointer<UInt64>, width: Int, marks: UnsafePointer<UInt32>? = nil,
    mark: UInt32 = 0
  ) {
    precondition(width > 0, "no room for keys")
    self.base = base
    self.width = width
    self.marks = marks
    self.mark = mark
    first = width
  }
}
