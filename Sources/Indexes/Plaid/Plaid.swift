import Failures
import IndexFormat
import JSON
import Retrieval
import Tensors
import Vectors

/// All vectors of all documents as the number of a centroid and a few bits a number of what is left
/// beside it; documents are found by the centroids that are near a query's vectors (PLAID,
/// arXiv:2205.09707).
package enum Plaid: IndexType {
  package static let name = "plaid"
  package static let summary =
    "several vectors a document, by centroids and few bits a number of the rest: approximate"
  package static let takes = IndexSubject.vectors([.multivector])
  package static let learns = true
  package static let parameters = PlaidParameters.all
  package static let files = [
    offsets, numbers, codes, factors, radii, rests, halfSquares, lists, listOffsets,
    listDocuments, listVectors, centroids, centroidScales, centroidLengths, learned, tokens,
    tokenStarts, vectors, scales,
  ]

  package static let knobs = [
    SearchKnob(PlaidParameters.cells, ["1", "2", "4", "8", "16", "all"], isMonotone: false),
    SearchKnob(
      PlaidParameters.candidates, ["128", "256", "512", "1024", "4096", "2147483647"],
      isMonotone: false),
  ]
  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(PlaidParameters.cells, "1"), (PlaidParameters.candidates, "128")],
    .balanced: [(PlaidParameters.cells, "2"), (PlaidParameters.candidates, "512")],
    .accurate: [(PlaidParameters.cells, "4"), (PlaidParameters.candidates, "4096")],
  ]

  /// Scoring by the vectors that were looked at needs more of them.
  package static func preset(
    _ preset: SearchPreset, beside given: [IndexArguments.Given]
  ) -> [IndexArguments.Given] {
    guard let scoring = given.last(where: { $0.name == PlaidParameters.scoring })?.value,
      scoring != PlaidParameters.Scoring.plaid.rawValue
    else { return presets[preset] ?? [] }
    switch preset {
    case .fast: return [(PlaidParameters.cells, "8")]
    case .balanced: return [(PlaidParameters.cells, "32")]
    case .accurate: return [(PlaidParameters.cells, "128")]
    }
  }

  // The vectors themselves lie as those of `MultiVector`, which searches them for --exact.
  static let offsets = MultiVector.offsets
  static let vectors = MultiVector.vectors
  static let scales = IndexFile(
    MultiVector.scales.name, tensor: MultiVector.scales.tensor, [.f32], [.count("vectors")],
    presence: .layout("int8"), "what the values of each vector are multiplied by")

  static let numbers = IndexFile(
    "centroids.numbers", tensor: "numbers", [.u16, .i32], [.count("vectors")],
    "the centroid of each vector; of two bytes up to 65536 centroids")
  static let codes = IndexFile(
    "residuals", tensor: "residuals", [.u8], [.count("vectors"), .count("bytes of a code")],
    "what is left of each vector, in few bits a number: byte j has the numbers j, j + size and so on"
  )
  static let factors = IndexFile(
    "factors", tensor: "factors", [.u8], [.count("pairs of vectors")],
    "the number of what each decoded vector is multiplied by, the first in the low half of a byte")
  static let radii = IndexFile(
    "radii", tensor: "radii", [.f32], [.documents()],
    "at least the length of what is left of each document's vectors, decoded")
  static let rests = IndexFile(
    "rests", tensor: "rests", [.f32], [.documents()],
    "the sum of the squares of the lengths of what is left of each document's vectors")
  static let halfSquares = IndexFile(
    "residuals.squares", tensor: "squares", [.f32], [.count("vectors")],
    presence: .layout("l2"), "half of the square of each decoded vector's length")
  static let lists = IndexFile(
    "lists", tensor: "lists", [.u8], [.count("bytes of lists")],
    "the documents of each centroid, as coded gaps")
  static let listOffsets = IndexFile(
    "lists.offsets", tensor: "offsets", [.i64], [.count("centroids", plus: 1)],
    "where each list starts, and where the last one ends")
  static let listDocuments = IndexFile(
    "lists.documents", tensor: "documents", [.i32], [.count("centroids")],
    "how many documents each centroid has")
  static let listVectors = IndexFile(
    "lists.vectors", tensor: "vectors", [.i32], [.count("centroids")],
    "how many vectors each centroid has")
  static let centroids = IndexFile(
    "centroids", tensor: "centroids", [.i8], [.count("centroids"), .dimension()],
    "the centroids")
  static let centroidScales = IndexFile(
    "centroids.scales", tensor: "scales", [.f32], [.count("centroids")],
    "what each centroid is multiplied by")
  static let centroidLengths = IndexFile(
    "centroids.lengths", tensor: "lengths", [.f32], [.count("centroids")],
    presence: .layout("stretched"), "the mean length of the vectors of each centroid")
  static let learned = IndexFile(
    "buckets", tensor: "buckets", [.f32], [.count("learned numbers")],
    "cutoffs and means of the buckets, the sixteen factors, the mean square of what was left")
  static let tokens = IndexFile(
    "centroids.tokens", tensor: "tokens", [.i32], [.count("tokens")],
    "tokens with centroids of their own, ascending")
  static let tokenStarts = IndexFile(
    "centroids.starts", tensor: "starts", [.i32], [.count("tokens", plus: 2)],
    "where the centroids of all other tokens and of each of these start, and the last ones end")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    if arguments.originals == "f16" {
      throw .usage(
        "--\(PlaidParameters.originals) f16: \(name) keeps vectors as they come",
        hint: "a file of that name is ./f16")
    }
    let scoring = try VectorScoring(source, name)
    guard scoring.aggregations.doc == .max else {
      throw .config(
        name,
        "the candidates are those of maxima over a document's vectors, the model's aggregation is "
          + scoring.aggregations.doc.rawValue, hint: "--type multivector searches all documents")
    }
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try PlaidSegment(segment).check()
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try PlaidBuilder(writer, source, arguments, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try open([segment], arguments, work)
  }

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let parameters = try PlaidParameters(arguments)
    guard arguments.flag(PlaidParameters.exact) else {
      return try PlaidIndex(segments, parameters, work)
    }
    let parts = try segments.map { segment throws(Failure) -> any SearchableIndex in
      guard segment.has(vectors) else {
        throw .config(
          segment.folder, "--\(PlaidParameters.exact): the index has codes alone, no vectors",
          hint: "build it with --originals keep")
      }
      return try MultiVectorIndex(segment, work)
    }
    return SegmentedIndex.joining(parts, of: segments)
  }

  package static func vectors(
    of segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any VectorSource {
    guard segment.has(vectors) else {
      throw .config(
        segment.folder, "the index has codes alone, no vectors to learn from",
        hint: "build it with --originals keep")
    }
    return try MultiVectorIndex(segment, work)
  }

  package static func statistics(of segments: [IndexSegment]) throws(Failure) -> [JSON.Member] {
    var drift = CentroidDrift()
    for segment in segments {
      let rows = try segment.tensor(numbers).entry.shape[0]
      let offsets = try RaggedOffsets(segment, offsets, rows: rows)
      let rests = try segment.column(rests, as: Float.self)
      for documents in segment.liveRanges {
        let first = try offsets.range(documents.lowerBound).lowerBound
        drift.add(vectors: try offsets.range(documents.upperBound - 1).upperBound - first)
        for ordinal in documents { drift.add(rest: rests[ordinal]) }
      }
    }
    var members = [JSON.Member("vectors", .integer(drift.vectors))]
    guard let segment = segments.first else { return members }
    let codebook = try PlaidSegment(segment).codebook
    members.append(JSON.Member("centroids", .integer(codebook.count)))
    if let ratio = drift.ratio(codebook) {
      members.append(JSON.Member("drift", .double((ratio * 1000).rounded() / 1000)))
    }
    return members
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [Int] = []
    for segment in segments {
      let lists = try CentroidLists(segment)
      if lengths.isEmpty { lengths = Array(repeating: 0, count: lists.count) }
      for centroid in 0..<min(lists.count, lengths.count) {
        lengths[centroid] += lists.vectors(centroid)
      }
    }
    return lengths
  }
}
