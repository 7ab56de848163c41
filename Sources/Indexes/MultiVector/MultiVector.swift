import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors
import Vectors

/// All vectors of all documents, every one compared with every vector of a query; with codes, those
/// that codes cannot exclude.
package enum MultiVector: IndexType {
  package static let name = "multivector"
  package static let summary =
    "several vectors a document, compared as the model does or by codes with a proof: exact"
  package static let takes = IndexSubject.vectors([.multivector])
  package static let parameters = [
    IndexParameter(
      codes, .build, .word(["int8"]), default: nil,
      "Store a code of each vector, which a search reads instead: int8, a byte a number."),
    Originals.parameter("then the codes are the vectors."),
    IndexParameter(
      poolFactor, .build, .integer(1...Int(Int32.max)), default: nil,
      "Make one of so many vectors of a document, those that are near each other; the first stays."),
    IndexParameter(
      exact, .search, .flag, default: nil, "Compare all vectors themselves, and no codes."),
    IndexParameter(
      approximate, .search, .flag, default: nil,
      "Rank by codes alone, without the proof that the vectors give the same."),
  ]
  package static let files = [
    offsets, vectors, scales, codeBytes, codeScales, codeErrors, codeNorms,
  ]

  static let codes = Flat.codes
  static let originals = Flat.originals
  static let exact = Flat.exact
  static let approximate = Flat.approximate
  static let poolFactor = "pool-factor"
  /// Length of the longest vector, among the statistics of an index with codes.
  static let longest = Flat.longest

  static let offsets = IndexFile(
    "vectors.offsets", tensor: "offsets", [.i64], [.documents(plus: 1)],
    "where each document's vectors start, and where the last ones end")
  static let vectors = IndexFile(
    "vectors", tensor: "embeddings", [], [.count("vectors"), .dimension()],
    presence: .unless(originals, "none"), mayLieElsewhere: true,
    "the documents' vectors in the type that the stream has them in")
  static let scales = IndexFile(
    "scales", tensor: "scales", [.f32], [.count("vectors")], presence: .element(.i8),
    "what the values of each vector are multiplied by")
  static let codeBytes = IndexFile(
    "codes", tensor: "codes", [.i8], [.count("vectors"), .dimension()],
    presence: .parameter(codes, "int8"), "the code of each vector; of cosines, of unit vectors")
  static let codeScales = IndexFile(
    "codes.scales", tensor: "scales", [.f32], [.count("vectors")],
    presence: .parameter(codes, "int8"), "what each code is multiplied by")
  static let codeErrors = IndexFile(
    "codes.errors", tensor: "errors", [.f32], [.count("vectors")],
    presence: .parameter(codes, "int8"), "at least the distance of each vector from its code")
  static let codeNorms = IndexFile(
    "codes.norms", tensor: "norms", [.f32], [.count("vectors")],
    presence: .parameter(codes, "int8"), "at least the length of each vector")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    let scoring = try VectorScoring(source, name)
    if let form = arguments.text(codes), scoring.aggregations.doc != .max {
      throw .usage(
        "--\(codes) \(form): the proof is of maxima over a document's vectors, the model's "
          + "aggregation is \(scoring.aggregations.doc.rawValue)", hint: "leave --codes out")
    }
    try Originals.check(source, arguments, hasCodes: arguments.text(codes) != nil)
  }

  package static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource { Originals.stored(source, arguments) }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    let rows = try segment.tensor(segment.has(vectors) ? vectors : codeBytes).entry.shape[0]
    try RaggedOffsets(segment, offsets, rows: rows).check()
    if segment.has(codeBytes) { try TokenCodes(segment).check() }
  }

  package static func joins(_ segment: IndexSegment) -> Bool {
    true
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try MultiVectorBuilder(writer, source, arguments, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let (isExact, isApproximate) = (arguments.flag(exact), arguments.flag(approximate))
    if isExact, isApproximate { throw .usage("--\(exact) and --\(approximate) exclude each other") }
    guard segment.has(codeBytes) else {
      if isApproximate {
        throw .usage("--\(approximate): \(segment.folder) has no codes")
      }
      return try MultiVectorIndex(segment, work)
    }
    guard segment.has(vectors) else {
      if isExact {
        throw .config(
          segment.folder, "--\(exact): the index has codes alone, no vectors",
          hint: "build it with --originals keep")
      }
      return try CodedMultiVectorIndex(
        segment, reference: MultiVectorIndex(segment, work, rows: (codeBytes, codeScales)),
        isApproximate, work)
    }
    let reference = try MultiVectorIndex(segment, work)
    return isExact
      ? reference : try CodedMultiVectorIndex(segment, reference: reference, isApproximate, work)
  }

  package static func statistics(of segments: [IndexSegment]) throws(Failure) -> [JSON.Member] {
    var count = 0
    for segment in segments {
      let stored = try segment.tensor(segment.has(vectors) ? vectors : codeBytes)
      let rows = try RaggedOffsets(segment, offsets, rows: stored.entry.shape[0])
      for documents in segment.liveRanges {
        count += try rows.range(documents.upperBound - 1).upperBound
        count -= try rows.range(documents.lowerBound).lowerBound
      }
    }
    return [JSON.Member("vectors", .integer(count))]
  }
}
