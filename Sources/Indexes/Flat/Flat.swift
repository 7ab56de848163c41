import Failures
import IndexFormat
import Retrieval
import Tensors
import Vectors

/// All vectors as they come, compared one by one; with codes, those that codes cannot exclude.
package enum Flat: IndexType {
  package static let name = "flat"
  package static let summary = "all vectors, compared one by one or by codes with a proof: exact"
  package static let takes = IndexSubject.vectors([.dense])
  package static let parameters = [
    IndexParameter(
      codes, .build, .word(CodeForm.allCases.map(\.rawValue)), default: nil,
      "Store a code of each vector, which a search reads instead: int8, a byte a number, or f16 or "
        + "bf16, two."),
    IndexParameter(
      originals, .build, .word(["keep", "none"]), default: nil,
      "Keep the vectors beside their codes (the default), or none: then the codes are the vectors."),
    IndexParameter(
      exact, .search, .flag, default: nil, "Compare all vectors themselves, and no codes."),
    IndexParameter(
      approximate, .search, .flag, default: nil,
      "Rank by codes alone, without the proof that the vectors give the same."),
  ]
  package static let files = [
    vectors, scales, codeRows, codeScales, codeErrors, codeNorms,
  ]

  static let codes = "codes"
  static let originals = "originals"
  static let exact = "exact"
  static let approximate = "approximate"
  /// Length of the longest vector, among the statistics of an index with codes.
  static let longest = "longest_vector"

  static let vectors = IndexFile(
    "vectors", tensor: "embeddings", [], [.documents(), .dimension()],
    presence: .unless(originals, "none"),
    "the documents' vectors in the type that the stream has them in")
  static let scales = IndexFile(
    "scales", tensor: "scales", [.f32], [.documents()], presence: .element(.i8),
    "what the values of each vector are multiplied by")
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

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try similarity(source, name)
    guard let kept = arguments.text(originals) else { return }
    guard arguments.text(codes) != nil else {
      throw .usage("--\(originals) \(kept): without codes the vectors are all there is")
    }
    if kept == "none", source.element == .i8 {
      throw .usage(
        "--\(originals) none: the stream's vectors are bytes already", hint: "leave --codes out")
    }
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    if segment.has(codeRows) { try FlatCodes(segment).check() }
  }

  /// What a score is: what the vectors' stream says, else the dot product.
  static func similarity(_ source: IndexSource, _ place: String) throws(Failure) -> Similarity {
    guard let name = source.description.similarity else { return .dot }
    guard let similarity = Similarity(rawValue: name) else {
      throw .config(place, "similarity \(name) is not supported")
    }
    return similarity
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try FlatBuilder(writer, source, arguments, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let (isExact, isApproximate) = (arguments.flag(exact), arguments.flag(approximate))
    if isExact, isApproximate { throw .usage("--\(exact) and --\(approximate) exclude each other") }
    guard segment.has(codeRows) else {
      if isApproximate {
        throw .usage("--\(approximate): \(segment.folder) has no codes")
      }
      return try FlatIndex(segment, work)
    }
    guard segment.has(vectors) else {
      if isExact {
        throw .config(
          segment.folder, "--\(exact): the index has codes alone, no vectors",
          hint: "build it with --originals keep")
      }
      let reference = try FlatIndex(segment, work, rows: (codeRows, codeScales))
      // Codes of two bytes are vectors like others.
      return try FlatCodes(segment).isBytes || isApproximate
        ? CodedFlatIndex(segment, reference: reference, isApproximate, work) : reference
    }
    let reference = try FlatIndex(segment, work)
    return isExact
      ? reference : try CodedFlatIndex(segment, reference: reference, isApproximate, work)
  }
}
