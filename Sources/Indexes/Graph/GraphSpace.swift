import Kernels
import Vectors

/// The space that a graph is built in, where vectors are compared.
///
/// Cosines are compared as distances of unit vectors, and dot products of documents of equal lengths, too. Of
/// others what is compared is ‖q − x‖² − ‖x‖², which has the order of products. A query's length does not
/// matter there, and is brought to that of the longest document. Everything is scaled by a power of two that
/// makes that about 1, less the centre, and rotated.
///
/// Graphs that were built before have one number more, √(M² − ‖x‖²) with M the greatest length, and queries 0
/// there (Bachrach et al., RecSys 2014). Distances have the order of products then; but neighbours are vectors
/// of a length rather than those with large products, and searches find less.
struct GraphSpace: Sendable {
  let similarity: Similarity
  let dimension: Int
  /// The power of two that vectors are multiplied by; 1 for cosines.
  let scale: Float
  /// At least the length of the longest document, after that; 1 for cosines.
  let longest: Float
  /// Whether documents have one number more, as in graphs that were built before.
  let isAugmented: Bool
  /// The mean of all documents, of as many numbers as they have in the space.
  let centre: [Float]
  let rotation: RandomRotation

  /// - Parameters:
  ///   - similarity: What a score is.
  ///   - dimension: Numbers of a document.
  ///   - longest: At least the length of the longest document.
  ///   - centre: The mean of all documents in the space; one number more where they have one.
  ///   - seed: That of the index.
  init(
    _ similarity: Similarity, dimension: Int, longest: Float, centre: [Float], seed: UInt64
  ) {
    self.similarity = similarity
    self.dimension = dimension
    scale = Self.scale(similarity, longest: longest)
    self.longest = similarity == .cosine ? 1 : longest * scale
    isAugmented = centre.count > dimension
    self.centre = centre
    rotation = RandomRotation(dimension: centre.count, seed: seed)
  }

  /// The power of two that makes the longest document about as long as 1.
  static func scale(_ similarity: Similarity, longest: Float) -> Float {
    guard similarity != .cosine, longest > 0 else { return 1 }
    return Float(sign: .plus, exponent: max(-100, min(60, -1 - longest.exponent)), significand: 1)
  }

  /// A document in the space.
  ///
  /// - Parameter values: Its numbers; of unit length for cosines.
  /// - Returns: As many numbers as it has, without the centre, not rotated.
  func point(_ values: UnsafeBufferPointer<Float>) -> [Float] {
    zip(values, centre).map { $0 * scale - $1 }
  }
}

/// A query in a graph's space.
struct GraphQuery {
  /// What documents' own numbers are compared with.
  let values: [Float]
  /// The query in the space, rotated.
  let rotated: [Float]
  /// The square of its length in the space.
  let square: Float

  /// Nil where the space does not tell documents apart: for a query of zeros, unless distances are asked
  /// for, and for one so long that its distances overflow.
  ///
  /// - Parameters:
  ///   - values: Its numbers.
  ///   - space: That of the graph.
  init?(_ values: ArraySlice<Float>, _ space: GraphSpace) {
    let length = values.withUnsafeBufferPointer { values in
      values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    guard length < 0x1p60 else { return nil }
    switch space.similarity {
    case .l2:
      guard length * Double(space.scale) < 0x1p40 else { return nil }
      self.values = Array(values)
    case .dot, .cosine:
      guard length > 0x1p-60, space.longest > 0 else { return nil }
      let by = Float(Double(space.longest) / length)
      self.values = Self.numbers(values) { $0 * by }
    }
    let scale = space.similarity == .l2 ? space.scale : 1
    var point = Self.point(self.values, scale, space.centre)
    if space.isAugmented { point.append(-space.centre[space.dimension]) }
    rotated = space.rotation(point)
    let own = length * Double(space.scale)
    square = space.similarity == .l2 ? Float(own * own) : space.longest * space.longest
  }

  /// A query in the space, without what documents have more.
  private static func point(_ values: [Float], _ scale: Float, _ centre: [Float]) -> [Float] {
    values.withUnsafeBufferPointer { values in
      centre.withUnsafeBufferPointer { centre in
        [Float](unsafeUninitializedCapacity: centre.count) { point, filled in
          filled = min(values.count, centre.count)
          for place in 0..<filled { point[place] = values[place] * scale - centre[place] }
        }
      }
    }
  }

  private static func numbers(
    _ values: ArraySlice<Float>, _ number: (Float) -> Float
  ) -> [Float] {
    values.withUnsafeBufferPointer { values in
      [Float](unsafeUninitializedCapacity: values.count) { numbers, filled in
        filled = values.count
        for place in 0..<filled { numbers[place] = number(values[place]) }
      }
    }
  }
}
