import Failures
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors

/// Writes an index in the Common Index File Format: words with their frequencies, or sparse vectors with
/// whole numbers for weights; documents that are deleted are left out.
package struct CIFFExport {
  /// How weights become impacts.
  package enum Impacts: Sendable, Equatable {
    /// The largest weight becomes the largest number of so many bits.
    case bits(Int)
    /// Weights are multiplied by a number.
    case scale(Double)
  }

  private let folder: IndexFolder
  private let writer: ByteWriter
  private var encoder = CIFFEncoder()

  package init(_ folder: IndexFolder, to writer: ByteWriter) {
    self.folder = folder
    self.writer = writer
  }

  /// Writes an index of words.
  ///
  /// - Returns: The number of documents.
  /// - Throws: 65 where the index is damaged, 74 where the file cannot be written.
  package mutating func writeWords() throws(Failure) -> Int {
    let postings = try LivePostings(folder.segments)
    var header = header()
    try postings.forEachList { _ in header.totalLists += 1 }
    var lengths: [Int] = []
    try postings.forEachLength { lengths.append($0) }
    try begin(header, lengths: lengths)
    try postings.forEachList { list throws(Failure) in try write(list) }
    try end(lengths)
    return lengths.count
  }

  /// Writes an index of sparse vectors.
  ///
  /// - Parameters:
  ///   - impacts: How weights become whole numbers; a weight that would become none becomes 1.
  ///   - vocabulary: The texts of terms; nil for their numbers in digits.
  ///   - work: Memory.
  ///   - scratch: Folder of scratch files.
  /// - Returns: The number of documents.
  /// - Throws: 65 where the index is damaged, 74 where a file cannot be written, 78 for weights or terms
  ///   that cannot be written so.
  package mutating func writeVectors(
    _ impacts: Impacts, vocabulary: TermVocabulary?, _ work: IndexWork, scratch: String
  ) throws(Failure) -> Int {
    func name(_ term: Int32) -> [UInt8]? {
      vocabulary.map { $0.text(Int(term)) } ?? Array(String(term).utf8)
    }
    let dimension = Int32(folder.manifest.source.dimension ?? 0)
    let order = (0..<dimension).map { (name: name($0) ?? [], term: $0) }
      .sorted {
        $0.name == $1.name ? $0.term < $1.term : $0.name.lexicographicallyPrecedes($1.name)
      }
      .map(\.term)
    let postings = try ImpactLists(folder, impacts, order: order, work, scratch: scratch)
    if let other = postings.terms.first(where: { name($0)?.isEmpty ?? true }) {
      throw .config(folder.path, "the vocabulary has no term \(other), which documents have")
    }
    var header = header()
    header.totalLists = postings.terms.count
    try begin(header, lengths: postings.lengths)
    try postings.forEachList({ name($0) ?? [] }) { list throws(Failure) in try write(list) }
    try end(postings.lengths)
    return postings.lengths.count
  }

  private func header() -> CIFF.Header {
    var header = CIFF.Header()
    header.description = "lir-index export of \(folder.manifest.type)"
    return header
  }

  private mutating func begin(_ header: CIFF.Header, lengths: [Int]) throws(Failure) {
    var header = header
    header.lists = header.totalLists
    header.documents = lengths.count
    header.totalDocuments = lengths.count
    header.totalTerms = lengths.reduce(0, +)
    header.averageLength = lengths.isEmpty ? 0 : Double(header.totalTerms) / Double(lengths.count)
    encoder.append(header)
    try writer.write(encoder.take())
  }

  private mutating func write(_ list: CIFF.List) throws(Failure) {
    guard String(validating: list.term, as: UTF8.self) != nil else {
      throw .config(folder.path, "a term is no UTF-8, as terms of CIFF are")
    }
    encoder.append(list)
    try writer.write(encoder.take())
  }

  private mutating func end(_ lengths: [Int]) throws(Failure) {
    var number = 0
    for segment in folder.segments {
      let table = try DocumentTable(segment)
      for ordinal in 0..<table.count where segment.isLive(ordinal) {
        guard lengths[number] <= Int(Int32.max) else {
          throw .config(folder.path, "document \(ordinal) is too long for CIFF")
        }
        encoder.append(
          CIFF.Document(number: number, id: table.id(ordinal), length: lengths[number]))
        try writer.write(encoder.take())
        number += 1
      }
    }
  }
}

/// The vectors of an index as postings with impacts.
private struct ImpactLists {
  private let postings: PostingBlocks<Int32>
  private let dimension: Int
  /// Terms that a document has, in the order of their lists.
  let terms: [Int32]
  /// The sum of each document's impacts.
  private(set) var lengths: [Int] = []

