import Failures
import IndexFormat
import Retrieval
import Vectors

/// Vectors of a learned sparse model, and for each term a list of the documents in which it weighs
/// most, in clusters with summaries, by which most of them are passed over.
///
/// Parameters and defaults are those of Lightning IR's `SeismicIndexConfig` and
/// `SeismicSearchConfig`. Source: arXiv 2404.18812.
package enum Seismic: IndexType {
  package static let name = "seismic"
  package static let summary =
    "learned sparse vectors, found by lists of clusters with summaries: approximate"
  package static let takes = IndexSubject.vectors([.sparse])
  package static let parameters = [
    IndexParameter(
      postings, .build, .integer(1...(1 << 30)), default: "3500",
      "Documents in the list of a term, on average: of all weights the largest are kept, and of no "
        + "term more than half as many again."),
    IndexParameter(
      fraction, .build, .number(0...1), default: "0.1",
      "Clusters for each document of a list."),
    IndexParameter(
      least, .build, .integer(1...(1 << 30)), default: "2",
      "Documents of the smallest cluster: those of smaller ones go to others."),
    IndexParameter(
      energy, .build, .number(0...1), default: "0.4",
      "The part of its largest weights' sum that the summary of a cluster keeps."),
    IndexParameter(
      neighbourCount, .build, .integer(0...1024), default: "0",
      "Neighbours that are kept of each document: those of the documents that were found are looked "
        + "at, too. Finding them takes as long as a search for every document."),
    IndexParameter(
      cut, aliases: ["query-cut"], .search, .limit(1...(.max)), default: "10",
      Sparse.cutMeaning),
    IndexParameter(
      factor, .search, .number(0...(.infinity)), default: "0.7",
      "Pass over clusters that promise less than so much of the score of the last document found; 0 "
        + "for none."),
    IndexParameter(
      exact, .search, .flag, default: nil,
      "Score all documents by their vectors, and use no lists: exact."),
  ]
  package static let files =
    vectors.all + [numbers, codes, starts, lists, neighbours]

  package static let knobs = [
    SearchKnob(cut, ["2", "3", "4", "6", "8", "10", "15", "20", "30", "all"], isMonotone: true),
    SearchKnob(factor, ["1", "0.9", "0.8", "0.7", "0.5", "0"], isMonotone: false),
  ]
  package static let presets: [SearchPreset: [IndexArguments.Given]] = [
    .fast: [(cut, "5"), (factor, "0.9")],
    .balanced: [(cut, "10"), (factor, "0.8")],
    .accurate: [(cut, "20"), (factor, "0.7")],
  ]

  static let postings = "num-postings"
  static let fraction = "centroid-fraction"
  static let least = "min-cluster-size"
  static let energy = "summary-energy"
  static let neighbourCount = "num-k-nearest-neighbors"
  static let cut = "cut"
  static let factor = "heap-factor"
  static let exact = "exact"

  static let vectors = DocumentVectors.Files(.always)
  static let numbers = IndexFile(
    "terms.numbers", tensor: "numbers", [.i32], [.dimension()],
    "the number of each term in codes and lists: terms of many documents have small ones")
  static let codes = IndexFile(
    "codes", tensor: "codes", [.u8], [.count("bytes of codes")],
    "of each document a scale, the numbers of its terms and a code of a byte for each weight")
  static let starts = IndexFile(
    "lists.starts", tensor: "starts", [.i64], [.dimension(plus: 1)],
    "where the bytes of each term's list start, and where the last ones end")
  static let lists = IndexFile(
    "lists", tensor: "lists", [.u8], [.count("bytes of lists")],
    "documents of each term in clusters, and summaries of these")
  static let neighbours = IndexFile(
    "neighbours", tensor: "neighbours", [.i32], [.documents(), .count("neighbours")],
    presence: .unless(neighbourCount, "0"),
    "documents near each document, nearest first; -1 for none")

  package static func check(_ source: IndexSource, _ arguments: IndexArguments) throws(Failure) {
    _ = try Sparse.similarity(source, nil)
  }

  package static func check(contents segment: IndexSegment) throws(Failure) {
    func damaged(_ what: String) -> Failure { .data(segment.folder, "damaged: \(what)") }
    let vectors = try DocumentVectors(segment, vectors)
    if let fault = vectors.fault() { throw damaged(fault) }
    let stored = try segment.column(numbers, as: Int32.self)
    let terms = TermNumbers(vectors)
    guard terms.numbers.indices.allSatisfy({ terms.numbers[$0] == stored[$0] }) else {
      throw damaged("terms do not have the numbers that the vectors give them")
    }
    let documents = DocumentFactors(
      vectors: vectors,
      isCosine: try Sparse.similarity(segment.manifest.source, segment.folder) == .cosine)
    if let document = try ForwardCodes(segment, vectors).firstOther(documents, terms) {
      throw damaged("the codes of document \(document) are not those of its vector")
    }
    let lists = try SeismicLists(segment)
    for term in 0..<vectors.dimension {
      guard let list = try lists.list(term) else { continue }
      if let fault = list.fault(documents: segment.documents, dimension: vectors.dimension) {
        throw damaged("the list of term \(term) has \(fault)")
      }
    }
    guard segment.has(neighbours) else { return }
    if let fault = try NeighbourLists(segment).fault(documents: segment.documents) {
      throw damaged(fault)
    }
  }

  package static func builder(
    _ writer: IndexWriter, _ source: IndexSource, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any IndexBuilder {
    try SeismicBuilder(
      writer, source,
      SeismicBuilder.Shape(
        postings: arguments.integer(postings), fraction: arguments.number(fraction),
        least: arguments.integer(least), energy: arguments.number(energy),
        neighbours: arguments.integer(neighbourCount)), work)
  }

  package static func open(
    _ segment: IndexSegment, _ arguments: IndexArguments, _ work: IndexWork
  ) throws(Failure) -> any SearchableIndex {
    try SeismicIndex(
      segment,
      ListSettings(cut: arguments.limit(cut), factor: Float(arguments.number(factor))),
      isExact: arguments.flag(exact), work)
  }

  package static func lists(of segments: [IndexSegment]) throws(Failure) -> [Int] {
    var lengths: [Int] = []
    for segment in segments {
      let lists = try SeismicLists(segment)
      let dimension = segment.manifest.source.dimension ?? 0
      lengths += repeatElement(0, count: max(0, dimension - lengths.count))
      for term in 0..<dimension {
        guard let list = try lists.list(term) else { continue }
        lengths[term] += (0..<list.count).count { segment.isLive(Int(list.document($0))) }
      }
    }
    return lengths
  }
}
