import Analysis
import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors

/// Okapi BM25 over the words of texts, as Lucene scores it and Anserini asks for it.
package enum BM25: IndexType {
  package static let name = "bm25"
  package static let summary = "an inverted file of texts' words, scored by BM25; needs no model"
  package static let takes = IndexSubject.texts
  package static let parameters =
    [
      IndexParameter(
        language, .build, .word(Analyzer.Language.allCases.map(\.rawValue)), default: "english",
        synonyms: Analyzer.Language.codes,
        "Language whose words become terms, also by its ISO code: for english possessives, stop words "
          + "and Porter's stems as Lucene has them; none for lower case alone."),
      IndexParameter(
        stemmer, .build, .word(Analyzer.Stemmer.allCases.map(\.rawValue)), default: nil,
        "What makes stems: lucene, as Lucene's analyser of the language, where that is known the usual "
          + "one; snowball; or none."),
      IndexParameter(
        storeVectors, .build, .word(["yes", "no"]), default: "yes",
        "Whether the terms of each document are stored, too, which --rm3 and --rocchio need."),
      IndexParameter(
        k1, .search, .number(0...Double.infinity), default: "0.9",
        "How slowly more occurrences of a term stop to count."),
      IndexParameter(
        b, .search, .number(0...1), default: "0.4", "How much of a document's length counts."),
      IndexParameter(
        exact, .search, .flag, default: nil,
        "Add up all postings, and let no bound exclude any: the run is the same."),
    ] + Feedback.parameters
  package static let files = [
    termBytes, termOffsets, postings, postingOffsets, lengths, lengthBytes, withoutTerms, vectors,
    vectorOffsets, deletedTerms, deletedCounts,
  ]

  static let language = "language"
  static let stemmer = "stemmer"
  static let storeVectors = "store-vectors"
  static let k1 = "k1"
  static let b = "b"
  static let exact = "exact"
  /// Statistics: documents that are more than white space, documents with a term, and terms of all documents with their repetitions.
  static let textDocuments = "documents_with_text"
  static let filledDocuments = "documents_with_terms"
  static let totalLength = "total_length"
  /// Statistics: there where lengths are another program's, and no sums over the postings.
  static let givenLengths = "lengths_given"

  static let termBytes = IndexFile(
    "terms", tensor: "terms", [.u8], [.count("bytes of terms")],
    "the terms in bytewise order, one behind the other")
  static let termOffsets = IndexFile(
    "terms.offsets", tensor: "offsets", [.i64], [.count("terms", plus: 1)],
    "where each term starts, and where the last one ends")
  static let postings = IndexFile(
    "postings", tensor: "postings", [.u8], [.count("bytes of postings")],
    "the postings of each term: in blocks of 128, with pairs of frequency and length that bound them"
  )
  static let postingOffsets = IndexFile(
    "postings.offsets", tensor: "offsets", [.i64], [.count("terms", plus: 1)],
    "where each term's postings start, and where the last ones end")
  static let lengths = IndexFile(
    "lengths", tensor: "lengths", [.i32], [.documents()], "how many terms each document has")
  static let lengthBytes = IndexFile(
    "lengths.bytes", tensor: "bytes", [.u8], [.documents()],
    "the lengths in a byte, as scores have them")
  static let vectors = IndexFile(
    "vectors", tensor: "vectors", [.u8], [.count("bytes of vectors")],
    presence: .unless(storeVectors, "no"),
    "the terms of each document: distances and numbers of times, seven bits a byte")
  static let vectorOffsets = IndexFile(
    "vectors.offsets", tensor: "offsets", [.i64], [.documents(plus: 1)],
    presence: .unless(storeVectors, "no"),
    "where each document's terms start, and where the last ones end")

  static let withoutTerms = IndexFile(
    "lengths.none", tensor: "documents", [.i32], [.count("texts without a term")],
    "documents that are more than white space and have no term, ascending")
  static let deletedTerms = IndexFile(
    "deleted.terms", tensor: "terms", [.i32], [.count("terms of deleted documents")],
    presence: .deletions, "numbers of the terms that deleted documents have, ascending")
  static let deletedCounts = IndexFile(
    "deleted.counts", tensor: "counts", [.i32], [.count("terms of deleted documents")],
    presence: .deletions, "how many deleted documents have each of them")

  package static func analyzer(_ arguments: IndexArguments) -> JSON {
    var members = [JSON.Member("name", .string(arguments.text(language) ?? ""))]
    if let name = arguments.text(stemmer) {
      members.append(JSON.Member("stemmer", .string(name)))
    }
    return .object(members)
  }

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try analyzer(of: arguments)
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try TermPostings(segment).check()
  }

  /// The analyser that the parameters ask for.
  ///
  /// - Throws: 64 for stems that the language does not have, 78 where their library is not installed.
  static func analyzer(of arguments: IndexArguments) throws(Failure) -> Analyzer {
    guard let language = arguments.text(language).flatMap(Analyzer.Language.init) else {
      preconditionFailure("a language that is none")
    }
    return try Analyzer(language, arguments.text(stemmer).flatMap(Analyzer.Stemmer.init))
  }

  package static func joins(_ segment: IndexSegment) -> Bool {
    true
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try BM25Builder(
      writer, analyzer(of: arguments), storesVectors: arguments.text(storeVectors) != "no", work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try open([segment], arguments, work)
  }

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    if let other = segments.first(where: { !$0.has(postingOffsets) }) {
      throw .config(
        other.folder, "its postings have the form of a version before the first release",
        hint: "build it anew from its texts")
    }
    let feedback = try Feedback(arguments)
    if let feedback, let other = segments.first(where: { !$0.has(vectors) }) {
      throw .config(
        other.folder,
        "--\(feedback.name) needs the documents' terms, and the index has no vectors",
        hint: "build it without --store-vectors no")
    }
    let postings = try segments.map { segment throws(Failure) in try TermPostings(segment) }
    let statistics = CollectionStatistics(postings)
    let analyzer = try analyzer(of: arguments)
    let model = try ScoreModel(
      k1: Float(arguments.number(k1)), b: Float(arguments.number(b)),
      average: statistics.averageLength)
    let prunes = !arguments.flag(exact)
    let parts = try zip(segments, postings).map { segment, postings throws(Failure) in
      try BM25Index(segment, postings, statistics, analyzer, model, prunes: prunes, work)
    }
    guard let feedback else { return SegmentedIndex.joining(parts, of: segments) }
    return FeedbackIndex(parts, SegmentedIndex(parts, of: segments), statistics, feedback, work)
  }

  package static func describeDeleted(
    of segment: IndexSegment, _ files: SegmentFiles
  ) throws(Failure) -> [JSON.Member] {
    let deleted = try TermPostings(segment).countDeleted()
    try files.create(deletedTerms).append(numbers: deleted.terms)
    try files.create(deletedCounts).append(numbers: deleted.counts)
    return deleted.numbers.statistics
  }

  package static func statistics(of segments: [IndexSegment]) throws(Failure) -> [JSON.Member] {
    let postings = try segments.map { segment throws(Failure) in try TermPostings(segment) }
    return CollectionStatistics(postings).numbers.statistics
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [[UInt8]: Int] = [:]
    for segment in segments {
      let postings = try TermPostings(segment)
      for term in 0..<postings.count {
        let bytes = try postings.withTerm(term) { Array($0) }
        lengths[bytes, default: 0] += try postings.liveDocuments(with: term)
      }
    }
    return Array(lengths.values)
  }
}