  /// - Parameters:
  ///   - folder: The index.
  ///   - impacts: How weights become whole numbers.
  ///   - order: All terms, in the order in which lists are wanted.
  ///   - work: Memory.
  ///   - scratch: Folder of scratch files.
  /// - Throws: 65 where the index is damaged, 74 where a file cannot be written, 78 for weights that
  ///   cannot be written so.
  init(
    _ folder: IndexFolder, _ impacts: CIFFExport.Impacts, order: [Int32], _ work: IndexWork,
    scratch: String
  ) throws(Failure) {
    dimension = folder.manifest.source.dimension ?? 0
    let segments = folder.segments
    if segments.contains(where: Sparse.isPlain) {
      throw .config(
        folder.path, "an index of a release before 0.2 has no vectors to export",
        hint: "lir-index compact makes one that has")
    }
    let vectors = try segments.map { segment throws(Failure) in
      let vectors = try DocumentVectors(segment, Sparse.vectors)
      if let fault = vectors.fault() { throw Failure.data(segment.folder, "damaged: \(fault)") }
      return vectors
    }
    let scale = try Self.scale(impacts, zip(segments, vectors), folder.path)
    var blocks = PostingBlocks<Int32>(try SpoolFile(folder: scratch))
    var (known, documents, all, weights): ([Bool], [Int32], [Int32], [Int32]) = (
      Array(repeating: false, count: dimension), [], [], []
    )
    let room = max(1, work.memory / (2 * PostingBlocks<Int32>.bytesPerPosting))
    for (segment, vectors) in zip(segments, vectors) {
      for document in 0..<segment.documents where segment.isLive(document) {
        var length = 0
        for place in vectors.range(document) {
          let impact = try Self.impact(vectors.weight(place), scale, folder.path)
          if impact == 0 { continue }
          let term = vectors.term(place)
          known[term] = true
          all.append(Int32(term))
          documents.append(Int32(lengths.count))
          weights.append(impact)
          length += Int(impact)
        }
        lengths.append(length)
        if all.count >= room {
          try blocks.putAside(all, documents, weights, order: order, terms: dimension)
          (all, documents, weights) = ([], [], [])
        }
      }
      vectors.discard()
    }
    try blocks.putAside(all, documents, weights, order: order, terms: dimension)
    postings = blocks
    terms = order.filter { known[Int($0)] }
  }

  private static func scale(
    _ impacts: CIFFExport.Impacts, _ parts: Zip2Sequence<[IndexSegment], [DocumentVectors]>,
    _ place: String
  ) throws(Failure) -> Double {
    guard case .bits(let bits) = impacts else {
      if case .scale(let scale) = impacts { return scale }
      return 1
    }
    var largest: Float = 0
    for (segment, vectors) in parts {
      for document in 0..<segment.documents where segment.isLive(document) {
        for place in vectors.range(document) { largest = max(largest, vectors.weight(place)) }
      }
    }
    return largest > 0 ? Double((1 << bits) - 1) / Double(largest) : 1
  }

  /// A weight as a whole number, of equally near ones the even one.
  private static func impact(
    _ weight: Float, _ scale: Double, _ place: String
  ) throws(Failure) -> Int32 {
    let value = (Double(weight) * scale).rounded(.toNearestOrEven)
    guard weight >= 0, value < Double(Int32.max) else {
      throw .config(
        place, "impacts of CIFF are from 1 to \(Int32.max - 1), found a weight of \(weight)")
    }
    return weight == 0 ? 0 : max(1, Int32(value))
  }

  /// Calls `body` with each term's postings.
  ///
  /// - Parameters:
  ///   - name: The text of a term.
  ///   - body: Gets the lists.
  /// - Throws: 74 where the scratch file cannot be read, and what `body` throws.
  func forEachList(
    _ name: (Int32) -> [UInt8], _ body: (CIFF.List) throws(Failure) -> Void
  ) throws(Failure) {
    var list = CIFF.List()
    func flush() throws(Failure) {
      if !list.documents.isEmpty { try body(list) }
      list = CIFF.List()
    }
    _ = try postings.join(
      order: terms, terms: dimension,
      begin: { term, _ throws(Failure) in
        try flush()
        list.term = name(term)
      },
      documents: { list.documents += Array($0.bindMemory(to: Int32.self)) },
      weights: { list.frequencies += Array($0.bindMemory(to: Int32.self)) })
    try flush()
  }
}
