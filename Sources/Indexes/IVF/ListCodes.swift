import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors

/// Codes of what is left of vectors without the centroids of their lists, from which scores are
/// estimated.
///
/// Unchecked: the pointers lead into files that `owners` keep mapped, and nobody writes there.
struct ListCodes: @unchecked Sendable {
  let coder: ResidualCoder
  private let codes: UnsafePointer<UInt8>
  private let scales: UnsafePointer<Float>
  private let offsets: UnsafePointer<Float>
  private let count: Int
  /// The block at which each list begins.
  private let blocks: [Int]
  private let owners: [SafeTensorsFile]
  private let place: String

  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ lists: InvertedLists, _ kernels: Kernels = Kernels()
  ) throws(Failure) {
    place = segment.folder
    count = lists.vectors
    guard let coder = try ListCodebook.coder(of: segment, dimension: lists.dimension, kernels)
    else {
      throw .data(segment.folder, "damaged: codes without what they were made by")
    }
    self.coder = coder
    var blocks = [0]
    for list in 0..<lists.count {
      blocks.append(blocks[list] + (lists.range(list).count + BitRows.block - 1) / BitRows.block)
    }
    self.blocks = blocks
    let rows = try segment.tensor(IVF.estimates)
    let scales = try segment.tensor(IVF.estimateScales)
    let offsets = try segment.tensor(IVF.estimateOffsets)
    let expected = (blocks.last ?? 0) * coder.depth
    guard rows.entry.shape[0] == expected else {
      throw .data(
        rows.file.path, "damaged: \(rows.entry.shape[0]) rows of codes, expected \(expected)")
    }
    owners = [rows.file, scales.file, offsets.file]
    codes = try FlatCodes.base(rows, alignment: 1).assumingMemoryBound(to: UInt8.self)
    self.scales = try FlatCodes.numbers(scales)
    self.offsets = try FlatCodes.numbers(offsets)
  }

  /// Finds documents of a list whose estimates are not below a threshold.
  ///
  /// - Parameters:
  ///   - range: The documents; the first begins a block.
  ///   - list: Their list.
  ///   - start: The first document of the list.
  ///   - query: The query.
  ///   - threshold: Documents below it are not found.
  ///   - room: Scratch memory.
  ///   - kernels: What looks up.
  ///   - found: Gets documents with their estimates.
  @inline(__always)
  func scan(
    _ range: Range<Int>, of list: Int, from start: Int, _ query: EstimateQuery, threshold: Float,
    _ room: FlatRoom, _ kernels: Kernels, _ found: (Int, Float) -> Void
  ) {
    let depth = coder.depth
    let first =
      codes + (blocks[list] + (range.lowerBound - start) / BitRows.block) * depth
      * BitRows.block
    switch query.form {
    case .halves(let tables):
      kernels.scan(
        BitRows(
          count: range.count, depth: depth, codes: first, scales: scales + range.lowerBound,
          offsets: offsets + range.lowerBound),
        tables, threshold: threshold, into: room.results)
      let results = room.results
      for place in 0..<results.count {
        let (row, _, estimate) = results[place]
        found(range.lowerBound + row, estimate)
      }
    case .bytes(let products):
      products.withUnsafeBufferPointer { products in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: BitRows.block) {
          let block = first + (start - range.lowerBound) * depth
          Self.sum(block, products, depth, room.scores.pointer)
          for ordinal in start..<min(start + BitRows.block, range.upperBound) {
            let sum = room.scores.pointer[ordinal - start]
            let estimate = offsets[ordinal] + sum * scales[ordinal]
            if estimate >= threshold || !estimate.isFinite { found(ordinal, estimate) }
          }
        }
      }
    }
  }

  /// Asks for the codes of a list, or for their beginning, and for what belongs to them.
  func fetch(_ list: Int, _ range: Range<Int>) {
    let bytes = (blocks[list + 1] - blocks[list]) * coder.depth * BitRows.block
    Kernels.prefetch(codes + blocks[list] * coder.depth * BitRows.block, min(bytes, Self.fetched))
    let numbers = min(range.count * MemoryLayout<Float>.stride, Self.fetched)
    Kernels.prefetch(scales + range.lowerBound, numbers)
    Kernels.prefetch(offsets + range.lowerBound, numbers)
  }

  /// Bytes behind which the processor asks for more by itself.
  private static let fetched = 2048

  /// Sums of what the codes of a block look up, each over its bytes in order.
  private static func sum(
    _ codes: UnsafePointer<UInt8>, _ products: UnsafeBufferPointer<Float>, _ depth: Int,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    sums.update(repeating: 0, count: BitRows.block)
    guard let table = products.baseAddress else { return }
    for byte in 0..<depth {
      let (own, row) = (table + 256 * byte, codes + BitRows.block * byte)
      for lane in 0..<BitRows.block { sums[lane] += own[Int(row[lane])] }
    }
  }

  private static func estimate(
    _ code: UnsafePointer<UInt8>, _ products: UnsafeBufferPointer<Float>, _ depth: Int,
    _ scale: Float, _ offset: Float
  ) -> Float {
    var sum: Float = 0
    for byte in 0..<depth { sum += products[256 * byte + Int(code[BitRows.block * byte])] }
    return offset + sum * scale
  }

  /// The code of a document of a list that begins at `start`.
  func code(_ ordinal: Int, of list: Int, from start: Int) -> ResidualCoder.Code {
    let first = place(of: ordinal, list, start)
    return ResidualCoder.Code(
      bytes: (0..<coder.depth).map { first[BitRows.block * $0] }, scale: scales[ordinal],
      offset: offsets[ordinal])
  }

  private func place(of ordinal: Int, _ list: Int, _ start: Int) -> UnsafePointer<UInt8> {
    let (block, member) = (ordinal - start).quotientAndRemainder(dividingBy: BitRows.block)
    return codes + (blocks[list] + block) * coder.depth * BitRows.block + member
  }

  /// The estimate of one document: what a scan gives, without the steps of product codes of four bits.
  func estimate(
    _ ordinal: Int, of list: Int, from start: Int, _ query: EstimateQuery
  ) -> Float {
    let first = place(of: ordinal, list, start)
    switch query.form {
    case .bytes(let products):
      return products.withUnsafeBufferPointer {
        Self.estimate(first, $0, coder.depth, scales[ordinal], offsets[ordinal])
      }
    case .halves where !query.products.isEmpty:
      var sum: Float = 0
      for part in 0..<query.products.count / 16 {
        let code = Int(first[BitRows.block * (part / 2)])
        sum += query.products[16 * part + (part % 2 == 0 ? code % 16 : code / 16)]
      }
      return offsets[ordinal] + sum * scales[ordinal]
    case .halves(let tables):
      var sum = 0
      for byte in 0..<coder.depth {
        let code = Int(first[BitRows.block * byte])
        sum += Int(tables.tables[32 * byte + code % 16])
        sum += Int(tables.tables[32 * byte + 16 + code / 16])
      }
      let whole = tables.bases[0].addingProduct(Float(sum), tables.steps[0])
      return offsets[ordinal].addingProduct(whole, scales[ordinal])
    }
  }

  /// Reads all numbers.
  ///
  /// - Throws: 65 for one that no code has.
  func check() throws(Failure) {
    for ordinal in 0..<count {
      guard scales[ordinal].isFinite, scales[ordinal] >= 0, offsets[ordinal].isFinite else {
        throw .data(
          place,
          "damaged: the code of document \(ordinal) has scale \(scales[ordinal]) and "
            + "offset \(offsets[ordinal])")
      }
    }
  }
}

