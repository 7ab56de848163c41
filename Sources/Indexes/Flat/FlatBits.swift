import Failures
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors
import Vectors
import Workers

/// The bits of a segment's vectors, in mapped files.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct FlatBits: @unchecked Sendable {
  let count: Int
  let dimension: Int
  private let rotation: RandomRotation
  private let centre: [Float]
  /// At least the length of the longest vector.
  private let longest: Float
  private let codes: UnsafePointer<UInt8>
  private let scales: UnsafePointer<Float>
  private let offsets: UnsafePointer<Float>
  private let owners: [SafeTensorsFile]
  private let place: String

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment) throws(Failure) {
    place = segment.folder
    count = segment.documents
    let centre = try segment.column(Flat.bitCentre, as: Float.self)
    dimension = centre.count
    self.centre = (0..<centre.count).map { centre[$0] }
    rotation = RandomRotation(dimension: dimension, seed: segment.manifest.seed)
    let rows = try segment.tensor(Flat.bitRows)
    let scales = try segment.tensor(Flat.bitScales)
    let offsets = try segment.tensor(Flat.bitOffsets)
    let blocks = (count + BitRows.block - 1) / BitRows.block
    guard rows.entry.shape[0] == blocks * rotation.width / 8 else {
      throw .data(
        rows.file.path,
        "damaged: \(rows.entry.shape[0]) rows of bits, expected "
          + "\(blocks * rotation.width / 8)")
    }
    owners = [rows.file, scales.file, offsets.file]
    codes = try FlatCodes.base(rows, alignment: 1).assumingMemoryBound(to: UInt8.self)
    self.scales = try FlatCodes.numbers(scales)
    self.offsets = try FlatCodes.numbers(offsets)
    longest = try FlatCodes.longest(segment)
  }

  /// Some queries, as they are compared with these codes; of cosines those of unit length.
  func queries(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) -> BitQueries {
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: dimension, kernels)
    }
    return BitQueries(values, count: count, centre: centre, rotation)
  }

  /// Whether no estimate of these queries overflows.
  func covers(_ queries: BitQueries) -> Bool {
    longest < 0x1p60 && queries.squares.allSatisfy { $0 < 0x1p120 }
  }

  /// Some documents for the kernels; the first begins a block.
  func rows(_ range: Range<Int>) -> BitRows {
    let first = range.lowerBound
    precondition(first % BitRows.block == 0, "bits from document \(first) on")
    return BitRows(
      count: range.count, depth: rotation.width / 8, codes: codes + first * rotation.width / 8,
      scales: scales + first, offsets: offsets + first)
  }

  /// The estimate of one document for the only query: the bits that the kernels give.
  func estimate(_ ordinal: Int, _ query: BitTables) -> Float {
    let (block, member) = ordinal.quotientAndRemainder(dividingBy: BitRows.block)
    let first = codes + block * BitRows.block * query.depth + member
    var sum = 0
    for byte in 0..<query.depth {
      let code = Int(first[BitRows.block * byte])
      sum += Int(query.tables[32 * byte + code % 16])
      sum += Int(query.tables[32 * byte + 16 + code / 16])
    }
    let whole = query.bases[0].addingProduct(Float(sum), query.steps[0])
    return offsets[ordinal].addingProduct(whole, scales[ordinal])
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for one that no code has.
  func check() throws(Failure) {
    if let value = centre.first(where: { !$0.isFinite }) {
      throw .data(place, "damaged: the centre has \(value)")
    }
    for ordinal in 0..<count {
      guard scales[ordinal].isFinite, scales[ordinal] >= 0, offsets[ordinal].isFinite else {
        throw .data(
          place,
          "damaged: the bits of document \(ordinal) have scale \(scales[ordinal]) and "
            + "offset \(offsets[ordinal])")
      }
    }
  }
}

