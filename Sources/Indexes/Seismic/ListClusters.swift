import Kernels
import Retrieval

/// Shallow clusters of the documents of a list: some of them, drawn by lot, are centroids, and each
/// goes to that of the largest product with its own heaviest terms.
///
/// Memory that is used again: a worker has its own. Source: Bruch et al., Efficient Inverted Indexes
/// for Approximate Retrieval over Learned Sparse Representations (arXiv 2404.18812), section 4, with
/// the products of Seismic's default of 15 terms a document.
final class ListClusters {
  /// Terms of a document that its product with a centroid is made of.
  private static let heaviest = 15
  /// Summaries have room for the steps from one cluster to any other.
  static let most = 1 << 15

  private let codes: ForwardCodes
  private let fraction: Double
  private let least: Int
  private let seed: UInt64
  /// Where the centroids with each term are, by its number; of those of the list at hand.
  private var starts: [Int32]
  private var ends: [Int32]
  private var touched: [Int] = []
  private var centroids: [(centroid: Int32, code: Int32)] = []
  private var sums: [Int32] = []
  private var scales: [Float] = []

  /// - Parameters:
  ///   - codes: The documents.
  ///   - dimension: Size of the vocabulary.
  ///   - fraction: Centroids for each document of a list.
  ///   - least: Documents of the smallest cluster.
  ///   - seed: What lots are drawn with.
  init(_ codes: ForwardCodes, dimension: Int, fraction: Double, least: Int, seed: UInt64) {
    self.codes = codes
    self.fraction = fraction
    self.least = least
    self.seed = seed
    starts = Array(repeating: 0, count: dimension)
    ends = starts
  }

  /// The clusters of some documents, none of them empty.
  ///
  /// - Parameters:
  ///   - documents: Ascending.
  ///   - term: What lots are drawn for.
  /// - Returns: The documents of each cluster, ascending; clusters in the order of their centroids.
  func clusters(of documents: [Int32], term: Int) -> [[Int32]] {
    let count = min(Self.most, max(1, Int(fraction * Double(documents.count))))
    if count == 1 { return [documents] }
    let chosen = IndexBuild.chosen(
      count, of: documents.count, seed: seed, stream: UInt64(term))
    set(chosen.map { documents[$0] })
    var homes = documents.map { nearest(to: Int($0), among: nil) }
    var sizes = [Int](repeating: 0, count: count)
    for home in homes { sizes[home] += 1 }
    let isLarge = sizes.map { $0 >= least }
    if isLarge.contains(true) {
      if isLarge.contains(false) {
        for (place, home) in homes.enumerated() where !isLarge[home] {
          homes[place] = nearest(to: Int(documents[place]), among: isLarge)
        }
      }
    } else {
      homes = homes.map { _ in 0 }
    }
    clear()
    var clusters = [[Int32]](repeating: [], count: count)
    for (document, home) in zip(documents, homes) { clusters[home].append(document) }
    return clusters.filter { !$0.isEmpty }
  }

  /// Sorts the entries of centroids by term.
  private func set(_ chosen: [Int32]) {
    var total = 0
    for document in chosen {
      let record = codes.record(Int(document))
      for entry in 0..<record.count {
        let number = record.number(entry)
        if ends[number] == 0 { touched.append(number) }
        ends[number] += 1
      }
      total += record.count
    }
    var start: Int32 = 0
    for number in touched {
      let count = ends[number]
      starts[number] = start
      ends[number] = start
      start += count
    }
    if centroids.count < total {
      centroids += repeatElement((centroid: 0, code: 0), count: total - centroids.count)
    }
    scales.removeAll(keepingCapacity: true)
    for (centroid, document) in chosen.enumerated() {
      let record = codes.record(Int(document))
      scales.append(record.knownScale)
      for entry in 0..<record.count {
        let number = record.number(entry)
        centroids[Int(ends[number])] = (Int32(centroid), record.code(entry))
        ends[number] += 1
      }
    }
    sums = Array(repeating: 0, count: chosen.count)
  }

  private func clear() {
    for number in touched { (starts[number], ends[number]) = (0, 0) }
    touched.removeAll(keepingCapacity: true)
  }

  /// The centroid of the largest product with a document, of equal ones the first.
  private func nearest(to document: Int, among allowed: [Bool]?) -> Int {
    let record = codes.record(document)
    return sums.withUnsafeMutableBufferPointer { sums in
      sums.update(repeating: 0)
      centroids.withUnsafeBufferPointer { centroids in
        for entry in 0..<min(record.count, Self.heaviest) {
          let (number, code) = (record.number(entry), record.code(entry))
          for place in Int(starts[number])..<Int(ends[number]) {
            sums[Int(centroids[place].centroid)] &+= code &* centroids[place].code
          }
        }
      }
      var best = allowed?.firstIndex(of: true) ?? 0
      var most = Float(sums[best]) * scales[best]
      for centroid in 0..<sums.count {
        let product = Float(sums[centroid]) * scales[centroid]
        if product > most, allowed?[centroid] ?? true { (best, most) = (centroid, product) }
      }
      return best
    }
  }
}
