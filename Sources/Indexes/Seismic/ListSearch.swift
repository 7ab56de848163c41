import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors

/// What collects the documents that a search of lists comes to.
protocol ListCollector {
  /// The score below which a document need not be offered.
  var threshold: Float { get }
  /// Whether there are as many documents as are asked for.
  var isFull: Bool { get }
  /// Whether a document may be found at all.
  func admits(_ document: Int) -> Bool
  /// Takes note of a document, whose product with the query is within an error of a number.
  mutating func offer(_ document: Int, product: Double, error: Double)
}

/// Search of the lists of a query's heaviest terms: of each the clusters whose summaries promise
/// enough, those that promise most first; and of these the documents by their codes.
///
/// Which documents are looked at with some lists are looked at with more, too: a list knows only of
/// those before it. Source: as `ListClusters`; that every list is searched by promise is ours.
struct ListSearch: Sendable {
  private let codes: ForwardCodes
  private let lists: SeismicLists
  private let numbers: Numbers

  private enum Numbers: Sendable {
    case made([Int32])
    case stored(MappedColumn<Int32>)
  }

  /// - Parameters:
  ///   - codes: The documents.
  ///   - lists: The lists.
  ///   - numbers: Those of terms, for `codes` and summaries.
  init(_ codes: ForwardCodes, _ lists: SeismicLists, numbers: [Int32]) {
    self.codes = codes
    self.lists = lists
    self.numbers = .made(numbers)
  }

  /// As above, with numbers of a file.
  init(_ codes: ForwardCodes, _ lists: SeismicLists, numbers: MappedColumn<Int32>) {
    self.codes = codes
    self.lists = lists
    self.numbers = .stored(numbers)
  }

  var documents: Int { codes.count }

  func scratch() -> ListScratch {
    ListScratch(documents: codes.count, tableSize: codes.records.tableSize)
  }

  /// The number of a term; some number where a damaged file says nonsense.
  fileprivate func number(_ term: Int32) -> Int32 {
    switch numbers {
    case .made(let numbers): numbers[Int(term)]
    case .stored(let numbers): max(0, min(numbers[Int(term)], Int32(numbers.count) - 1))
    }
  }

  /// Searches the lists of a query.
  ///
  /// - Parameters:
  ///   - query: Terms within the vocabulary, weights finite.
  ///   - norm: What products are divided by to be scores, beside the documents' lengths.
  ///   - settings: How far.
  ///   - kernels: What multiplies.
  ///   - scratch: Memory.
  ///   - found: Gets the documents.
  /// - Returns: Whether every document with a term of the query was looked at.
  /// - Throws: 65 for damaged lists.
  func search(
    _ query: SparseVector, norm: Float, _ settings: ListSettings, _ kernels: Kernels,
    _ scratch: ListScratch, _ found: inout some ListCollector
  ) throws(Failure) -> Bool {
    scratch.set(query, number)
    // Lists of terms with large weights first, of equal ones by term.
    let order = query.values.indices.sorted { a, b in
      query.values[a] != query.values[b] ? query.values[a] > query.values[b] : a < b
    }
    var isAll = true
    for (place, index) in order.enumerated() {
      // Beyond the cut where documents are missing.
      if place >= settings.cut, found.isFull || !settings.fillsUp { return false }
      guard let list = try lists.list(Int(query.indices[index])) else { continue }
      if list.count < list.frequency { isAll = false }
      if !search(list, settings.factor * norm, kernels, scratch, &found) { isAll = false }
    }
    return isAll
  }

  /// Searches one list.
  ///
  /// - Returns: Whether all of its clusters were looked at.
  private func search(
    _ list: SeismicList, _ factor: Float, _ kernels: Kernels, _ scratch: ListScratch,
    _ found: inout some ListCollector
  ) -> Bool {
    let sums = scratch.sums
    sums.update(repeating: 0, count: list.clusters)
    list.add(scratch.numbers, scratch.weights, to: sums)
    let least = factor == 0 ? -.infinity : factor * found.threshold
    var isAll = true
    scratch.promises.removeAll()
    for cluster in 0..<list.clusters {
      let promise = sums[cluster] * list.scale(cluster)
      if promise < least { isAll = false } else { scratch.promises.append(promise, cluster) }
    }
    scratch.promises.order()
    while let (promise, cluster) = scratch.promises.next() {
      if factor != 0, promise < factor * found.threshold {
        isAll = false
        break
      }
      for place in list.range(cluster) {
        let document = list.document(place)
        guard document >= 0, Int(document) < codes.count, scratch.visit(document) else { continue }
        guard found.admits(Int(document)) else { continue }
        scratch.queue(document)
        if scratch.isQueueFull { score(kernels, scratch, &found) }
      }
      if scratch.isQueueLong { score(kernels, scratch, &found) }
    }
    score(kernels, scratch, &found)
    return isAll
  }

  /// Scores the documents that wait.
  private func score(
    _ kernels: Kernels, _ scratch: ListScratch, _ found: inout some ListCollector
  ) {
    let documents = scratch.queued
    kernels.forwardSums(
      codes.records, of: documents, scratch.table, scratch.products, scratch.scales)
    for (place, document) in documents.enumerated() {
      let scale = Double(scratch.scales[place])
      found.offer(
        Int(document), product: scratch.unit * scale * Double(scratch.products[place]),
        error: scratch.error * scale + scratch.smallest)
    }
    scratch.clearQueue()
  }

  /// Scores documents that were not looked at yet, such as neighbours of those that were found, for the
  /// query that was searched for last.
  ///
  /// - Parameters:
  ///   - documents: Their numbers; those that are none are passed over.
  ///   - kernels: What multiplies.
  ///   - scratch: Memory.
  ///   - found: Gets the documents.
  func look(
    at documents: [Int32], _ kernels: Kernels, _ scratch: ListScratch,
    _ found: inout some ListCollector
  ) {
    for document in documents where document >= 0 && Int(document) < codes.count {
      guard scratch.visit(document), found.admits(Int(document)) else { continue }
      scratch.queue(document)
      if scratch.isQueueLong { score(kernels, scratch, &found) }
    }
    score(kernels, scratch, &found)
  }
}

/// How far lists are searched.
struct ListSettings: Sendable {
  /// Lists of a query, of its heaviest terms.
  var cut: Int
  /// A cluster is passed over that promises less than so much of the score of the last document found;
  /// 0 for none.
  var factor: Float
  /// Whether more lists are searched where they have too few documents.
  var fillsUp = true
}
