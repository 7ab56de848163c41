import Kernels
import Vectors

/// The scores of all centroids for the vectors of one query, and memory that is used again and again.
///
/// Not `Sendable`: a worker has its own.
final class CentroidScores {
  private let codebook: PlaidCodebook
  private let similarity: Similarity
  private let kernels: Kernels
  /// Lines that there are: numbers of two bytes in a damaged file lead to one of them.
  private let lines: Int
  private let zeros: AlignedBuffer
  /// What a distance takes off each centroid's product; nil where no distances are asked for.
  private let offsets: AlignedBuffer?
  private let starts: [Int]
  private lazy var stretches = codebook.stretches
  private var scores = AlignedBuffer(count: 0)
  private var levels: UnsafeMutablePointer<UInt8>
  private var room = 0
  private let kept: UnsafeMutablePointer<UInt8>
  /// The query whose scores they are.
  private(set) var query: PlaidQuery?
  /// What level 0 stands for, for each vector, and levels of a difference of 1.
  private(set) var lows: [Float] = []
  private(set) var inverse: Float = 0

  init(_ codebook: PlaidCodebook, _ similarity: Similarity, _ kernels: Kernels) {
    self.codebook = codebook
    self.similarity = similarity
    self.kernels = kernels
    lines = max(codebook.count, PlaidTraining.mostCentroids)
    zeros = AlignedBuffer(count: codebook.count)
    zeros.pointer.update(repeating: 0, count: codebook.count)
    starts = Array(0...codebook.count)
    kept = .allocate(capacity: lines)
    kept.initialize(repeating: 0, count: lines)
    levels = .allocate(capacity: 1)
    guard similarity == .l2 else {
      offsets = nil
      return
    }
    let offsets = AlignedBuffer(count: codebook.count)
    for (centroid, half) in codebook.halfSquares.enumerated() { offsets.pointer[centroid] = -half }
    self.offsets = offsets
  }

  deinit {
    levels.deallocate()
    kept.deallocate()
  }

  /// Scores of all centroids, a line each.
  var all: MatrixView {
    MatrixView(scores.pointer, rows: codebook.count, columns: query?.stride ?? 0)
  }

  /// Scores some centroids alone for a query's vectors; the other lines are anything.
  func score(_ query: PlaidQuery, only centroids: [Int32]) {
    begin(query)
    let (width, stride, count) = (codebook.width, query.stride, centroids.count)
    var bytes: [Int8] = []
    bytes.reserveCapacity(count * width)
    for centroid in centroids {
      bytes += codebook.codes[Int(centroid) * width..<(Int(centroid) + 1) * width]
    }
    let scales = centroids.map { codebook.scales[Int($0)] }
    let own = AlignedBuffer(count: count)
    if let offsets {
      for (place, centroid) in centroids.enumerated() {
        own.pointer[place] = offsets.pointer[Int(centroid)]
      }
    }
    let out = AlignedBuffer(count: count * stride)
    let none = [Float](repeating: 0, count: stride)
    bytes.withUnsafeBufferPointer { bytes in
      scales.withUnsafeBufferPointer { scales in
        guard let bytes = bytes.baseAddress, let scales = scales.baseAddress else { return }
        kernels.largest(
          ByteRows(
            count: count, codes: bytes, scales: scales, errors: UnsafePointer(zeros.pointer),
            norms: UnsafePointer(zeros.pointer),
            offsets: offsets == nil ? nil : UnsafePointer(own.pointer)),
          query.bytes.matrix, byError: none, byNorm: none, starts: Array(0...count), into: out)
      }
    }
    for (place, centroid) in centroids.enumerated() {
      (scores.pointer + Int(centroid) * stride).update(
        from: out.pointer + place * stride, count: stride)
    }
  }

  private func begin(_ query: PlaidQuery) {
    self.query = query
    let stride = query.stride
    if scores.count < lines * stride {
      scores = AlignedBuffer(count: lines * stride)
      scores.pointer.update(repeating: 0, count: lines * stride)
    }
  }

  /// The scores of a query's vectors.
  func score(_ query: PlaidQuery) {
    begin(query)
    let none = [Float](repeating: 0, count: query.stride)
    codebook.codes.withUnsafeBufferPointer { codes in
      codebook.scales.withUnsafeBufferPointer { scales in
        guard let codes = codes.baseAddress, let scales = scales.baseAddress else { return }
        kernels.largest(
          ByteRows(
            count: codebook.count, codes: codes, scales: scales,
            errors: UnsafePointer(zeros.pointer), norms: UnsafePointer(zeros.pointer),
            offsets: offsets.map { UnsafePointer($0.pointer) }),
          query.bytes.matrix, byError: none, byNorm: none, starts: starts, into: scores)
      }
    }
  }

