import Clustering
import Failures
import IndexFormat
import Kernels
import Retrieval
import Synchronization
import Vectors

/// The lists of a segment, whose documents lie in the order of the lists.
final class InvertedLists: Sendable {
  let count: Int
  let dimension: Int
  /// Vectors in all of them.
  let vectors: Int
  private let offsets: MappedColumn<Int64>
  private let centroids: MappedColumn<Float>
  private let similarity: Similarity
  private let place: String
  /// Centroids as they are multiplied, made when they are first asked for: opening takes the same time
  /// whatever their number.
  private let packed = Mutex<(matrix: PackedMatrix, offsets: [Float])?>(nil)

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    vectors =
      TokenLists.are(in: segment)
      ? try segment.tensor(TokenLists.entries).entry.shape[0] : segment.documents
    similarity = try Flat.similarity(segment.manifest.source, segment.folder)
    offsets = try segment.column(IVF.lists, as: Int64.self)
    let tensor = try segment.tensor(IVF.listCentroids)
    centroids = try segment.column(IVF.listCentroids, as: Float.self)
    (count, dimension) = (tensor.entry.shape[0], tensor.entry.shape[1])
    guard offsets.count == count + 1, offsets[0] == 0, offsets[count] == Int64(vectors) else {
      throw .data(tensor.file.path, "damaged: the lists do not fill their file")
    }
  }

  /// The documents of a list.
  func range(_ list: Int) -> Range<Int> {
    let start = max(0, min(Int(offsets[list]), vectors))
    return start..<max(start, min(Int(offsets[list + 1]), vectors))
  }

  /// The list of a document.
  func list(of ordinal: Int) -> Int {
    var (low, high) = (0, count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if Int(offsets[middle]) <= ordinal { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// What makes a vector belong to a list.
  static func nearness(_ similarity: Similarity) -> Centroids.Nearness {
    similarity == .l2 ? .distance : .product
  }

  /// The centroids; nil where there are none.
  var codebook: Centroids? {
    count == 0
      ? nil
      : Centroids(
        (0..<count * dimension).map { centroids[$0] }, dimension: dimension,
        nearness: Self.nearness(similarity))
  }

  /// Scores of all lists for queries: the product with the centroid, less half the square of the
  /// centroid's length where distances count.
  ///
  /// - Parameters:
  ///   - queries: queries[n, dimension], at least one; of unit length where cosines are asked for.
  ///   - kernels: What multiplies.
  /// - Returns: scores[n, lists].
  func scores(_ queries: [Float], _ kernels: Kernels) -> [Float] {
    guard let packed = prepared(kernels)?.matrix else { return [] }
    let rows = queries.count / dimension
    return [Float](unsafeUninitializedCapacity: rows * count) { scores, filled in
      filled = rows * count
      queries.withUnsafeBufferPointer { queries in
        kernels.multiply(
          MatrixView(queries.baseAddress.unsafelyUnwrapped, rows: rows, columns: dimension),
          packed,
          into: MutableMatrixView(
            scores.baseAddress.unsafelyUnwrapped, rows: rows, columns: count))
      }
    }
  }

  /// Packs the centroids, before several workers ask for them at once and wait for the first.
  func prepare(_ kernels: Kernels) { _ = prepared(kernels) }

  private func prepared(_ kernels: Kernels) -> (matrix: PackedMatrix, offsets: [Float])? {
    packed.withLock { packed in
      if packed == nil, let codebook {
        let matrix = PackedMatrix(
          codebook.values, rows: count, columns: dimension, bias: codebook.offsets,
          kernels: kernels)
        packed = (matrix, codebook.offsets)
      }
      return packed
    }
  }

  /// Products of a query with all centroids.
  ///
  /// - Parameters:
  ///   - query: query[dimension].
  ///   - kernels: What multiplies.
  /// - Returns: A product of each.
  func products(_ query: [Float], _ kernels: Kernels) -> [Float] {
    products(of: scores(query, kernels), kernels)
  }

  /// Products of a query with all centroids, of the scores that the lists have for it.
  func products(of scores: [Float], _ kernels: Kernels) -> [Float] {
    if similarity != .l2 { return scores }
    return zip(scores, prepared(kernels)?.offsets ?? []).map { $0 - $1 }
  }

  /// The lists with the largest scores, best first, of equal ones the first.
  static func best(_ wanted: Int, of scores: [Float]) -> [Int] {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: scores.count) { keys in
      for list in scores.indices {
        keys[list] =
          UInt64(LargestKeys.order(of: scores[list])) << 32
          | UInt64(~UInt32(truncatingIfNeeded: list))
      }
      LargestKeys.bringForward(wanted, of: keys)
      var nearest = UnsafeMutableBufferPointer(rebasing: keys[..<min(wanted, scores.count)])
      nearest.sort(by: >)
      return nearest.map { Int(~UInt32(truncatingIfNeeded: $0)) }
    }
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for lists that are none.
  func check() throws(Failure) {
    for list in 0..<count where offsets[list] > offsets[list + 1] {
      throw .data(place, "damaged: list \(list) ends before it begins")
    }
    for place in 0..<count * dimension where !centroids[place].isFinite {
      throw .data(self.place, "damaged: centroid \(place / dimension) has \(centroids[place])")
    }
  }
}
