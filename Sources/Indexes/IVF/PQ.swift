import Failures
import IndexFormat
import Retrieval
import Tensors

/// Codes of parts of vectors, all of which a search looks at: inverted lists of a single list.
///
/// Parameters have the names and defaults of Lightning IR's `FaissPQIndexConfig`.
package enum PQ: IndexType {
  package static let name = "pq"
  package static let summary = "codes of rotated parts of vectors, which estimate scores"
  package static let takes = IndexSubject.vectors([.dense, .multivector])
  package static let keepsOrder = false
  package static let learns = true
  package static let parameters = IVFPQ.building + IVFPQ.searching
  package static let files = IVFPQ.files

  package static let knobs = [
    SearchKnob(Flat.oversample, ["1", "3", "10", "30", "100"], isMonotone: false)
  ]
  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(Flat.oversample, "3")], .balanced: [(Flat.oversample, "10")],
    .accurate: [(Flat.oversample, "50")],
  ]

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    try IVF.check(source, arguments, PQ.self)
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
    try IVF.builder(writer, source, ListDemands(arguments, PQ.self), work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try IVF.open(segment, arguments, probes: 1, work)
  }

  package static func open(
    _ segments: [IndexSegment], _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try IVF.open(segments, arguments, probes: 1, work)
  }
}
