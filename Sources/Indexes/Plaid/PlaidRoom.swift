import Failures
import IndexFormat
import Kernels
import Vectors

/// What a worker needs to answer queries, used again and again.
///
/// Not `Sendable`: a worker has its own.
final class PlaidRoom {
  let centroids: CentroidScores
  let tokens: TokenScores
  /// A bit for each document of each segment; all zeros between queries.
  private var found: [[UInt64]]

  init(
    _ codebook: PlaidCodebook, _ similarity: Similarity, _ segments: [PlaidSegment],
    _ kernels: Kernels
  ) {
    centroids = CentroidScores(codebook, similarity, kernels)
    tokens = TokenScores(codebook, similarity, kernels)
    found = segments.map { Array(repeating: 0, count: ($0.documents.count + 63) / 64) }
  }

  /// The documents of some centroids, ascending, in each segment.
  ///
  /// - Parameters:
  ///   - cells: The centroids; one may be there several times.
  ///   - segments: Where to look.
  ///   - admits: Whether a document of a segment may be found.
  /// - Returns: Those that may be found.
  /// - Throws: 65 where a list is damaged.
  func documents(
    of cells: [Int32], in segments: [PlaidSegment], _ admits: (_ segment: Int, Int) -> Bool
  ) throws(Failure) -> [[Int32]] {
    let distinct = Set(cells).filter { $0 >= 0 }.sorted()
    var results: [[Int32]] = []
    for (place, segment) in segments.enumerated() {
      for cell in distinct {
        try segment.lists.forEachDocument(Int(cell)) {
          found[place][$0 >> 6] |= 1 << UInt64($0 & 63)
        }
      }
      var own: [Int32] = []
      for index in found[place].indices where found[place][index] != 0 {
        var word = found[place][index]
        found[place][index] = 0
        while word != 0 {
          let ordinal = index << 6 | word.trailingZeroBitCount
          word &= word - 1
          if admits(place, ordinal) { own.append(Int32(ordinal)) }
        }
      }
      results.append(own)
    }
    return results
  }
}

/// Documents of several segments by integers that rank them.
struct RankedDocuments {
  /// Documents of each segment, ascending.
  var documents: [[Int32]]
  /// The number of each.
  var numbers: [[Int32]] = []

  var count: Int { documents.reduce(0) { $0 + $1.count } }

  /// Leaves so many documents with the largest numbers, and all that equal the last of them: which
  /// they are does not hang on the parts of an index and their order.
  mutating func keep(_ wanted: Int) {
    guard count > wanted else { return }
    var most: Int32 = 0
    for own in numbers { for number in own where number > most { most = number } }
    var histogram = [Int](repeating: 0, count: Int(most) + 1)
    for own in numbers { for number in own { histogram[Int(number)] += 1 } }
    var (cut, above) = (Int(most), 0)
    while above + histogram[cut] < wanted {
      above += histogram[cut]
      cut -= 1
    }
    for segment in documents.indices {
      var (kept, keptNumbers): ([Int32], [Int32]) = ([], [])
      for (document, number) in zip(documents[segment], numbers[segment]) where number >= cut {
        kept.append(document)
        keptNumbers.append(number)
      }
      documents[segment] = kept
      numbers[segment] = keptNumbers
    }
  }
}
