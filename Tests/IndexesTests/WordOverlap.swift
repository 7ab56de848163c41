import Failures
import IndexFormat
import JSON
import Retrieval
import Streams
import Tensors
import Vectors

/// A type of index that no release has, to prove that a type is one file and one row: it takes
/// texts, looks at a sample first, and has parameters of its own for building and for searching.
///
/// The score of a document is `--gain` times the number of the query's words that it has, but for
/// the `--frequent` most frequent words of the sample.
enum WordOverlap: IndexType {
  static let name = "word-overlap"
  static let summary = "counts the words that a query and a document share"
  static let takes = IndexSubject.texts
  static let learns = true
  static let parameters = [
    IndexParameter(
      "frequent", aliases: ["num-frequent"], .build, .integer(0...100), default: "1",
      "How many frequent words are left out."),
    IndexParameter(
      "gain", .search, .number(0...Double.infinity), default: "1.0", "What a shared word adds."),
  ]
  static let files = [ends, words, frequent]

  static let ends = IndexFile(
    "ends", tensor: "ends", [.i64], [.documents()], "where each document's words end")
  static let words = IndexFile(
    "words", tensor: "words", [.i64], [.count("words")], "hashes of the documents' words")
  static let frequent = IndexFile(
    "frequent", tensor: "frequent", [.i64], [.count("frequent words")], "words that are left out")

  static func analyzer(_ arguments: IndexArguments) -> JSON {
    .object([JSON.Member("words", .string("separated by spaces"))])
  }

  static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try Builder(writer, frequent: arguments.integer("frequent"))
  }

  static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try Index(segment, gain: Float(arguments.number("gain")))
  }

  private static func hashes(_ text: [UInt8]) -> [Int64] {
    text.split(separator: 0x20).map { Int64(bitPattern: Checksum.xxh3(Array($0))) }
  }

  private struct Builder: IndexBuilder {
    let sampleSize: Int? = 4
    private let writer: IndexWriter
    private let ends: StreamedTensorFile
    private let words: StreamedTensorFile
    private let count: Int
    private var frequent: [Int64] = []
    private var total = 0

    init(_ writer: IndexWriter, frequent: Int) throws(Failure) {
      self.writer = writer
      count = frequent
      ends = try writer.create(WordOverlap.ends)
      words = try writer.create(WordOverlap.words)
    }

    mutating func train(on sample: Embeddings) throws(Failure) {
      guard case .texts(let texts) = sample else { preconditionFailure("texts") }
      var counts: [Int64: Int] = [:]
      for word in texts.flatMap(hashes) { counts[word, default: 0] += 1 }
      frequent = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map(\.key)
    }

    mutating func append(_ documents: DocumentBlock) throws(Failure) {
      guard case .texts(let batch) = documents else { preconditionFailure("texts") }
      for index in 0..<batch.count {
        try documents.withID(index) { id throws(Failure) in try writer.append(id: id) }
        let own = batch.withText(index) { hashes(Array($0)) }.filter { !frequent.contains($0) }
        total += own.count
        try words.append(numbers: own)
        try ends.append(numbers: [Int64(total)])
      }
    }

    mutating func adopt(from segment: IndexSegment) throws(Failure) {
      let old = try segment.column(WordOverlap.frequent, as: Int64.self)
      frequent = (0..<old.count).map { old[$0] }
    }

    mutating func append(contentsOf segment: IndexSegment) throws(Failure) {
      let old = try segment.column(WordOverlap.words, as: Int64.self)
      let oldEnds = try segment.column(WordOverlap.ends, as: Int64.self)
      try writer.append(idsOf: segment)
      for ordinal in 0..<segment.documents where segment.isLive(ordinal) {
        let start = ordinal == 0 ? 0 : Int(oldEnds[ordinal - 1])
        let own = start..<Int(oldEnds[ordinal])
        try words.append(old.bytes(own))
        total += own.count
        try ends.append(numbers: [Int64(total)])
      }
    }

    mutating func finish() throws(Failure) -> IndexContent {
      try writer.create(WordOverlap.frequent).append(numbers: frequent)
      return IndexContent(
        statistics: [JSON.Member("words", .integer(total))],
        codebook: Checksum.hex(Checksum.xxh3(frequent.withUnsafeBytes { Array($0) })))
    }
  }

  private struct Index: RescoringIndex {
    let documents: DocumentTable
    private let place: String
    private let words: MappedColumn<Int64>
    private let ends: MappedColumn<Int64>
    private let gain: Float

    init(_ segment: IndexSegment, gain: Float) throws(Failure) {
      place = segment.folder
      documents = try DocumentTable(segment)
      words = try segment.column(WordOverlap.words, as: Int64.self)
      ends = try segment.column(WordOverlap.ends, as: Int64.self)
      self.gain = gain
    }

    private func score(_ query: [Int64], _ ordinal: Int) -> Float {
      let start = ordinal == 0 ? 0 : Int(ends[ordinal - 1])
      let own = Set((start..<Int(ends[ordinal])).map { words[$0] })
      return gain * Float(Set(query).intersection(own).count)
    }

    func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
      guard case .texts(let texts) = request.queries else { preconditionFailure("texts") }
      var results: [[TopDocuments.Entry]] = []
      for (id, text) in zip(request.ids, texts) {
        var candidates = Candidates(id, request, documents)
        let query = hashes(text)
        for ordinal in 0..<documents.count { candidates.offer(ordinal, score(query, ordinal)) }
        results.append(try candidates.finish(id, place))
      }
      return results
    }

    func scores(
      _ queries: Embeddings, _ query: Int, of ordinals: [Int]
    ) throws(Failure) -> [Float] {
      guard case .texts(let texts) = queries else { preconditionFailure("texts") }
      let query = hashes(texts[query])
      return ordinals.map { score(query, $0) }
    }
  }
}
