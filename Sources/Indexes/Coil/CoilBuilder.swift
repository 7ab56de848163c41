import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors

/// Postings by token, from vectors by document.
///
/// Memory: one block of postings with their vectors, the tokens and the ids of all documents, and what
/// `PostingBlocks` says.
struct CoilBuilder: IndexBuilder {
  private let writer: IndexWriter
  private let schema: StreamSchema
  private let blockPostings: Int
  /// Tokens in the order in which they were met first, and the number of each.
  private var tokens: [Int32] = []
  private var numbers: [Int32: Int32] = [:]
  /// Postings of the current block in the order of documents.
  private var terms: [Int32] = []
  private var documents: [Int32] = []
  private var vectors: [Float] = []
  private var blocks: PostingBlocks<Float>
  private let cls: StreamedTensorFile
  private let lengths: StreamedTensorFile
  private let width: Int
  private let clsColumn: Int
  private let vectorColumn: Int
  private let tokenColumn: Int

  /// - Throws: 73 where the files cannot be made.
  init(_ writer: IndexWriter, _ source: IndexSource, _ work: IndexWork) throws(Failure) {
    guard let schema = source.schema,
      let clsColumn = schema.columns.firstIndex(where: { $0.name == "cls" }),
      let vectorColumn = schema.columns.firstIndex(where: { $0.name == "embeddings" }),
      let tokenColumn = schema.columns.firstIndex(where: { $0.name == "input_ids" }),
      let width = schema.columns[vectorColumn].width
    else { preconditionFailure("a COIL index of another kind") }
    self.writer = writer
    self.schema = schema
    (self.clsColumn, self.vectorColumn, self.tokenColumn) = (clsColumn, vectorColumn, tokenColumn)
    self.width = width
    // Arrays that grow, and once more while they are sorted.
    blockPostings = max(1, work.memory / (4 * (8 + 4 * width)))
    blocks = PostingBlocks(try writer.spool(), width: width)
    cls = try writer.create(Coil.cls, columns: schema.columns[clsColumn].width ?? 0)
    lengths = try writer.create(Coil.lengths)
  }

  mutating func append(_ block: DocumentBlock) throws(Failure) {
    guard case .records(let segment, let range) = block else {
      preconditionFailure("a COIL index takes vectors")
    }
    precondition(segment.schema == schema, "another schema")
    for index in range {
      try segment.checkFinite(index)
      let document = Int32(writer.documents)
      try segment.withID(index) { id throws(Failure) in try writer.append(id: id) }
      try segment.withValues(index, column: clsColumn) { values throws(Failure) in
        try cls.append(values)
      }
      let ids = segment.values(index, column: tokenColumn, as: Int32.self)
      try lengths.append(numbers: [Int32(ids.count).littleEndian])
      for token in ids { terms.append(number(token)) }
      documents += repeatElement(document, count: ids.count)
      vectors += segment.values(index, column: vectorColumn, as: Float.self)
      if terms.count >= blockPostings { try putAside() }
    }
  }

  /// The number of a token.
  private mutating func number(_ token: Int32) -> Int32 {
    if let known = numbers[token] { return known }
    let number = Int32(tokens.count)
    numbers[token] = number
    tokens.append(token)
    return number
  }

  mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
    try putAside()
    let renumbered = segment.renumbered(from: writer.documents)
    let postings = try TokenPostings(segment)
    try postings.check()
    let bytes = try segment.tensor(Coil.vectors).bytes
    let size = 4 * width
    try writer.append(idsOf: segment)
    try cls.append(segment.liveRanges, of: segment.tensor(Coil.cls))
    try lengths.append(segment.liveRanges, of: segment.tensor(Coil.lengths))
    // Tokens ascend there as they will here; those of deleted documents alone are none.
    var own: [Int] = []
    for place in 0..<postings.count {
      let isThere = try postings.range(place).contains {
        renumbered[Int(postings.documents[$0])] >= 0
      }
      own.append(isThere ? Int(number(postings.token(place))) : -1)
    }
    try blocks.putAside { add throws(Failure) in
      for place in 0..<postings.count where own[place] >= 0 {
        let live = try postings.range(place).filter {
          renumbered[Int(postings.documents[$0])] >= 0
        }
        var vectors: [UInt8] = []
        vectors.reserveCapacity(live.count * size)
        for posting in live { vectors += bytes[posting * size..<(posting + 1) * size] }
        try vectors.withBytes { vectors throws(Failure) in
          try add(own[place], live.map { renumbered[Int(postings.documents[$0])] }, vectors)
        }
      }
    }
  }

  mutating func finish() throws(Failure) -> IndexContent {
    try putAside()
    (terms, documents, vectors) = ([], [], [])
    let tokenFile = try writer.create(Coil.tokens)
    let offsetFile = try writer.create(Coil.offsets)
    let documentFile = try writer.create(Coil.documents)
    let vectorFile = try writer.create(Coil.vectors, columns: width)
    let tokens = tokens
    let total = try blocks.join(
      order: ordered, terms: tokens.count,
      begin: { term, start throws(Failure) in
        try tokenFile.append(numbers: [tokens[Int(term)].littleEndian])
        try offsetFile.append(numbers: [Int64(start).littleEndian])
      },
      documents: documentFile.append, weights: vectorFile.append)
    try offsetFile.append(numbers: [Int64(total).littleEndian])
    return IndexContent(statistics: [
      JSON.Member("tokens", .integer(tokens.count)), JSON.Member("postings", .integer(total)),
    ])
  }

  /// Numbers of all tokens, by ascending tokens.
  private var ordered: [Int32] {
    (0..<Int32(tokens.count)).sorted { tokens[Int($0)] < tokens[Int($1)] }
  }

  private mutating func putAside() throws(Failure) {
    if terms.isEmpty { return }
    try blocks.putAside(terms, documents, vectors, order: ordered, terms: tokens.count)
    terms.removeAll(keepingCapacity: true)
    documents.removeAll(keepingCapacity: true)
    vectors.removeAll(keepingCapacity: true)
  }
}
