/// Summaries of the clusters of a list: for each term the largest weight of the cluster's documents,
/// of these the largest that together have a part of the sum of all, with a code of a byte each.
///
/// Memory that is used again: a worker has its own. Source: as `ListClusters`, section 4.3.
final class ListSummaries {
  private let codes: ForwardCodes
  /// The part of the sum that is kept.
  private let energy: Double
  /// The largest weight of each term, by its number, in the cluster at hand.
  private var largest: [Float]
  /// Postings of each term, by its number, in the list at hand.
  private var counts: [Int32]
  private var touched: [Int] = []

  /// One weight of one summary.
  struct Entry {
    var number: Int32
    var cluster: UInt16
    var code: UInt8
  }

  init(_ codes: ForwardCodes, dimension: Int, energy: Double) {
    self.codes = codes
    self.energy = energy
    largest = Array(repeating: 0, count: dimension)
    counts = Array(repeating: 0, count: dimension)
  }

  /// The summaries of clusters.
  ///
  /// - Returns: What each cluster's codes are multiplied by, and all entries, by number and cluster.
  func summaries(of clusters: [[Int32]]) -> (scales: [Float], entries: [Entry]) {
    var scales: [Float] = []
    var entries: [Entry] = []
    for (cluster, documents) in clusters.enumerated() {
      scales.append(append(documents, cluster, to: &entries))
    }
    return (scales, sorted(entries))
  }

  private func append(_ documents: [Int32], _ cluster: Int, to entries: inout [Entry]) -> Float {
    touched.removeAll(keepingCapacity: true)
    for document in documents {
      let record = codes.record(Int(document))
      let scale = record.knownScale
      for entry in 0..<record.count {
        let weight = Float(record.code(entry)) * scale
        let number = record.number(entry)
        if weight > largest[number] {
          if largest[number] == 0 { touched.append(number) }
          largest[number] = weight
        }
      }
    }
    let most = touched.reduce(0) { max($0, largest[$1]) }
    let scale = max(most / 255, .leastNormalMagnitude)
    var bins = [Double](repeating: 0, count: 256)
    let coded = touched.map { number -> (number: Int32, code: UInt8) in
      let weight = largest[number]
      largest[number] = 0
      let code = UInt8(min(255, (weight / scale).rounded()))
      bins[Int(code)] += Double(weight)
      return (Int32(number), code)
    }
    let wanted = energy * bins.reduce(0, +)
    var (least, above) = (255, 0.0)
    while least > 1, above + bins[least] < wanted {
      above += bins[least]
      least -= 1
    }
    var lowest: [Int32] = []
    for (number, code) in coded {
      if Int(code) > least {
        entries.append(Entry(number: number, cluster: UInt16(cluster), code: code))
      } else if Int(code) == least {
        lowest.append(number)
      }
    }
    for number in lowest.sorted() where above < wanted {
      entries.append(Entry(number: number, cluster: UInt16(cluster), code: UInt8(least)))
      above += Double(Float(least) * scale)
    }
    return scale
  }

  /// Entries by number and then by cluster, in which order they are already.
  private func sorted(_ entries: [Entry]) -> [Entry] {
    touched.removeAll(keepingCapacity: true)
    for entry in entries {
      if counts[Int(entry.number)] == 0 { touched.append(Int(entry.number)) }
      counts[Int(entry.number)] += 1
    }
    touched.sort()
    var start: Int32 = 0
    for number in touched {
      let count = counts[number]
      counts[number] = start
      start += count
    }
    var sorted = entries
    for entry in entries {
      sorted[Int(counts[Int(entry.number)])] = entry
      counts[Int(entry.number)] += 1
    }
    for number in touched { counts[number] = 0 }
    return sorted
  }
}
