import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// All vectors as they come, compared one by one; with codes, those that codes cannot exclude.
package enum Flat: IndexType {
  package static let name = "flat"
  package static let summary = "all vectors, compared one by one or by codes with a proof: exact"
  package static let takes = IndexSubject.vectors([.dense, .multivector])
  package static let parameters =
    [
      IndexParameter(
        codes, .build, .word(CodeForm.allCases.map(\.rawValue) + [bits]), default: nil,
        "Store a code of each vector, which a search reads instead: int8, a byte a number, f16 or bf16, "
          + "two, with a proof; b1, a bit, an estimate."),
      Originals.parameter("then the codes are the vectors."),
      IndexParameter(
        dims, .build, .integer(1...(.max)), default: nil,
        "Cut vectors to their first numbers, and bring those of unit length to it again, as lir-encode "
          + "--dims does; queries are encoded with the same --dims, or cut by that of lir-search."),
      IndexParameter(
        dims, .search, .integer(1...(.max)), default: nil,
        "Compare the first numbers of vectors alone, of documents and of queries, those of unit length "
          + "brought to it again: the result of an index that was built with --dims."),
      IndexParameter(
        exact, .search, .flag, default: nil, "Compare all vectors themselves, and no codes."),
      IndexParameter(
        approximate, .search, .flag, default: nil,
        "Rank by codes alone, without the proof that the vectors give the same."),
      IndexParameter(
        oversample, .search, .number(1 ... .infinity), default: nil,
        "With codes b1: how many documents are compared themselves for each that is asked for. "
          + "(default: 10)"),
      Originals.rescoring,
    ] + TokenSettings.parameters
  package static let files =
    rows + [codeRows, codeScales, codeErrors, codeNorms, bitRows, bitScales, bitOffsets, bitCentre]
    + [MultiVector.offsets.ofSeveral]

  static let codes = "codes"
  static let originals = Originals.name
  static let dims = "dims"
  static let exact = "exact"
  static let approximate = "approximate"
  static let oversample = "oversample"
  /// The word of `--codes` for a bit a number.
  static let bits = "b1"
  /// Length of the longest vector, among the statistics of an index with codes.
  static let longest = "longest_vector"

  static let vectors = IndexFile(
    "vectors", tensor: "embeddings", [], [.documents(), .dimension()],
    presence: .unless(originals, "none"), mayLieElsewhere: true,
    "the documents' vectors in the type that the stream has them in")
  static let scales = IndexFile(
    "scales", tensor: "scales", [.f32], [.documents()], presence: .element(.i8),
    "what the values of each vector are multiplied by")
  /// Vectors and scales where documents have one or several.
  static let rows = [vectors, scales].map(\.ofRows)
  static let codeRows = IndexFile(
    "codes", tensor: "codes", CodeForm.allCases.map(\.element), [.documents(), .dimension()],
    presence: .oneOf(codes, CodeForm.allCases.map(\.rawValue)),
    "the code of each vector; of cosines, of unit vectors")
  static let codeScales = IndexFile(
    "codes.scales", tensor: "scales", [.f32], [.documents()],
    presence: .parameter(codes, "int8"), "what each code is multiplied by")
  static let codeErrors = IndexFile(
    "codes.errors", tensor: "errors", [.f32], [.documents()],
    presence: .oneOf(codes, CodeForm.allCases.map(\.rawValue)),
    "at least the distance of each vector from its code")
  static let codeNorms = IndexFile(
    "codes.norms", tensor: "norms", [.f32], [.documents()],
    presence: .oneOf(codes, CodeForm.allCases.map(\.rawValue)), "at least the length of each vector"
  )

  static let bitRows = IndexFile(
    "bits", tensor: "bits", [.u8], [.count("rows of bits"), .fixed(32)],
    presence: .parameter(codes, bits),
    "signs of rotated vectors in blocks of 32 documents: byte g of each, then byte g + 1")
  static let bitScales = IndexFile(
    "bits.scales", tensor: "scales", [.f32], [.documents()], presence: .parameter(codes, bits),
    "what the products of signs are multiplied by")
  static let bitOffsets = IndexFile(
    "bits.offsets", tensor: "offsets", [.f32], [.documents()], presence: .parameter(codes, bits),
    "what is added then: of distances less half the square of the length")
  static let bitCentre = IndexFile(
    "bits.centre", tensor: "centre", [.f32], [.dimension()], presence: .parameter(codes, bits),
    "mean of all vectors, which is taken off before they are rotated; of cosines, of unit vectors")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try similarity(source, name)
    try Originals.check(source, arguments, hasCodes: arguments.text(codes) != nil)
    guard source.schema?.kind == .multivector else { return }
    try TokenSettings.check(source, arguments, Flat.self)
    if let count = arguments.text(dims) {
      throw .usage("--\(dims) \(count): of several vectors a document none is cut")
    }
  }

  /// What vectors are that were rounded and cut.
  package static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource {
    var source = Originals.stored(source, arguments)
    guard arguments.text(dims) != nil, let width = source.dimension, let type = source.element
    else {
      return source
    }
    let count = try arguments.integer(dims)
    guard count <= width else {
      throw .usage("--\(dims): expected 1 to \(width), found \(count)")
    }
    source.contents = .vectors(.dense(type, dimension: count))
    source.description.dim = count
    return source
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    if segment.manifest.source.schema?.kind == .multivector {
      return try MultiVector.check(contents: segment)
    }
    if segment.has(codeRows) { try FlatCodes(segment).check() }
    if segment.has(bitRows) { try FlatBits(segment).check() }
  }

  /// What a score is: what the vectors' stream says, else the dot product.
  static func similarity(_ source: IndexSource, _ place: String) throws(Failure) -> Similarity {
    guard let name = source.description.similarity else { return .dot }
    guard let similarity = Similarity(rawValue: name) else {
      throw .config(place, "similarity \(name) is not supported")
    }
    return similarity
  }

  package static func joins(_ segment: IndexSegment) -> Bool {
    !segment.has(bitRows) || segment.has(vectors)
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    if source.schema?.kind == .multivector {
      return try MultiVectorBuilder(keepingVectorsIn: writer, source, work)
    }
    return try FlatBuilder(writer, source, arguments, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    if segment.manifest.source.schema?.kind == .multivector {
      return try open([segment], arguments, work)
    }
    try TokenSettings.refuse(arguments, segment.folder)
    let (isExact, isApproximate) = (arguments.flag(exact), arguments.flag(approximate))
    if isExact, isApproximate { throw .usage("--\(exact) and --\(approximate) exclude each other") }
    let hasBits = segment.has(bitRows)
    if arguments.text(dims) != nil { return try openCut(segment, arguments, work) }
    if arguments.text(oversample) != nil {
      guard hasBits else { throw .usage("--\(oversample): \(segment.folder) has no codes b1") }
      if isExact || isApproximate {
        throw .usage("--\(oversample) goes without --\(isExact ? exact : approximate)")
      }
    }
    guard hasBits || segment.has(codeRows) else {
      if isApproximate {
        throw .usage("--\(approximate): \(segment.folder) has no codes")
      }
      _ = try Originals.rounding(segment, arguments, nil)
      return try FlatIndex(segment, work)
    }
    if !segment.has(vectors), isExact || arguments.text(oversample) != nil {
      throw .config(
        segment.folder,
        "--\(isExact ? exact : oversample): the index has codes alone, no vectors",
        hint: "build it with --originals keep")
    }
    let rounding = try Originals.rounding(segment, arguments, hasBits ? .estimates : .proof)
    if hasBits { return try openBits(segment, arguments, rounding, work) }
    guard segment.has(vectors) else {
      let reference = try FlatIndex(segment, work, rows: (codeRows, codeScales))
      // Codes of two bytes are vectors like others.
      return try FlatCodes(segment).isBytes || isApproximate
        ? CodedFlatIndex(segment, reference: reference, isApproximate, work) : reference
    }
    let reference = try FlatIndex(segment, work)
    return isExact
      ? reference : try CodedFlatIndex(segment, reference: reference, isApproximate, work)
  }

  /// Opens a segment to compare the first numbers of its vectors, for which no code stands.
  private static func openCut(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let (count, width) = (try arguments.integer(dims), segment.manifest.source.dimension ?? 0)
    guard count <= width else {
      throw .usage("--\(dims): expected 1 to \(width), found \(count)")
    }
    for name in [approximate, oversample, Originals.rescore] where arguments.text(name) != nil {
      throw .usage("--\(dims) compares vectors themselves, and goes without --\(name)")
    }
    if segment.has(vectors) { return try FlatIndex(segment, work, dims: count) }
    guard segment.has(codeRows), !arguments.flag(exact) else {
      throw .config(
        segment.folder, "--\(dims): the index has codes alone, no vectors",
        hint: "build it with --originals keep")
    }
    return try FlatIndex(segment, work, rows: (codeRows, codeScales), dims: count)
  }

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    guard segments[0].manifest.source.schema?.kind == .multivector else {
      return SegmentedIndex.joining(
        try segments.map { segment throws(Failure) in try open(segment, arguments, work) },
        of: segments)
    }
    for name in [approximate, oversample, Originals.rescore] where arguments.text(name) != nil {
      throw .usage("--\(name): \(segments[0].folder) has no codes")
    }
    if arguments.text(dims) != nil {
      throw .usage("--\(dims) is for one vector a document, \(segments[0].folder) has several")
    }
    return try TokenIndex.open(
      segments, TokenSettings(arguments, probes: .max), roundedTo: nil, work)
  }

  private static func openBits(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ rounding: HalfFormat?,
    _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let reference =
      segment.has(vectors) ? try FlatIndex(segment, work, roundedTo: rounding) : nil
    if arguments.flag(exact), let reference { return reference }
    let factor = arguments.text(oversample) == nil ? 10 : try arguments.number(oversample)
    return try BitFlatIndex(
      segment, reference: reference, isApproximate: arguments.flag(approximate),
      oversample: factor, work)
  }
}
