/// The list of one term: documents in clusters, and summaries of these by term.
///
/// The bytes, numbers of four unless said: how many documents have the term, of which the list may
/// leave some out; how many documents, clusters, terms of summaries, and entries of those the list has.
/// Then scales of summaries in single precision; where each cluster's documents start, and where the
/// last ones end; the documents; the directory and the entries of summaries (`SummaryDirectory`); and
/// zeros up to a multiple of four.
///
/// Unchecked reads are within the bytes: the initialiser compares their sizes.
struct SeismicList {
  /// Documents of the index that have the term.
  let frequency: Int
  let count: Int
  let clusters: Int
  private let base: UnsafeRawPointer
  private let startsAt: Int
  private let documentsAt: Int
  private let summaries: SummaryDirectory

  /// Numbers in front.
  private static let header = 5

  /// Nil for bytes that no list has.
  init?(_ bytes: UnsafeRawBufferPointer) {
    let header = 4 * Self.header
    guard bytes.count >= header, let base = bytes.baseAddress else { return nil }
    func number(_ place: Int) -> Int {
      Int(base.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self))
    }
    self.base = base
    (frequency, count, clusters) = (number(0), number(1), number(2))
    startsAt = header + 4 * clusters
    documentsAt = startsAt + 4 * (clusters + 1)
    let summariesAt = documentsAt + 4 * count
    let (terms, entries) = (number(3), number(4))
    guard summariesAt <= bytes.count, clusters <= ListClusters.most,
      let summaries = SummaryDirectory(
        UnsafeRawBufferPointer(rebasing: bytes[summariesAt...]), terms: terms, entries: entries)
    else { return nil }
    self.summaries = summaries
  }

  @inline(__always)
  private func number(_ start: Int, _ place: Int) -> Int {
    Int(base.loadUnaligned(fromByteOffset: start + 4 * place, as: UInt32.self))
  }

  @inline(__always)
  func scale(_ cluster: Int) -> Float {
    base.loadUnaligned(fromByteOffset: 4 * (Self.header + cluster), as: Float.self)
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

  /// Adds the products of a query with all summaries, in units of their codes.
  ///
  /// - Parameters:
  ///   - numbers: Of the query's terms, ascending.
  ///   - weights: As many.
  ///   - sums: A number for each cluster, which is added to.
  func add(
    _ numbers: [Int32], _ weights: [Float], to sums: UnsafeMutablePointer<Float>
  ) {
    summaries.add(numbers, weights, to: sums)
  }

  /// What is wrong with the list of an index of so many documents and terms; nil for nothing.
  func fault(documents: Int, dimension: Int) -> String? {
    guard number(startsAt, 0) == 0, number(startsAt, clusters) == count,
      (0..<clusters).allSatisfy({ number(startsAt, $0) <= number(startsAt, $0 + 1) })
    else { return "clusters that do not follow each other" }
    guard (0..<count).allSatisfy({ (0..<documents).contains(Int(document($0))) }) else {
      return "a document that is none"
    }
    guard (0..<clusters).allSatisfy({ scale($0).isFinite }) else {
      return "summaries without a scale"
    }
    return summaries.fault(clusters: clusters, dimension: dimension)
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
    let start = bytes.count
    let directory = SummaryDirectory.bytes(of: summaries.entries)
    var ends: [UInt32] = [0]
    for cluster in clusters { ends.append(ends[ends.count - 1] + UInt32(cluster.count)) }
    append([
      UInt32(frequency), ends[ends.count - 1], UInt32(clusters.count), UInt32(directory.terms),
      UInt32(directory.entries),
    ])
    append(summaries.scales.map(\.bitPattern))
    append(ends)
    for cluster in clusters { append(cluster.map { UInt32(bitPattern: $0) }) }
    bytes += directory.bytes
    bytes.append(contentsOf: repeatElement(0, count: -(bytes.count - start) & 3))
  }
}
