import Kernels

/// A vector as one bit a number, and what makes an estimate of its products of them.
///
/// RaBitQ: Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound
/// for Approximate Nearest Neighbor Search", arXiv:2405.12497. What is left of a vector without the
/// centre, x − c = r, is rotated, and its signs s are kept. Then ⟨s, v⟩ ‖r‖² / ‖r‖₁ is an unbiased
/// estimate of ⟨r, v⟩ for a rotated v, here that of q − c: its error is orthogonal to r.
package struct BitCode: Sendable {
  /// Bit t of byte g is set where number 8 g + t of the rotated vector is not below zero.
  package var codes: [UInt8]
  /// What ⟨s, v⟩ is multiplied by.
  package var scale: Float
  /// What is added: ⟨c, r⟩, and of distances −‖x‖²/2.
  package var offset: Float
  /// At least the vector's Euclidean length.
  package var norm: Float

  /// - Parameters:
  ///   - vector: Finite numbers; of unit length where cosines are asked for.
  ///   - centre: The mean of all vectors.
  ///   - rotation: As queries are rotated.
  ///   - similarity: What a score is.
  package init(
    _ vector: UnsafeBufferPointer<Float>, centre: [Float], _ rotation: RandomRotation,
    _ similarity: Similarity
  ) {
    let rest = zip(vector, centre).map { $0 - $1 }
    let rotated = rotation(rest)
    codes = [UInt8](repeating: 0, count: rotation.width / 8)
    var (square, sum) = (0.0, 0.0)
    for (place, value) in rotated.enumerated() {
      if value >= 0 { codes[place / 8] |= 1 << (place % 8) }
      square += Double(value) * Double(value)
      sum += Double(abs(value))
    }
    scale = sum > 0 ? Float(square / sum) : 0
    let along = zip(rest, centre).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
    let limit = Double(Float.greatestFiniteMagnitude)
    offset = Float(max(-limit, min(limit, similarity == .l2 ? along - length / 2 : along)))
    norm = ByteCode.length(length, vector.count)
  }

  /// What is left of a vector without a centre near it, to be compared with queries that keep theirs: the
  /// product of a query with the centre is added to the estimate.
  ///
  /// ⟨q, x⟩ = ⟨q, c⟩ + ⟨c, r⟩ + ⟨q − c, r⟩, and of these the last alone is estimated; what the estimate
  /// has of c is known here, and taken off.
  ///
  /// - Parameters:
  ///   - vector: Finite numbers; of unit length where cosines are asked for.
  ///   - centre: Near the vector.
  ///   - turned: The centre, rotated as queries are.
  ///   - rotation: As queries are rotated.
  ///   - similarity: What a score is.
  package init(
    _ vector: UnsafeBufferPointer<Float>, leaving centre: [Float], _ turned: [Float],
    _ rotation: RandomRotation, _ similarity: Similarity
  ) {
    self.init(vector, centre: centre, rotation, similarity)
    var sum = 0.0
    for (place, value) in turned.enumerated() {
      let isSet = codes[place / 8] >> UInt8(place % 8) & 1 == 1
      sum += isSet ? Double(value) : -Double(value)
    }
    let limit = Double(Float.greatestFiniteMagnitude)
    offset = Float(max(-limit, min(limit, Double(offset) - Double(scale) * sum)))
  }
}

/// Some queries as they are compared with bits.
package struct BitQueries: Sendable {
  package let tables: BitTables
  /// Squares of the queries' lengths.
  package let squares: [Float]
  /// Products of the queries with the centre, which estimates are without.
  private let central: [Float]

  /// - Parameters:
  ///   - values: queries[count, dimension], finite; of unit length already where cosines are asked for.
  ///   - count: How many, at least one.
  ///   - centre: The mean of all documents.
  ///   - rotation: As documents were rotated.
  package init(_ values: [Float], count: Int, centre: [Float], _ rotation: RandomRotation) {
    let dimension = values.count / count
    var tables: [UInt8] = []
    var (steps, bases, squares, central): ([Float], [Float], [Float], [Float]) = ([], [], [], [])
    for query in 0..<count {
      let row = values[query * dimension..<(query + 1) * dimension]
      let rotated = rotation(zip(row, centre).map { $0 - $1 })
      let (table, step) = Self.table(rotated)
      tables += table
      steps.append(step)
      bases.append(-rotated.reduce(0) { $0 + abs($1) })
      squares.append(Float(row.reduce(0.0) { $0 + Double($1) * Double($1) }))
      central.append(Float(zip(row, centre).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }))
    }
    self.tables = BitTables(depth: rotation.width / 8, tables: tables, steps: steps, bases: bases)
    self.squares = squares
    self.central = central
  }

  /// The score that an estimate stands for.
  package func score(_ query: Int, estimate: Float, _ similarity: Similarity) -> Float {
    let product = estimate + central[query]
    return similarity == .l2 ? -max(0, squares[query] - 2 * product).squareRoot() : product
  }

  /// For each four numbers what each combination of signs adds beyond the least, in steps.
  private static func table(_ values: [Float]) -> (table: [UInt8], step: Float) {
    var sums = [Float](repeating: 0, count: 4 * values.count)
    var most: Float = 0
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for start in stride(from: 0, to: values.count, by: 4) {
          // A number whose sign is that of the code counts twice, since the other one is the least.
          for t in 0..<4 {
            let value = values[start + t]
            let (twice, isPositive) = (2 * abs(value), value >= 0)
            for signs in 0..<1 << t {
              let sum = sums[4 * start + signs]
              sums[4 * start + signs + (1 << t)] = isPositive ? sum + twice : sum
              if !isPositive { sums[4 * start + signs] = sum + twice }
            }
          }
          for signs in 0..<16 { most = max(most, sums[4 * start + signs]) }
        }
      }
    }
    let step = most / Float(BitTables.most)
    guard step >= .leastNormalMagnitude else {
      return ([UInt8](repeating: 0, count: sums.count), 0)
    }
    let table = sums.withUnsafeBufferPointer { sums in
      [UInt8](unsafeUninitializedCapacity: sums.count) { table, filled in
        filled = sums.count
        // A number below 2^22 and 2^23 make a float whose last bits are the number, rounded to even.
        for place in 0..<filled {
          table[place] = UInt8(truncatingIfNeeded: (sums[place] / step + 0x1p23).bitPattern)
        }
      }
    }
    return (table, step)
  }
}
