/// The list of one term: documents in clusters, and summaries of these by term.
///
/// The bytes, numbers of four unless said: how many documents have the term, of which the list may
/// leave some out; how many documents, clusters, terms of summaries, and entries of those the list has.
/// Then scales of summaries in single precision; where each cluster's documents start, and where the
/// last ones end; the documents; the numbers of the terms of summaries, ascending; where each one's
/// entries start, and where the last ones end; the clusters of entries, two bytes each; their codes,
/// a byte each; and zeros up to a multiple of four.
///
/// Unchecked reads are within the bytes: the initialiser compares their sizes.
struct SeismicList {
  /// Documents of the index that have the term.
  let frequency: Int
  let count: Int
  let clusters: Int
  let terms: Int
  let entries: Int
  private let base: UnsafeRawPointer
  private let startsAt: Int
  private let documentsAt: Int
  private let termsAt: Int
  private let termStartsAt: Int
  private let clustersAt: Int
  private let codesAt: Int

  /// Nil for bytes that no list has.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 20, let base = bytes.baseAddress else { return nil }
    func number(_ place: Int) -> Int {
      Int(base.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self))
    }
    self.base = base
    (frequency, count, clusters, terms, entries) = (
      number(0), number(1), number(2), number(3), number(4)
    )
    startsAt = 20 + 4 * clusters
    documentsAt = startsAt + 4 * (clusters + 1)
    termsAt = documentsAt + 4 * count
    termStartsAt = termsAt + 4 * terms
    clustersAt = termStartsAt + 4 * (terms + 1)
    codesAt = clustersAt + 2 * entries
    guard (codesAt + entries + 3) / 4 * 4 == bytes.count, clusters <= ListClusters.most else {
      return nil
    }
  }

  @inline(__always)
  private func number(_ start: Int, _ place: Int) -> Int {
    Int(base.loadUnaligned(fromByteOffset: start + 4 * place, as: UInt32.self))
  }

  @inline(__always)
  func scale(_ cluster: Int) -> Float {
    base.loadUnaligned(fromByteOffset: 20 + 4 * cluster, as: Float.self)
  }

  /// Places of a cluster's documents, within the list whatever the bytes say.
  @inline(__always)
  func range(_ cluster: Int) -> Range<Int> {
    let start = min(number(startsAt, cluster), count)
    return start..<max(start, min(number(startsAt, cluster + 1), count))
  }

  @inline(__always)
  func document(_ place: Int) -> Int32 {
    base.loadUnaligned(fromByteOffset: documentsAt + 4 * place, as: Int32.self)
  }

  @inline(__always)
  func term(_ place: Int) -> Int { number(termsAt, place) }

  /// Adds the products of a query with all summaries, in units of their codes.
  ///
  /// - Parameters:
  ///   - numbers: Of the query's terms, ascending.
  ///   - weights: As many.
  ///   - sums: A number for each cluster, which is added to.
  func add(
    _ numbers: [Int32], _ weights: [Float], to sums: UnsafeMutablePointer<Float>
  ) {
    var low = 0
    for (number, weight) in zip(numbers, weights) {
      // The first term that is not below, by halves of the rest.
      var size = terms - low
      while size > 0 {
        let half = size / 2
        if term(low + half) < Int(number) {
          low += half + 1
          size -= half + 1
        } else {
          size = half
        }
      }
      if low == terms { return }
      guard term(low) == Int(number) else { continue }
      let start = min(self.number(termStartsAt, low), entries)
      for entry in start..<max(start, min(self.number(termStartsAt, low + 1), entries)) {
        let cluster = base.loadUnaligned(fromByteOffset: clustersAt + 2 * entry, as: UInt16.self)
        let code = base.load(fromByteOffset: codesAt + entry, as: UInt8.self)
        sums[Int(cluster)] += weight * Float(code)
      }
    }
  }

  /// What is wrong with the list of an index of so many documents and terms; nil for nothing.
  func fault(documents: Int, dimension: Int) -> String? {
    func ascends(_ start: Int, _ count: Int, to end: Int) -> Bool {
      number(start, 0) == 0 && number(start, count) == end
        && (0..<count).allSatisfy { number(start, $0) <= number(start, $0 + 1) }
    }
    guard ascends(startsAt, clusters, to: count), ascends(termStartsAt, terms, to: entries) else {
      return "clusters or entries that do not follow each other"
    }
    guard (0..<count).allSatisfy({ (0..<documents).contains(Int(document($0))) }) else {
      return "a document that is none"
    }
    guard
      (0..<terms).allSatisfy({ term($0) < dimension && ($0 == 0 || term($0 - 1) < term($0)) })
    else { return "terms that do not ascend" }
    let isWithin = (0..<entries).allSatisfy {
      Int(base.loadUnaligned(fromByteOffset: clustersAt + 2 * $0, as: UInt16.self)) < clusters
    }
    return isWithin && (0..<clusters).allSatisfy { scale($0).isFinite }
      ? nil : "summaries of no cluster"
  }
}

extension SeismicList {
  /// Appends the bytes of a list.
  ///
  /// - Parameters:
  ///   - frequency: How many documents have the term.
  ///   - clusters: The documents of each cluster.
  ///   - summaries: What the summaries of the clusters are.
  ///   - bytes: What they are appended to.
  static func append(
    frequency: Int, _ clusters: [[Int32]],
    _ summaries: (scales: [Float], entries: [ListSummaries.Entry]),
    to bytes: inout [UInt8]
  ) {
    func append(_ numbers: [UInt32]) {
      for number in numbers {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
      }
    }
    let entries = summaries.entries
    var (terms, starts): ([UInt32], [UInt32]) = ([], [])
    for (place, entry) in entries.enumerated()
    where place == 0 || entries[place - 1].number != entry.number {
      terms.append(UInt32(entry.number))
      starts.append(UInt32(place))
    }
    starts.append(UInt32(entries.count))
    var ends: [UInt32] = [0]
    for cluster in clusters { ends.append(ends[ends.count - 1] + UInt32(cluster.count)) }
    append([
      UInt32(frequency), ends[ends.count - 1], UInt32(clusters.count), UInt32(terms.count),
      UInt32(entries.count),
    ])
    append(summaries.scales.map(\.bitPattern))
    append(ends)
    for cluster in clusters { append(cluster.map { UInt32(bitPattern: $0) }) }
    append(terms)
    append(starts)
    for entry in entries {
      bytes.append(UInt8(truncatingIfNeeded: entry.cluster))
      bytes.append(UInt8(truncatingIfNeeded: entry.cluster >> 8))
    }
    for entry in entries { bytes.append(entry.code) }
    let size = 3 * entries.count
    bytes.append(contentsOf: repeatElement(0, count: (size + 3) / 4 * 4 - size))
  }
}