/// Writes the bits of vectors, once all of them are known.
///
/// The centre is the mean of all, so vectors wait in a file that is gone with the process; indexes
/// that are joined give the bits that one build gives.
final class BitWriter {
  private let similarity: Similarity
  private let width: Int
  private let codes: StreamedTensorFile
  private let scales: StreamedTensorFile
  private let offsets: StreamedTensorFile
  private let centreFile: StreamedTensorFile
  private let spool: SpoolFile
  private var sums: [Double]
  private var count = 0
  /// At least the length of the longest vector.
  private(set) var longest: Float = 0

  /// - Throws: 73 where a file cannot be made.
  init(_ writer: IndexWriter, _ similarity: Similarity, width: Int) throws(Failure) {
    self.similarity = similarity
    self.width = width
    codes = try writer.create(Flat.bitRows, columns: BitRows.block)
    scales = try writer.create(Flat.bitScales)
    offsets = try writer.create(Flat.bitOffsets)
    centreFile = try writer.create(Flat.bitCentre)
    spool = try writer.spool()
    sums = [Double](repeating: 0, count: width)
  }

  /// Adds values[documents, width].
  func append(_ values: [Float], _ work: IndexWork) throws(Failure) {
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    for start in stride(from: 0, to: values.count, by: width) {
      for i in 0..<width { sums[i] += Double(values[start + i]) }
    }
    count += values.count / max(width, 1)
    try spool.append(values[...])
  }

  /// Adds the vectors of a segment that keeps them, but for those of deleted documents.
  ///
  /// - Throws: 78 for one that does not.
  func append(contentsOf segment: IndexSegment, _ work: IndexWork) throws(Failure) {
    guard segment.has(Flat.vectors) else {
      throw .config(
        segment.folder, "bits have a centre of their own, and cannot be joined without vectors",
        hint: "build with --originals keep, or build anew from the streams")
    }
    let rows = try segment.tensor(Flat.vectors)
    let scales = rows.entry.type == .i8 ? try segment.tensor(Flat.scales) : nil
    let stored = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, work.kernels)
    let scratch = AlignedBuffer(count: Self.block * width)
    for range in segment.liveRanges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
        let view = stored.rows(
          start..<min(start + Self.block, range.upperBound), scratch: scratch)
        try append(
          Array(UnsafeBufferPointer(start: view.base, count: view.rows * width)), work)
      }
    }
  }

  /// Documents that are coded at a time: whole blocks.
  private static let block = 1024

  /// Writes everything.
  func finish(_ work: IndexWork) throws(Failure) {
    let centre = sums.map { Float($0 / Double(max(count, 1))) }
    try centreFile.append(numbers: centre)
    if count == 0 { return }
    try spool.drain()
    let rotation = RandomRotation(dimension: width, seed: work.seed)
    let size = width * MemoryLayout<Float>.stride
    for start in stride(from: 0, to: count, by: Self.block) {
      var values: [Float] = []
      let end = min(start + Self.block, count)
      var bytes: [UInt8] = []
      try spool.read(start * size..<end * size) { bytes += $0 }
      bytes.withUnsafeBytes { values = Array($0.bindMemory(to: Float.self)) }
      try write(values, centre, rotation, work)
    }
  }

  private func write(
    _ values: [Float], _ centre: [Float], _ rotation: RandomRotation, _ work: IndexWork
  ) throws(Failure) {
    let rows = values.count / width
    let made = Results<BitCode>(rows)
    let (width, similarity) = (width, similarity)
    values.withUnsafeBufferPointer { values in
      work.pool.forEachUnchecked(rows) { row, _ in
        made.set(
          row,
          BitCode(
            UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]),
            centre: centre, rotation, similarity))
      }
    }
    let depth = rotation.width / 8
    for first in stride(from: 0, to: rows, by: BitRows.block) {
      var block = [UInt8](repeating: 0, count: depth * BitRows.block)
      for row in first..<min(first + BitRows.block, rows) {
        let code = made.take(row)
        for byte in 0..<depth { block[byte * BitRows.block + row - first] = code.codes[byte] }
        try scales.append(numbers: [code.scale])
        try offsets.append(numbers: [code.offset])
        longest = max(longest, code.norm)
      }
      try codes.append(numbers: block)
    }
  }
}
