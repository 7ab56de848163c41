import Failures

/// What a faiss file holds: vectors in some code, in rows or lists, behind graphs and transforms.
struct FaissIndex {
  /// How faiss compares: a larger inner product or a smaller distance is better.
  enum Metric: Int32 {
    case innerProduct = 0
    case distance = 1
  }

  indirect enum Form {
    /// Codes one after the other.
    case rows(FaissCode, Range<Int>)
    case lists(FaissLists)
    /// Vectors that stand behind something that finds them: a graph, or codes that they refine.
    case stored(FaissIndex)
    /// Vectors with numbers of their own in the place of 0, 1, ….
    case named(FaissIndex, ids: Range<Int>)
    case transformed(FaissIndex, FaissTransform)
  }

  let dimension: Int
  let count: Int
  let metric: Metric
  let form: Form

  /// The vectors' own numbers where they have some: 64-bit integers in the file.
  var ids: Range<Int>? {
    switch form {
    case .rows, .lists: nil
    case .stored(let index), .transformed(let index, _): index.ids
    case .named(_, let ids): ids
    }
  }

  /// Whether vectors were brought to unit length, so that their inner products are cosines.
  var isNormalized: Bool {
    switch form {
    case .rows, .lists: false
    case .stored(let index), .named(let index, _): index.isNormalized
    case .transformed(let index, let transform): transform.isNormalization || index.isNormalized
    }
  }

  /// Writes a vector as it was before it was transformed, as near as its code is.
  ///
  /// - Parameters:
  ///   - row: From 0 to `count`.
  ///   - bytes: The file.
  /// - Returns: `dimension` numbers.
  func vector(_ row: Int, _ bytes: UnsafeRawBufferPointer) -> [Float] {
    switch form {
    case .rows(let code, let range):
      let size = code.size(dimension)
      let start = range.lowerBound + row * size
      var vector = [Float](repeating: 0, count: dimension)
      code.add(UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]), to: &vector)
      return vector
    case .lists(let lists): return lists.vector(row, bytes, dimension)
    case .stored(let index), .named(let index, _): return index.vector(row, bytes)
    case .transformed(let index, let transform): return transform.undone(index.vector(row, bytes))
    }
  }
}

/// Inverted lists: of each, where its codes are and whose.
struct FaissLists {
  let centroids: [[Float]]
  let code: FaissCode
  /// Whether codes stand for what is left of a vector without its centroid.
  let isResidual: Bool
  /// The list of each vector, and where in the file its code is.
  let places: [(list: Int32, start: Int)]

  func vector(_ row: Int, _ bytes: UnsafeRawBufferPointer, _ dimension: Int) -> [Float] {
    let (list, start) = places[row]
    var vector =
      isResidual ? centroids[Int(list)] : [Float](repeating: 0, count: dimension)
    code.add(
      UnsafeRawBufferPointer(rebasing: bytes[start..<start + code.size(dimension)]), to: &vector)
    return vector
  }
}
