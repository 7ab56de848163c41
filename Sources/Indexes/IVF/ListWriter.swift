import Clustering
import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Writes the documents of inverted lists, list by list.
final class ListWriter {
  private let writer: IndexWriter
  private let work: IndexWork
  private let similarity: Similarity
  private let width: Int
  private let element: ElementType
  private let vectors: StreamedTensorFile?
  private let scales: StreamedTensorFile?
  private var codes: CodeWriter?
  private var estimates: ListCodeWriter?
  private var coder: ResidualCoder?
  private let settings: ListDemands
  private let offsets: StreamedTensorFile
  private let centroidFile: StreamedTensorFile
  private var centroids: Centroids?

  /// - Throws: 73 where the files cannot be made.
  init(
    _ writer: IndexWriter, _ source: IndexSource, _ settings: ListDemands, _ work: IndexWork
  ) throws(Failure) {
    guard let schema = source.schema, let element = source.element else {
      preconditionFailure("inverted lists of texts")
    }
    self.writer = writer
    self.work = work
    self.element = element
    let width = schema.columns[0].width ?? 0
    self.width = width
    similarity = try Flat.similarity(source, IVF.name)
    self.settings = settings
    let keepsNone = !settings.keepsOriginals
    vectors = keepsNone ? nil : try writer.create(Flat.vectors, type: element, columns: width)
    scales = element == .i8 ? try writer.create(Flat.scales) : nil
    codes = try settings.form.map {
      [similarity] form throws(Failure) in
      try CodeWriter(writer, form, similarity, width: width, isAll: keepsNone)
    }
    offsets = try writer.create(IVF.lists)
    centroidFile = try writer.create(IVF.listCentroids, columns: width)
  }

  /// The folder of the index.
  var target: String { writer.target }
  /// Whether documents have a scale besides their numbers.
  var hasScales: Bool { scales != nil }
  /// Bytes of a document, as it came.
  var recordSize: Int { width * element.size + (hasScales ? 4 : 0) }

  /// Writes what was learned, and begins the first list.
  ///
  /// - Parameter codebook: What was learned; nil for nothing, as of no documents.
  /// - Throws: 73 and 74 where files cannot be written.
  func begin(_ codebook: ListCodebook?) throws(Failure) {
    centroids = codebook?.centroids
    if let centroids { try centroidFile.append(numbers: centroids.values) }
    try offsets.append(numbers: [Int64(0)])
    guard let word = settings.codes, ResidualCoder.words.contains(word) else { return }
    coder = codebook?.coder(settings, seed: work.seed)
    estimates = try ListCodeWriter(writer, depth: coder?.depth ?? 2)
    try ListCodebook.writeProducts(codebook, settings, writer, width: width)
  }

  func endList() throws(Failure) {
    try estimates?.endList()
    try offsets.append(numbers: [Int64(writer.documents)])
  }

  /// - Returns: At least the length of the longest vector, where codes must know it.
  func finish() throws(Failure) -> Float? { codes?.longest }

  /// Adds documents to a list: ids, and the bytes of vectors with their scales.
  func write(
    _ documents: [(id: ArraySlice<UInt8>, record: [UInt8])], of list: Int
  ) throws(Failure) {
    let numbers = width * element.size
    for (id, record) in documents {
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try writer.append(id: UnsafeRawBufferPointer(id))
      }
      try vectors?.append(numbers: Array(record[..<numbers]))
      try scales?.append(numbers: Array(record[numbers...]))
    }
    if codes == nil, estimates == nil { return }
    let codec = RowCodec(element, work.kernels)
    var values = [Float](repeating: 0, count: documents.count * width)
    values.withUnsafeMutableBufferPointer { values in
      for (place, document) in documents.enumerated() {
        document.record.withUnsafeBytes { bytes in
          codec.decode(
            UnsafeRawBufferPointer(rebasing: bytes[..<numbers]), width: width,
            scales: UnsafeRawBufferPointer(rebasing: bytes[numbers...]),
            into: UnsafeMutableBufferPointer(
              rebasing: values[place * width..<(place + 1) * width]))
        }
      }
    }
    try codes?.append(values, work) { index in
      "document \(String(decoding: documents[index].id, as: UTF8.self))"
    }
    try writeEstimates(values, of: list)
  }

  private func writeEstimates(_ values: [Float], of list: Int) throws(Failure) {
    guard let estimates, let coder, let centroids else { return }
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    for code in coder.codes(of: values, Array(centroids[list]), similarity, work) {
      try estimates.append(code)
    }
  }

  // MARK: Documents of other indexes

  /// The files of a segment that documents are taken from.
  private struct Source {
    let segment: IndexSegment
    let table: DocumentTable
    let lists: InvertedLists
    let vectors: IndexTensor?
    let scales: IndexTensor?
    let codes: WrittenCodes?
    let estimates: ListCodes?
  }

  /// Writes the documents of segments that share their centroids, but for deleted ones.
  ///
  /// - Parameters:
  ///   - segments: In the order in which documents stand in a list.
  ///   - count: Number of lists.
  /// - Throws: 65 for a segment that is damaged, 74 where files cannot be written.
  func write(_ segments: [IndexSegment], lists count: Int) throws(Failure) {
    let sources = try segments.map { segment throws(Failure) in
      let lists = try InvertedLists(segment)
      return Source(
        segment: segment, table: try DocumentTable(segment), lists: lists,
        vectors: vectors == nil ? nil : try segment.tensor(Flat.vectors),
        scales: scales == nil ? nil : try segment.tensor(Flat.scales),
        codes: codes == nil ? nil : try WrittenCodes(segment),
        estimates: estimates == nil || lists.count == 0 ? nil : try ListCodes(segment, lists))
    }
    for list in 0..<count {
      for source in sources where list < source.lists.count { try write(list, of: source) }
      try endList()
    }
  }

  private func write(_ list: Int, of source: Source) throws(Failure) {
    let range = source.lists.range(list)
    var live: [Range<Int>] = []
    for ordinal in range where source.segment.isLive(ordinal) {
      let id = source.table.id(ordinal)
      try id.withUnsafeBufferPointer { id throws(Failure) in
        try writer.append(id: UnsafeRawBufferPointer(id))
      }
      if let last = live.last, last.upperBound == ordinal {
        live[live.count - 1] = last.lowerBound..<ordinal + 1
      } else {
        live.append(ordinal..<ordinal + 1)
      }
      if let estimates, let stored = source.estimates {
        try estimates.append(stored.code(ordinal, of: list, from: range.lowerBound))
      }
    }
    if let vectors, let tensor = source.vectors { try vectors.append(live, of: tensor) }
    if let scales, let tensor = source.scales { try scales.append(live, of: tensor) }
    if let written = source.codes { try codes?.append(live, of: written) }
  }
}
