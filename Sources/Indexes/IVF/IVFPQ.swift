import Failures
import IndexFormat
import Retrieval
import Tensors

/// Inverted lists of codes of parts of vectors.
///
/// Parameters have the names and defaults of Lightning IR's `FaissIVFPQIndexConfig`, but for the number
/// of lists, which follows from the number of documents.
package enum IVFPQ: IndexType {
  package static let name = "ivfpq"
  package static let summary =
    "codes of parts of vectors in the lists of centroids, some of them probed"
  package static let takes = IndexSubject.vectors([.dense, .multivector])
  package static let keepsOrder = false
  package static let learns = true

  package static let parameters =
    IVF.parameters.filter { $0.name == IVF.centroids } + building
    + IVF.parameters.filter { $0.name == IVF.probes } + searching

  package static let knobs = IVF.knobs.map { SearchKnob($0.name, $0.values, isMonotone: false) }
  package static let presets = IVF.presets

  package static let files =
    [IVF.lists, IVF.listCentroids] + Flat.rows
    + IVF.estimateFiles(.always) + [
      IVF.quantizerFile(.always), IVF.factor, IVF.rotationFile(.unless(IVF.rotate, "none")),
    ] + TokenLists.files

  /// Parameters of building that product codes have in common.
  static let building =
    IVF.parameters.filter { $0.name == IVF.training } + [
      IndexParameter(
        IVF.subquantizers, .build, .integer(1...(.max)), default: nil,
        "How many parts vectors are cut into, a divisor of their dimension. (default: the largest up to "
          + "16)"),
      IndexParameter(
        IVF.bitsOfPart, .build, .word(["4", "8"]), default: "8",
        "Bits of a part: 16 or 256 centroids."),
      IndexParameter(
        IVF.rotate, .build, .word(["opq", "none"]), default: "opq",
        "Rotate vectors as makes their parts easiest to code, or not."),
      Originals.parameter("then estimates are scores."),
    ]

  /// Parameters of searching that estimates have in common.
  static let searching = IVF.parameters.filter {
    ([Flat.exact, Flat.approximate, Flat.oversample, Originals.rescore]
      + TokenSettings.parameters.map(\.name)).contains($0.name)
  }

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    try IVF.check(source, arguments, IVFPQ.self)
  }

  package static func stored(
    _ source: IndexSource, _ arguments: IndexArguments
  ) throws(Failure) -> IndexSource { Originals.stored(source, arguments) }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    try IVF.check(contents: segment)
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try IVF.builder(writer, source, ListDemands(arguments, IVFPQ.self), work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try IVF.open(segment, arguments, probes: arguments.limit(IVF.probes), work)
  }

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try IVF.open(segments, arguments, probes: arguments.limit(IVF.probes), work)
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    try IVF.lists(of: segments)
  }
}
