import Clustering
import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors
import Workers

/// How what is left of vectors without the centroids of their lists is coded for estimates of scores.
///
/// With x = c + r, the score ⟨q, x⟩ is ⟨q, c⟩, which is known of a list, and ⟨c, r⟩ + ⟨q − c, r⟩, of which
/// the last alone is estimated: as the estimate of ⟨q, r⟩, for which one table of a query serves all lists,
/// without that of ⟨c, r⟩, which is known of a document. Where all codes share a factor, as other
/// libraries have it, ⟨q, r⟩ is estimated as it is.
enum ResidualCoder: Sendable {
  /// A bit a number, its sign after a random rotation (`BitCode`).
  case signs(RandomRotation)
  /// Four or eight bits for some numbers together, after a rotation that was learned; products of codes
  /// have one factor for all, or each its own.
  case products(ProductQuantizer, OptimizedRotation?, factor: Float?)

  /// Words of `--codes` that are estimates.
  static let words = [Flat.bits, "pq4", "pq8"]

  /// Bytes of a code, an even number where halves of bytes are looked up.
  var depth: Int {
    switch self {
    case .signs(let rotation): rotation.width / 8
    case .products(let quantizer, _, _):
      quantizer.entries == 16 ? (quantizer.parts + 3) / 4 * 2 : quantizer.parts
    }
  }

  /// A code, and what makes an estimate of products of it.
  struct Code: Sendable {
    var bytes: [UInt8]
    var scale: Float
    var offset: Float
  }

