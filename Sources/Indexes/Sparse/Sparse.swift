import Failures
import IndexFormat
import Retrieval
import Tensors
import Vectors

/// Vectors of a learned sparse model and coded postings of them, which lead to the documents whose
/// scores are worth computing.
///
/// Indexes of releases before 0.2 have postings alone, in the plain layout.
package enum Sparse: IndexType {
  package static let name = "sparse"
  package static let summary =
    "learned sparse vectors, found by coded postings with a proof: exact"
  package static let takes = IndexSubject.vectors([.sparse])
  package static let parameters = [
    IndexParameter(
      window, .build, .integer(64...ImpactWindow.largest), default: nil,
      "How many documents are scored at a time; 65536 unless said, 1024 with --reorder."),
    IndexParameter(
      reorder, .build, .word(["bp"]), default: nil,
      "Bring documents with the same terms near each other, by recursive graph bisection; ids and "
        + "results stay the same."),
    IndexParameter(
      engine, .search, .word(["scatter", "blocks"]), default: nil,
      "Go through the windows in order, or in that of their bounds until no other can matter; "
        + "blocks unless said where windows have up to 8192 documents. The results are the same."),
    IndexParameter(
      exact, .search, .flag, default: nil, "Score all documents by their vectors, and use no codes."
    ),
    IndexParameter(
      approximate, .search, .flag, default: nil,
      "Rank by codes alone, without the proof that the vectors give the same."),
    IndexParameter(
      cut, aliases: ["query-cut"], .search, .limit(1...(.max)), default: nil, cutMeaning),
    IndexParameter(
      oversample, .search, .number(1...(.infinity)), default: nil,
      "With --cut: how many documents are scored by all terms for each that is asked for. "
        + "(default: 4)"),
  ]
  package static let files = [
    starts, postings, bounds, boundScales, order, vectors.offsets, vectors.terms, vectors.weights,
    plainOffsets, plainDocuments, plainWeights,
  ]

  /// `--cut` of all types that have it, which the help explains once.
  static let cutMeaning =
    "How many terms of a query documents are found by, those that weigh most; the others count in "
    + "scores alone. Unless said all for sparse, which then is exact, and 10 for seismic."

  package static let knobs = [
    SearchKnob(cut, ["4", "6", "8", "10", "15", "20", "30", "all"], isMonotone: false)
  ]
  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(cut, "8")], .balanced: [(cut, "15")], .accurate: [(cut, "30")],
  ]

  static let window = "window"
  static let reorder = "reorder"
  static let engine = "engine"
  static let exact = "exact"
  static let approximate = "approximate"
  static let cut = "cut"
  static let oversample = "oversample"

  private static let windows = IndexPresence.layout("windows")
  private static let plain = IndexPresence.layout("plain")

  static let starts = IndexFile(
    "postings.starts", tensor: "starts", [.i64], [.count("terms of windows", plus: 1)],
    presence: windows,
    "where the bytes of each window's terms start, and where the last ones end")
  static let postings = IndexFile(
    "postings", tensor: "postings", [.u8], [.count("bytes of postings")], presence: windows,
    "places of documents in their windows, and codes of the weights")
  static let bounds = IndexFile(
    "bounds", tensor: "bounds", [.u8], [.count("terms of windows")], presence: windows,
    "a code of the largest weight that each term has in each window, term by term")
  static let boundScales = IndexFile(
    "bounds.scales", tensor: "scales", [.f32], [.dimension()], presence: windows,
    "what each term's bounds are multiplied by")
  static let order = IndexFile(
    "order", tensor: "order", [.i32], [.documents()], presence: .parameter(reorder, "bp"),
    "the document at each position of the windows")
  static let vectors = DocumentVectors.Files(windows)

  static let plainOffsets = IndexFile(
    "terms", tensor: "offsets", [.i64], [.dimension(plus: 1)], presence: plain,
    "where each term's postings start, and where the last ones end")
  static let plainDocuments = IndexFile(
    "postings.documents", tensor: "documents", [.i32], [.count("postings")], presence: plain,
    "the document of each posting, ascending within a term")
  static let plainWeights = IndexFile(
    "postings.weights", tensor: "weights", [.f32], [.count("postings")], presence: plain,
    "the weight of each posting")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try similarity(source, nil)
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    if isPlain(segment) { return try PlainPostings(segment).check() }
    let vectors = try DocumentVectors(segment, Self.vectors)
    let windows = try ImpactWindow.size(segment)
    let postings = try ImpactPostings(segment, window: windows)
    if let fault = vectors.fault() { throw postings.damaged(fault) }
    let order = try DocumentOrder(segment)
    guard order.isWhole else { throw postings.damaged("documents have no position") }
    try postings.check(
      WindowTurn(
        vectors: vectors, order: order, window: windows,
        isCosine: similarity(segment.manifest.source, segment.folder) == .cosine, work: .checking),
      WindowBounds(segment, windows: postings.windows))
  }

  /// Whether a segment is in the layout of earlier releases.
  static func isPlain(_ segment: IndexSegment) -> Bool { segment.has(plainDocuments) }

  /// What a score is: what the vectors' stream says, else the dot product.
  static func similarity(_ source: IndexSource, _ place: String?) throws(Failure) -> Similarity {
    guard let name = source.description.similarity else { return .dot }
    guard let similarity = Similarity(rawValue: name), similarity != .l2 else {
      throw .config(
        place,
        "a sparse index searches by dot product or cosine, the vectors' similarity is \(name)",
        hint: "lir-rerank scores them as they are")
    }
    return similarity
  }

  package static func joins(_ segment: IndexSegment) -> Bool {
    true
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try SparseBuilder(
      writer, source, window: ImpactWindow.size(arguments),
      reorders: arguments.text(reorder) != nil, work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    let (isExact, isApproximate) = (arguments.flag(exact), arguments.flag(approximate))
    if isExact, isApproximate { throw .usage("--\(exact) and --\(approximate) exclude each other") }
    let cut = arguments.text(cut) == nil ? .max : try arguments.limit(cut)
    if cut < .max, isApproximate {
      throw .usage("--\(Self.cut) and --\(approximate) exclude each other")
    }
    let oversample = try arguments.text(oversample) == nil ? 4 : arguments.number(oversample)
    if isPlain(segment) {
      if isApproximate { throw .usage("--\(approximate): \(segment.folder) has no codes") }
      if arguments.text(engine) == "blocks" {
        throw .usage("--\(engine) blocks: \(segment.folder) has no bounds of windows")
      }
      if cut < .max { throw .usage("--\(Self.cut): \(segment.folder) has no codes") }
      return try PlainSparseIndex(segment, work)
    }
    return try SparseIndex(
      segment,
      isExact
        ? .exact
        : isApproximate
          ? .approximate : cut < .max ? .pruned(cut: cut, oversample: oversample) : .certified,
      usesBounds: arguments.text(engine).map { $0 == "blocks" }, work)
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [Int] = []
    for segment in segments {
      let dimension = segment.manifest.source.dimension ?? 0
      lengths += repeatElement(0, count: max(0, dimension - lengths.count))
      if isPlain(segment) {
        let postings = try PlainPostings(segment)
        for term in 0..<postings.terms {
          lengths[term] += postings.range(term).count {
            segment.isLive(Int(postings.documents[$0]))
          }
        }
      } else {
        let vectors = try DocumentVectors(segment, Self.vectors)
        if let fault = vectors.fault() { throw .data(segment.folder, "damaged: \(fault)") }
        for range in segment.liveRanges {
          for document in range {
            for place in vectors.range(document) { lengths[vectors.term(place)] += 1 }
          }
        }
        vectors.discard()
      }
    }
    return lengths
  }
}

/// How many documents a window of postings has.
enum ImpactWindow {
  /// Places in a window have sixteen bits.
  static let largest = 1 << 16
  static let usual = 1 << 16
  /// Where documents are in an order in which windows can be passed over.
  static let reordered = 1 << 10
  /// Windows up to this size are looked at in the order of their bounds: of larger ones none is passed
  /// over.
  static let bounded = 1 << 13

  static func size(_ arguments: IndexArguments) -> Int {
    arguments.text(Sparse.window).flatMap { Int($0) }
      ?? (arguments.text(Sparse.reorder) == nil ? usual : reordered)
  }

  /// - Throws: 65 for a manifest that says nonsense.
  static func size(_ segment: IndexSegment) throws(Failure) -> Int {
    guard
      let said = segment.manifest.parameters.first(where: { $0.key == Sparse.window })
    else { return segment.manifest.parameter(Sparse.reorder) == nil ? usual : reordered }
    guard let size = said.value.integer, (64...largest).contains(size) else {
      throw .data("\(segment.folder)/\(IndexManifest.fileName)", "damaged manifest: window")
    }
    return size
  }
}
