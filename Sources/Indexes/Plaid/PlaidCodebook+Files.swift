import Failures
import IndexFormat
import Tensors

extension PlaidCodebook {
  /// Writes the codebook beside a segment's other files.
  ///
  /// - Throws: 73 and 74 where files cannot be written.
  func write(_ writer: IndexWriter) throws(Failure) {
    try writer.create(Plaid.centroids, columns: width).append(numbers: codes)
    try writer.create(Plaid.centroidScales).append(numbers: scales)
    if !lengths.isEmpty { try writer.create(Plaid.centroidLengths).append(numbers: lengths) }
    try writer.create(Plaid.learned).append(numbers: numbers)
    try writer.create(Plaid.tokens).append(numbers: tokens)
    try writer.create(Plaid.tokenStarts).append(numbers: starts)
  }

  /// Reads the codebook of a segment.
  ///
  /// - Throws: 65 for one that no index has.
  init(_ segment: IndexSegment) throws(Failure) {
    let place = segment.folder
    func column<T: BitwiseCopyable>(_ file: IndexFile, _ type: T.Type) throws(Failure) -> [T] {
      let column = try segment.column(file, as: type)
      return (0..<column.count).map { column[$0] }
    }
    guard let text = segment.manifest.parameter(PlaidParameters.bits), let bits = Int(text),
      [1, 2, 4].contains(bits), let width = segment.manifest.source.dimension
    else { throw .data(place, "damaged manifest: no \(PlaidParameters.bits)") }
    let codes = try column(Plaid.centroids, Int8.self)
    let scales = try column(Plaid.centroidScales, Float.self)
    let lengths =
      try segment.has(Plaid.centroidLengths) ? column(Plaid.centroidLengths, Float.self) : []
    let numbers = try column(Plaid.learned, Float.self)
    let tokens = try column(Plaid.tokens, Int32.self)
    let starts = try column(Plaid.tokenStarts, Int32.self)
    let cutoffs = (1 << bits) - 1
    guard numbers.count == 2 * cutoffs + 18, numbers.allSatisfy(\.isFinite),
      scales.allSatisfy({ $0.isFinite && $0 >= 0 }), !scales.isEmpty,
      codes.count == scales.count * width,
      lengths.count == scales.count || !segment.has(Plaid.centroidLengths),
      lengths.allSatisfy({ $0.isFinite && $0 >= 0 }),
      zip(tokens, tokens.dropFirst()).allSatisfy({ $0 < $1 }), starts.count == tokens.count + 2,
      starts.first == 0, starts.last == Int32(scales.count),
      zip(starts, starts.dropFirst()).allSatisfy({ $0 < $1 }),
      numbers[(2 * cutoffs + 1)..<(2 * cutoffs + 17)].allSatisfy({ $0 > 0 })
    else { throw .data(place, "damaged: the centroids do not fit each other") }
    self.init(
      codec: ResidualCodec(
        bits: bits, width: width, cutoffs: Array(numbers[..<cutoffs]),
        weights: Array(numbers[cutoffs..<2 * cutoffs + 1])),
      codes: codes, scales: scales, lengths: lengths, tokens: tokens, starts: starts,
      factors: Array(numbers[(2 * cutoffs + 1)..<(2 * cutoffs + 17)]),
      spread: numbers[2 * cutoffs + 17])
  }
}