  /// Codes of values[n, dimension], which belong to one list.
  ///
  /// The product of what a code stands for, r̂, is multiplied by ‖r‖² / ⟨r̂, r⟩, so that its error is
  /// orthogonal to r.
  ///
  /// - Parameters:
  ///   - values: Finite vectors; of unit length where cosines are asked for.
  ///   - centroid: The list's.
  ///   - similarity: What a score is.
  ///   - work: What codes.
  /// - Returns: A code of each.
  func codes(
    of values: [Float], _ centroid: [Float], _ similarity: Similarity, _ work: IndexWork
  ) -> [Code] {
    let width = centroid.count
    let made = Results<Code>(values.count / width)
    switch self {
    case .signs(let rotation):
      let turned = rotation(centroid)
      values.withUnsafeBufferPointer { values in
        work.pool.forEachUnchecked(values.count / width) { row, _ in
          let vector = UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])
          let code = BitCode(vector, leaving: centroid, turned, rotation, similarity)
          made.set(row, Code(bytes: code.codes, scale: code.scale, offset: code.offset))
        }
      }
    case .products(let quantizer, let rotation, let factor):
      var rest = values
      for row in 0..<values.count / width {
        for i in 0..<width { rest[row * width + i] -= centroid[i] }
      }
      if let rotation { rest = rotation(rest, work.kernels) }
      let found = rest.withUnsafeBufferPointer { rest in
        quantizer.codes(
          of: MatrixView(
            rest.baseAddress.unsafelyUnwrapped, rows: rest.count / width, columns: width), work.pool
        )
      }
      let decoded = quantizer.decoded(found)
      let turned = rotation?(centroid, work.kernels) ?? centroid
      for row in 0..<values.count / width {
        let numbers = row * width..<(row + 1) * width
        let scale = factor ?? Self.scale(rest[numbers], decoded[numbers])
        var offset = 0.0
        if factor == nil {
          for (place, number) in numbers.enumerated() {
            offset +=
              Double(turned[place])
              * (Double(rest[number]) - Double(scale) * Double(decoded[number]))
          }
        }
        if similarity == .l2 { offset -= Self.square(values[numbers]) / 2 }
        let limit = Double(Float.greatestFiniteMagnitude)
        made.set(
          row,
          Code(
            bytes: pack(found[row * quantizer.parts..<(row + 1) * quantizer.parts]), scale: scale,
            offset: Float(max(-limit, min(limit, offset)))))
      }
    }
    return (0..<values.count / width).map { made.take($0) }
  }

  private static func scale(_ rest: ArraySlice<Float>, _ decoded: ArraySlice<Float>) -> Float {
    var (square, product) = (0.0, 0.0)
    for (x, y) in zip(rest, decoded) {
      square += Double(x) * Double(x)
      product += Double(x) * Double(y)
    }
    // A code that points elsewhere, as of what is hardly there, is taken as it is.
    return product > square / 8 ? Float(square / product) : 1
  }

  private static func square(_ vector: ArraySlice<Float>) -> Double {
    vector.reduce(0) { $0 + Double($1) * Double($1) }
  }

  private func pack(_ codes: ArraySlice<UInt8>) -> [UInt8] {
    guard case .products(let quantizer, _, _) = self, quantizer.entries == 16 else {
      return Array(codes)
    }
    var bytes = [UInt8](repeating: 0, count: depth)
    for (part, code) in codes.enumerated() { bytes[part / 2] |= code << (part % 2 == 0 ? 0 : 4) }
    return bytes
  }

  /// Queries as their products with codes are made of: rotated, where that was learned.
  ///
  /// - Parameters:
  ///   - values: queries[n, dimension].
  ///   - kernels: What multiplies.
  /// - Returns: As many numbers; of signs, the queries as they are.
  func turned(_ values: [Float], _ kernels: Kernels) -> [Float] {
    guard case .products(_, let rotation?, _) = self else { return values }
    return rotation(values, kernels)
  }

  /// A query as it is compared with codes; of cosines, of unit length already.
  ///
  /// - Parameters:
  ///   - values: query[dimension].
  ///   - turned: The query, turned.
  /// - Returns: Its tables.
  func query(_ values: [Float], turned: [Float]) -> EstimateQuery {
    let square = Float(values.reduce(0.0) { $0 + Double($1) * Double($1) })
    switch self {
    case .signs(let rotation):
      let nothing = [Float](repeating: 0, count: values.count)
      let queries = BitQueries(values, count: 1, centre: nothing, rotation)
      return EstimateQuery(form: .halves(queries.tables), square: square)
    case .products(let quantizer, _, _):
      let products = quantizer.products(of: turned)
      if quantizer.entries == 256 {
        return EstimateQuery(form: .bytes(products), square: square)
      }
      return EstimateQuery(
        form: .halves(Self.tables(products, depth: depth)), square: square, products: products)
    }
  }

  /// Products with the sixteen centroids of each part, in steps above the least.
  private static func tables(_ products: [Float], depth: Int) -> BitTables {
    var least: [Float] = []
    least.reserveCapacity(products.count / 16)
    var most: Float = 0
    products.withUnsafeBufferPointer { products in
      for start in stride(from: 0, to: products.count, by: 16) {
        var (low, high) = (products[start], products[start])
        for place in start..<start + 16 {
          low = min(low, products[place])
          high = max(high, products[place])
        }
        least.append(low)
        most = max(most, high - low)
      }
    }
    let step = most / Float(BitTables.most)
    var tables = [UInt8](repeating: 0, count: 32 * depth)
    let isFlat = !(step >= .leastNormalMagnitude) || !step.isFinite
    tables.withUnsafeMutableBufferPointer { tables in
      for (part, low) in least.enumerated() where !isFlat {
        for place in 16 * part..<16 * part + 16 {
          // A number below 2^22 and 2^23 make a float whose last bits are the number, rounded to even.
          let shifted = (products[place] - low) / step + 0x1p23
          tables[place] = UInt8(truncatingIfNeeded: shifted.bitPattern)
        }
      }
    }
    return BitTables(
      depth: depth, tables: tables, steps: [isFlat ? 0 : step],
      bases: [least.reduce(0) { $0 + $1 }])
  }
}

/// A query as estimates are made with it.
struct EstimateQuery: Sendable {
  enum Form: Sendable {
    /// Sums of what the halves of bytes look up.
    case halves(BitTables)
    /// products[depth, 256], of which bytes look up one each.
    case bytes([Float])
  }

  let form: Form
  /// The square of its length.
  let square: Float
  /// products[parts, 16], which halves of bytes look up in steps in a scan; none of signs.
  var products: [Float] = []

  /// Whether no sum overflows.
  var isSmall: Bool { square < 0x1p120 }

  /// The score that an estimate stands for.
  func score(_ estimate: Float, _ similarity: Similarity) -> Float {
    similarity == .l2 ? -max(0, square - 2 * estimate).squareRoot() : estimate
  }
}
