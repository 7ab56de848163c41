import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// Inverted lists: each vector in the list of its nearest centroid, of which a search looks at some.
///
/// Sivic and Zisserman, "Video Google", ICCV 2003; Jégou, Douze and Schmid, "Product Quantization for
/// Nearest Neighbor Search", IEEE TPAMI 33, 2011. Parameters have the names of Lightning IR's
/// `FaissIVFIndexConfig` and `FaissSearchConfig`.
package enum IVF: IndexType {
  package static let name = "ivf"
  package static let summary =
    "vectors in the lists of their centroids, of which a search probes some"
  package static let takes = IndexSubject.vectors([.dense, .multivector])
  package static let keepsOrder = false
  package static let learns = true

  package static let parameters =
    [
      IndexParameter(
        centroids, .build, .integer(1...(1 << 24)), default: nil,
        "How many lists there are. (default: four times the root of the number of documents, and one "
          + "for 39 documents at most)"),
      IndexParameter(
        training, .build, .integer(1...(.max)), default: nil,
        "How many vectors the centroids are learned from, drawn from all. (default: 64 for each list)"
      ),
      IndexParameter(
        Flat.codes, .build, .word(CodeForm.allCases.map(\.rawValue) + ResidualCoder.words),
        default: nil,
        "Store a code of each vector, which a search reads instead: int8, a byte a number, f16 or bf16, "
          + "two, with a proof; of what is left without the centroid, as an estimate: b1, a bit a number, "
          + "pq4 or pq8, four or eight bits for some numbers together."),
      IndexParameter(
        subquantizers, .build, .integer(1...(.max)), default: nil,
        "With codes pq4 and pq8: how many parts vectors are cut into. (default: parts of at least four and "
          + "eight numbers)"),
      IndexParameter(
        rotate, .build, .word(["opq", "none"]), default: nil,
        "With codes pq4 and pq8: rotate vectors as makes their parts easiest to code (opq, the default)."
      ),
      Originals.parameter("then the codes are the vectors."),
      IndexParameter(
        probes, aliases: ["n-probe"], .search, .limit(1...(.max)), default: "1",
        "How many lists are looked at; more where they hold fewer documents than are asked for."),
      IndexParameter(
        Flat.exact, .search, .flag, default: nil,
        "Compare all vectors themselves, whatever --nprobe says, and no codes: the result of flat."),
      IndexParameter(
        Flat.approximate, .search, .flag, default: nil,
        "Rank by codes alone, without what the vectors say."),
      IndexParameter(
        Flat.oversample, .search, .number(1 ... .infinity), default: nil,
        "With codes that estimate: how many documents are compared themselves for each that is asked "
          + "for. (default: 10)"),
      Originals.rescoring,
    ] + TokenSettings.parameters

  package static let knobs = [
    SearchKnob(
      probes, ["1", "2", "4", "8", "16", "32", "64", "128", "256", "all"], isMonotone: true)
  ]

  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(probes, "8")], .balanced: [(probes, "32")], .accurate: [(probes, "128")],
  ]

  package static let files =
    [lists, listCentroids] + Flat.rows
    + [Flat.codeRows, Flat.codeScales, Flat.codeErrors, Flat.codeNorms]
    + estimateFiles(.oneOf(Flat.codes, ResidualCoder.words)) + [
      quantizerFile(.oneOf(Flat.codes, ["pq4", "pq8"])), rotationFile(.layout("rotated")),
    ] + TokenLists.files

  static let centroids = "num-centroids"
  static let training = "num-train-embeddings"
  static let probes = "nprobe"
  static let subquantizers = "num-subquantizers"
  static let bitsOfPart = "n-bits"
  static let rotate = "rotation"

  static let lists = IndexFile(
    "lists", tensor: "offsets", [.i64], [.count("lists", plus: 1)],
    "where each list's documents begin, and where those of the last one end")
  static let listCentroids = IndexFile(
    "lists.centroids", tensor: "centroids", [.f32], [.count("lists"), .dimension()],
    "the centroid of each list: of products and cosines, of unit length")
  static let factor = IndexFile(
    "quantizer.factor", tensor: "factor", [.f32], [.fixed(1)], presence: .layout("one factor"),
    "what the products of all codes are multiplied by")
  static let estimates = estimateFiles(.always)[0]
  static let estimateScales = estimateFiles(.always)[1]
  static let estimateOffsets = estimateFiles(.always)[2]
  static let quantizer = quantizerFile(.always)
  static let rotation = rotationFile(.always)

  static func estimateFiles(_ presence: IndexPresence) -> [IndexFile] {
    [
      IndexFile(
        "estimates", tensor: "codes", [.u8], [.count("rows of codes"), .fixed(32)],
        presence: presence,
        "codes of what is left of vectors without their centroids: a list's documents in blocks of 32, "
          + "byte g of each, then byte g + 1"),
      IndexFile(
        "estimates.scales", tensor: "scales", [.f32], [.rows], presence: presence,
        "what products with codes are multiplied by"),
      IndexFile(
        "estimates.offsets", tensor: "offsets", [.f32], [.rows], presence: presence,
        "what is added then: of distances, less half the square of the length"),
    ]
  }

  static func quantizerFile(_ presence: IndexPresence) -> IndexFile {
    IndexFile(
      "quantizer", tensor: "centroids", [.f32], [.count("centroids"), .count("numbers of a part")],
      presence: presence, "centroids of the first part of vectors, then of the second")
  }

  static func rotationFile(_ presence: IndexPresence) -> IndexFile {
    IndexFile(
      "rotation", tensor: "rotation", [.f32], [.dimension(), .dimension()], presence: presence,
      "what is left of vectors is multiplied by it before its parts are coded")
  }

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    try check(source, arguments, IVF.self)
  }

  package static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource { Originals.stored(source, arguments) }

  /// Refuses what lists cannot have, whatever the type that they are called by.
  ///
  /// - Throws: 64 for it, 78 for a similarity that is not known.
  static func check(
    _ source: IndexSource, _ arguments: IndexArguments, _ type: any IndexType.Type
  ) throws(Failure) {
    _ = try Flat.similarity(source, type.name)
    try ListDemands(arguments, type).check(source, arguments)
    if source.schema?.kind == .multivector {
      try TokenSettings.check(source, arguments, type)
    }
  }

  /// What builds lists of one vector a document or of several.
  ///
  /// - Throws: 73 where the files cannot be made.
  static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ settings: ListDemands, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    if source.schema?.kind == .multivector {
      return try TokenListBuilder(writer, source, settings, work)
    }
    return try IVFBuilder(writer, source, settings, work)
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    if TokenLists.are(in: segment) {
      let rows = try segment.tensor(MultiVector.vectors).entry.shape[0]
      try RaggedOffsets(segment, MultiVector.offsets, rows: rows).check()
      return try TokenLists(segment, Kernels()).check(segment.folder)
    }
    let lists = try InvertedLists(segment)
    try lists.check()
    if segment.has(Flat.codeRows) { try FlatCodes(segment).check() }
    if segment.has(estimates), lists.count > 0 { try ListCodes(segment, lists).check() }
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try builder(writer, source, ListDemands(arguments, IVF.self), work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try open(segment, arguments, probes: arguments.limit(probes), work)
  }

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try open(segments, arguments, probes: arguments.limit(probes), work)
  }

  /// Opens the segments of a collection, by whatever name of a type.
  static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, probes: Int, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    if let first = segments.first(where: { TokenLists.are(in: $0) }) {
      if arguments.text(Flat.oversample) != nil || arguments.flag(Flat.approximate) {
        try checkEstimates(first, arguments)
      }
      let rounding = try Originals.rounding(
        first, arguments, first.has(estimates) ? .estimates : nil)
      return try TokenIndex.open(
        segments, TokenSettings(arguments, probes: probes), roundedTo: rounding, work)
    }
    return SegmentedIndex.joining(
      try segments.map { segment throws(Failure) in
        try open(segment, arguments, probes: probes, work)
      }, of: segments)
  }

  /// Refuses parameters that are for codes where there are none.
  ///
  /// - Throws: 64 for them.
  private static func checkEstimates(
    _ segment: IndexSegment, _ arguments: IndexArguments
  ) throws(Failure) {
    let name = arguments.flag(Flat.approximate) ? Flat.approximate : Flat.oversample
    guard segment.has(estimates) else {
      throw .usage("--\(name): \(segment.folder) has no codes that estimate")
    }
    if arguments.text(Flat.oversample) != nil,
      arguments.flag(Flat.exact) || arguments.flag(Flat.approximate)
    {
      throw .usage(
        "--\(Flat.oversample) goes without --\(Flat.exact) and --\(Flat.approximate)")
    }
  }

  /// Opens a segment of inverted lists, by whatever name of a type.
  static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, probes: Int, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    if TokenLists.are(in: segment) {
      return try open([segment], arguments, probes: probes, work)
    }
    try TokenSettings.refuse(arguments, segment.folder)
    let (isExact, isApproximate) = (
      arguments.flag(Flat.exact), arguments.flag(Flat.approximate)
    )
    if isExact, isApproximate {
      throw .usage("--\(Flat.exact) and --\(Flat.approximate) exclude each other")
    }
    let (estimates, hasCodes) = (segment.has(estimates), segment.has(Flat.codeRows))
    if isApproximate, !estimates, !hasCodes {
      throw .usage("--\(Flat.approximate): \(segment.folder) has no codes")
    }
    if arguments.text(Flat.oversample) != nil {
      guard estimates else {
        throw .usage("--\(Flat.oversample): \(segment.folder) has no codes that estimate")
      }
      if isExact || isApproximate {
        throw .usage(
          "--\(Flat.oversample) goes without --\(isExact ? Flat.exact : Flat.approximate)")
      }
    }
    if !segment.has(Flat.vectors), isExact || arguments.text(Flat.oversample) != nil {
      throw .config(
        segment.folder,
        "--\(isExact ? Flat.exact : Flat.oversample): the index has codes alone, no vectors",
        hint: "build it with --originals keep")
    }
    let rounding = try Originals.rounding(
      segment, arguments, estimates ? .estimates : hasCodes ? .proof : nil)
    return try IVFIndex(segment, arguments, probes: probes, roundedTo: rounding, work)
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [Int] = []
    for segment in segments {
      let lists = try InvertedLists(segment)
      if lengths.count < lists.count {
        lengths += [Int](repeating: 0, count: lists.count - lengths.count)
      }
      let tokens =
        TokenLists.are(in: segment)
        ? try LiveTokens(segment, TokenLists(segment, Kernels())) : nil
      for list in 0..<lists.count {
        for place in lists.range(list) {
          let isLive = if let tokens { try tokens.isLive(place) } else { segment.isLive(place) }
          if isLive { lengths[list] += 1 }
        }
      }
    }
    return lengths
  }
}
