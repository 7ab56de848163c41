import Kernels

/// Chooses among refused candidates those that fill a vertex's list, in directions of their own.
///
/// Seen from the vertex, there is an angle between a candidate and each nearer neighbour. Candidates are
/// taken in their order, unless such an angle is too narrow; how wide angles must be for the list to become
/// just full is found by halving (SymphonyQG, arXiv:2411.12229). The nearest of the refused ones, which lie
/// behind the same neighbours, would be estimated again and again, and narrow walks be full of them.
struct GraphSpreading {
  let degree: Int
  let width: Int
  let vectors: UnsafePointer<Float>
  /// Squares of the vectors' lengths, where products are compared: −2 x · y in the place of ‖x − y‖².
  let lifts: UnsafeMutablePointer<Float>?
  let kernels: Kernels

  /// Refused candidates that are looked at, unless a list has more places.
  static let most = 96
  /// Halvings of the range from `widest` to 1 in which the largest cosine of an angle lies.
  private static let halvings = 5
  private static let widest: Float = 0.5

  /// Scratch memory of a worker.
  final class Room {
    /// Squared distance of each candidate, and the largest cosine beside a nearer neighbour.
    fileprivate var squares: [Float]
    fileprivate var cosines: [Float]
    /// Cosines of pairs of candidates, the nearer one last; NaN for those that are not known.
    fileprivate var pairs: [Float]
    fileprivate let stride: Int
    fileprivate var taken: [Int] = []
    fileprivate var distances: [Float]

    init(degree: Int) {
      stride = max(degree, GraphSpreading.most)
      squares = [Float](repeating: 0, count: stride)
      cosines = squares
      pairs = [Float](repeating: .nan, count: stride * stride)
      distances = [Float](repeating: 0, count: degree)
    }
  }

  /// Puts refused candidates behind the chosen neighbours, in no order, until the list is full.
  ///
  /// - Parameters:
  ///   - vertex: Whose neighbours they are.
  ///   - list: The chosen ones in their order.
  ///   - count: How many there are.
  ///   - chosen: Their numbers.
  ///   - refused: The others in their order, at most `most`.
  ///   - room: Scratch memory.
  /// - Returns: How many neighbours there are now.
  func fill(
    for vertex: Int, _ list: UnsafeMutablePointer<GraphKey>, _ count: Int,
    _ chosen: UnsafePointer<Int32>, _ refused: [GraphKey], _ room: Room
  ) -> Int {
    let wanted = min(degree - count, refused.count)
    if wanted < refused.count {
      measure(for: vertex, list, count, chosen, refused, room)
      var (low, high) = (Self.widest, Float(1))
      for _ in 0..<Self.halvings {
        let middle = (low + high) / 2
        take(wanted, below: middle, refused, room)
        if room.taken.count < wanted { low = middle } else { high = middle }
      }
      take(wanted, below: high, refused, room)
    } else {
      room.taken.removeAll(keepingCapacity: true)
    }
    var filled = count
    for place in room.taken {
      list[filled] = refused[place]
      filled += 1
    }
    // Equal vectors have no angle; of what is left the nearest are taken.
    var next = room.taken.makeIterator()
    var skipped = next.next()
    for place in refused.indices where filled < count + wanted {
      if place == skipped {
        skipped = next.next()
        continue
      }
      list[filled] = refused[place]
      filled += 1
    }
    return filled
  }

  /// Candidates are compared with the chosen neighbours that are nearer.
  private func measure(
    for vertex: Int, _ list: UnsafeMutablePointer<GraphKey>, _ count: Int,
    _ chosen: UnsafePointer<Int32>, _ refused: [GraphKey], _ room: Room
  ) {
    var nearer = 0
    for (place, key) in refused.enumerated() {
      while nearer < count, list[nearer] < key { nearer += 1 }
      let square = square(of: key, from: vertex)
      room.squares[place] = square
      compare(key.vertex, nearer, chosen, room)
      var largest: Float = -1
      for i in 0..<nearer {
        largest = max(
          largest, Self.cosine(square, self.square(of: list[i], from: vertex), room.distances[i]))
      }
      room.cosines[place] = largest
      for other in 0..<place { room.pairs[place * room.stride + other] = .nan }
    }
  }

  /// Takes candidates in their order, at most so many, that have no larger cosine beside a nearer neighbour.
  private func take(_ wanted: Int, below limit: Float, _ refused: [GraphKey], _ room: Room) {
    room.taken.removeAll(keepingCapacity: true)
    for place in refused.indices where room.cosines[place] <= limit {
      if room.taken.allSatisfy({ pair(place, $0, refused, room) <= limit }) {
        room.taken.append(place)
        if room.taken.count == wanted { return }
      }
    }
  }

  /// The cosine of the angle between two candidates, of which `other` is the nearer.
  @inline(__always)
  private func pair(_ place: Int, _ other: Int, _ refused: [GraphKey], _ room: Room) -> Float {
    let known = room.pairs[place * room.stride + other]
    if !known.isNaN { return known }
    var vertex = Int32(truncatingIfNeeded: refused[other].vertex)
    compare(refused[place].vertex, 1, &vertex, room)
    let cosine = Self.cosine(room.squares[place], room.squares[other], room.distances[0])
    room.pairs[place * room.stride + other] = cosine
    return cosine
  }

  /// Leaves the squared distances of a vertex and some others in the room.
  @inline(__always)
  private func compare(_ vertex: Int, _ count: Int, _ others: UnsafePointer<Int32>, _ room: Room) {
    room.distances.withUnsafeMutableBufferPointer {
      kernels.squaredDistances(
        count, width: width, vectors + vertex * width, vectors, at: others,
        into: $0.baseAddress.unsafelyUnwrapped)
    }
  }

  /// The squared distance that a key stands for.
  @inline(__always)
  private func square(of key: GraphKey, from vertex: Int) -> Float {
    guard let lifts else { return key.distance }
    return max(0, key.distance + lifts[vertex] + lifts[key.vertex])
  }

  /// The cosine at one corner of a triangle, by the squares of its sides; 1 where a side is nothing.
  @inline(__always)
  private static func cosine(_ a: Float, _ b: Float, _ opposite: Float) -> Float {
    let sides = a.squareRoot() * b.squareRoot()
    return sides > 0 ? (a + b - opposite) / (2 * sides) : 1
  }
}
