import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Neighbours of each document: those of the largest products with it that a search of the lists finds.
///
/// Source: Bruch et al., Pairing Clustered Inverted Indexes with κ-NN Graphs for Fast Approximate
/// Retrieval over Learned Sparse Representations (CIKM 2024, arXiv 2408.04443).
struct NeighbourLists: Sendable {
  private let numbers: MappedColumn<Int32>
  private let width: Int

  /// - Throws: 65 for files that do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    numbers = try segment.column(Seismic.neighbours, as: Int32.self)
    width = segment.documents == 0 ? 0 : numbers.count / segment.documents
    guard numbers.count == width * segment.documents else {
      throw .data(segment.folder, "damaged: \(numbers.count) neighbours")
    }
  }

  /// A document's neighbours, nearest first, and -1 for none.
  func neighbours(_ document: Int) -> [Int32] {
    (width * document..<width * (document + 1)).map { numbers[$0] }
  }

  /// What is wrong with them; nil for nothing.
  func fault(documents: Int) -> String? {
    for place in 0..<numbers.count where !(-1..<documents).contains(Int(numbers[place])) {
      return "a neighbour that is no document"
    }
    return nil
  }

  /// How far lists are searched, as the reference does (`inverted_index.rs` of Seismic 0.5).
  private static let settings = ListSettings(cut: 10, factor: 0.7, fillsUp: false)

  /// Finds and writes the neighbours of all documents.
  ///
  /// - Parameters:
  ///   - file: Gets them.
  ///   - width: How many a document has.
  ///   - vectors: The documents.
  ///   - search: What searches their lists.
  ///   - work: What works.
  /// - Throws: 74 where the file cannot be written.
  static func write(
    to file: StreamedTensorFile, _ width: Int, _ vectors: DocumentVectors, _ search: ListSearch,
    _ work: IndexWork
  ) throws(Failure) {
    let scratch = WorkerLocal(work.pool) { search.scratch() }
    let share = 64
    let step = share * 4 * work.pool.threads
    for first in stride(from: 0, to: vectors.count, by: step) {
      let end = min(first + step, vectors.count)
      let shares = stride(from: first, to: end, by: share).map { $0..<min($0 + share, end) }
      let made = Results<[Int32]>(shares.count)
      try work.pool.forEach(shares.count) { index, worker throws(Failure) in
        var numbers: [Int32] = []
        for document in shares[index] {
          try scratch.with(worker) { scratch throws(Failure) in
            var nearest = NearestDocuments(width, besides: document)
            _ = try search.search(
              vectors.vector(document), norm: 1, settings, work.kernels, scratch, &nearest)
            numbers += nearest.documents
          }
        }
        made.set(index, numbers)
      }
      for index in shares.indices { try file.append(numbers: made.take(index)) }
      vectors.discard()
    }
  }
}

/// The documents of the largest products, by codes, besides one.
private struct NearestDocuments: ListCollector {
  private var best: LargestElements<Entry>
  private let own: Int

  private struct Entry: Comparable, Sendable {
    var product: Float
    var document: Int32

    static func < (a: Entry, b: Entry) -> Bool {
      a.product != b.product ? a.product < b.product : a.document > b.document
    }
  }

  init(_ count: Int, besides own: Int) {
    best = LargestElements(count)
    self.own = own
  }

  var threshold: Float { best.least?.product ?? -.infinity }
  var isFull: Bool { best.least != nil }
  func admits(_ document: Int) -> Bool { document != own }

  mutating func offer(_ document: Int, product: Double, error: Double) {
    let product = Float(product)
    if product.isNaN || product < threshold { return }
    best.insert(Entry(product: product, document: Int32(document)))
  }

  /// Nearest first, and -1 where there are too few.
  var documents: [Int32] {
    best.elements.sorted(by: >).map(\.document)
      + repeatElement(-1, count: best.capacity - best.elements.count)
  }
}