/// Writes codes for estimates, list by list.
final class ListCodeWriter {
  private let codes: StreamedTensorFile
  private let scales: StreamedTensorFile
  private let offsets: StreamedTensorFile
  private let depth: Int
  /// Codes of the block that is being filled, byte by byte of 32 documents.
  private var block: [UInt8]
  private var filled = 0

  /// - Throws: 73 where a file cannot be made.
  init(_ writer: IndexWriter, depth: Int) throws(Failure) {
    self.depth = depth
    codes = try writer.create(IVF.estimates, columns: BitRows.block)
    scales = try writer.create(IVF.estimateScales)
    offsets = try writer.create(IVF.estimateOffsets)
    block = [UInt8](repeating: 0, count: depth * BitRows.block)
  }

  /// Adds a document to the list.
  func append(_ code: ResidualCoder.Code) throws(Failure) {
    for byte in 0..<depth { block[byte * BitRows.block + filled] = code.bytes[byte] }
    filled += 1
    try scales.append(numbers: [code.scale])
    try offsets.append(numbers: [code.offset])
    if filled == BitRows.block { try endList() }
  }

  /// Ends a list, whose last block may not be full.
  func endList() throws(Failure) {
    if filled == 0 { return }
    try codes.append(numbers: block)
    for place in block.indices { block[place] = 0 }
    filled = 0
  }
}
