import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors

/// Makes an index of one in the Common Index File Format.
package struct CIFFImport {
  private let file: CIFFFile
  /// Numbers of terms; nil where they stay words.
  private let vocabulary: TermVocabulary?
  /// What impacts are divided by.
  private let scale: Float

  /// Reads the file once.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - vocabulary: The numbers of the terms, for an index of sparse vectors; nil for one of words.
  ///   - scale: What impacts are divided by to be weights.
  /// - Throws: 64 for what cannot be read twice, 65 for what is no such file, is cut or contradicts
  ///   itself.
  package init(_ path: String, vocabulary: TermVocabulary?, scale: Float) throws(Failure) {
    file = try CIFFFile(path)
    self.vocabulary = vocabulary
    self.scale = scale
  }

  /// What the documents come from.
  ///
  /// - Parameter claims: What is said of the weights' model.
  /// - Returns: The source.
  package func source(_ claims: VectorClaims) -> IndexSource {
    var description = StreamDescription(role: .doc)
    guard let vocabulary else { return IndexSource(.texts(analyzer: .object([])), description) }
    description.model = claims.label
    description.similarity = claims.similarity ?? "dot"
    description.dim = vocabulary.count
    description.tokenizer = vocabulary.digest
    return IndexSource(.vectors(.sparse), description)
  }

  /// What a user is to be told of the file.
  package var warnings: [String] {
    let header = file.header
    var warnings: [String] = []
    if header.lists < header.totalLists || header.documents < header.totalDocuments {
      warnings.append(
        "\(file.path) holds \(header.lists) of \(header.totalLists) terms and \(header.documents) of "
          + "\(header.totalDocuments) documents: scores are those of what it holds")
    }
    let total = file.lengths.reduce(0, +)
    if vocabulary == nil, total != header.totalTerms {
      warnings.append(
        "\(file.path): its lengths add up to \(total), not to the \(header.totalTerms) terms that it "
          + "says: scores are by its lengths")
    }
    return warnings
  }

  /// Adds the documents to what builds.
  ///
  /// - Parameters:
  ///   - builder: Of an index of words, or of sparse vectors.
  ///   - memory: Bytes that reading may take.
  ///   - count: Gets the number of documents that were added since the last call.
  /// - Throws: 65 for documents that contradict each other, 74 where a file cannot be written.
  package func fill(
    _ builder: inout any IndexBuilder, memory: Int, count: (Int) -> Void
  ) throws(Failure) {
    if vocabulary != nil { return try fillVectors(&builder, memory: memory, count: count) }
    guard var words = builder as? BM25Builder else {
      preconditionFailure("CIFF for a builder of another type")
    }
    try words.append(file, memory: memory)
    count(file.documents)
    builder = words
  }

  private func fillVectors(
    _ builder: inout any IndexBuilder, memory: Int, count: (Int) -> Void
  ) throws(Failure) {
    let numbers = try numbers()
    let description = source(VectorClaims()).description
    var block = SegmentBuilder(.sparse, description, first: 0)
    func flush() throws(Failure) {
      let segment = block.segment
      try builder.append(.records(segment, 0..<segment.records))
      count(segment.records)
      block = SegmentBuilder(.sparse, description, first: 0)
    }
    try file.forEachDocument(memory: memory) {
      document, terms, impacts throws(Failure) in
      let pairs = zip(terms, impacts).map { (numbers[Int($0)], Float($1) / scale) }
        .sorted { $0.0 < $1.0 }
      block.append(
        id: Array(file.id(document)), items: pairs.count,
        [
          pairs.map(\.0).withUnsafeBytes { Array($0) },
          pairs.map(\.1).withUnsafeBytes { Array($0) },
        ])
      if block.isFull { try flush() }
    }
    if block.records > 0 { try flush() }
  }

  /// The number of each list's term.
  private func numbers() throws(Failure) -> [Int32] {
    var numbers: [Int32] = []
    var seen: Set<Int32> = []
    try file.forEachList { list throws(Failure) in
      guard let number = vocabulary?.number(list.term) else {
        throw .data(
          file.path,
          "the vocabulary has no term '\(String(decoding: list.term, as: UTF8.self))'")
      }
      guard seen.insert(number).inserted else { throw BM25Builder.twice(list.term, file) }
      numbers.append(number)
    }
    return numbers
  }
}

extension BM25Builder {
  /// Adds the documents of a file of postings.
  ///
  /// - Parameters:
  ///   - file: The postings.
  ///   - memory: Bytes that reading may take.
  /// - Throws: 65 for a term that is there twice, 74 where a file cannot be written.
  mutating func append(_ file: CIFFFile, memory: Int) throws(Failure) {
    for document in 0..<file.documents {
      let id = Array(file.id(document))
      try id.withBytes { id throws(Failure) in try writer.append(id: id) }
      try append(length: file.lengths[document])
    }
    if !file.sumsLists { lengthsAreGiven = true }
    var numbers: [Int32] = []
    var known: Set<Int> = []
    try file.forEachList { list throws(Failure) in
      let number = list.term.withUnsafeBytes { table.insert($0).index }
      guard known.insert(number).inserted else { throw Self.twice(list.term, file) }
      numbers.append(Int32(number))
      terms += repeatElement(Int32(number), count: list.documents.count)
      documents += list.documents
      frequencies += list.frequencies
      if terms.count >= blockPostings { try putAside() }
    }
    try putAside()
    guard vectors != nil else { return }
    try file.forEachDocument(memory: memory / 2) { _, terms, frequencies throws(Failure) in
      try vectors?.append(
        terms: terms.map { numbers[Int($0)] }[...], frequencies: frequencies)
    }
  }

  /// What a term is that a file has twice.
  static func twice(_ term: [UInt8], _ file: CIFFFile) -> Failure {
    .data(file.path, "term '\(String(decoding: term, as: UTF8.self))' has two postings lists")
  }
}