  /// Multiplies the scores by those of vectors of the usual length in the direction of each centroid,
  /// until they are made anew; distances stay what they are.
  func stretch() {
    guard let query, similarity != .l2 else { return }
    let stride = query.stride
    for (centroid, stretch) in stretches.enumerated() {
      let line = scores.pointer + centroid * stride
      for vector in 0..<query.count { line[vector] *= stretch }
    }
  }

  /// The nearest centroids of each vector, best first: [vectors, cells].
  func nearest(_ cells: Int) -> [Int32] {
    guard let query else { preconditionFailure("no query") }
    let count = min(cells, codebook.count)
    let own = MatrixView(
      scores.pointer, rows: codebook.count, columns: query.count, stride: query.stride)
    guard count > Self.few else { return kernels.leaders(own, count: count) }
    var found: [Int32] = []
    for vector in 0..<query.count {
      found += (0..<Int32(codebook.count)).sorted { a, b in
        let (x, y) = (
          own.base[Int(a) * own.stride + vector], own.base[Int(b) * own.stride + vector]
        )
        return x != y ? x > y : a < b
      }.prefix(count)
    }
    return found
  }

  /// Centroids of a vector up to which they are held in order while they are looked for.
  private static let few = 256

  /// The score of a centroid for a vector of the query.
  func score(_ centroid: Int, _ vector: Int) -> Float {
    scores.pointer[centroid * (query?.stride ?? 0) + vector]
  }

  // MARK: Levels

  /// Makes levels of the scores: the same steps for all vectors, from the least score of each on.
  ///
  /// - Parameters:
  ///   - threshold: Centroids that no vector scores as high are not kept.
  ///   - near: Centroids that are kept all the same.
  ///   - takesLargest: Whether a document's score is the largest of all, and not a sum.
  func makeLevels(threshold: Float, near: [Int32], takesLargest: Bool) {
    guard let query else { preconditionFailure("no query") }
    let width = query.stride
    if room < lines * width {
      levels.deallocate()
      levels = .allocate(capacity: lines * width)
      room = lines * width
      levels.initialize(repeating: 0, count: room)
    }
    var (lows, highs) = kernels.columnRanges(all)
    // Where the largest score counts, levels of all vectors mean the same.
    if takesLargest {
      let least = lows[..<query.count].reduce(.infinity, min)
      lows = lows.map { _ in least }
    }
    let range = zip(lows, highs).prefix(query.count).reduce(Float(0)) { max($0, $1.1 - $1.0) }
    inverse = range > 0 && range.isFinite ? 255 / range : 0
    self.lows = lows
    // Columns behind the vectors are level 0.
    let padded = lows.enumerated().map { $0 < query.count ? $1 : Float.greatestFiniteMagnitude }
    kernels.levels(all, lows: padded, inverse: inverse, width: width, into: levels)
    let thresholds = (0..<width).map { vector in
      vector < query.count ? query.rank(vector, score: threshold, similarity) : Float.infinity
    }
    kernels.reaching(all, thresholds: thresholds, into: kept)
    for centroid in near where centroid >= 0 { kept[Int(centroid)] = 1 }
  }

  /// The levels, of centroids that are kept or of all.
  func levels(ofAll: Bool, takesLargest: Bool) -> CentroidLevels {
    CentroidLevels(
      levels: UnsafePointer(levels), width: query?.stride ?? 0,
      kept: ofAll ? nil : UnsafePointer(kept), takesLargest: takesLargest)
  }

  /// Leaves the scores of near centroids alone, and makes all others -∞: `near` has those of each
  /// vector, [vectors, cells].
  func mask(near: [Int32]) {
    guard let query, query.count > 0 else { return }
    let cells = near.count / query.count
    let stride = query.stride
    var own: [Float] = []
    own.reserveCapacity(near.count)
    for (place, centroid) in near.enumerated() {
      own.append(centroid < 0 ? 0 : score(Int(centroid), place / cells))
    }
    scores.pointer.update(repeating: -.infinity, count: codebook.count * stride)
    kept.update(repeating: 0, count: lines)
    for (place, centroid) in near.enumerated() where centroid >= 0 {
      scores.pointer[Int(centroid) * stride + place / cells] = own[place]
      kept[Int(centroid)] = 1
    }
  }

  /// Whether vectors of a centroid are looked at, once others are masked.
  func isKept(_ centroid: Int) -> Bool { kept[centroid] != 0 }

  /// The scores, for the kernels.
  var lineScores: (scores: UnsafePointer<Float>, stride: Int) {
    (UnsafePointer(scores.pointer), query?.stride ?? 0)
  }
}
