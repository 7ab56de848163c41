/// Where the postings of one term lie: blocks of 128, and the rest in a block of its own.
///
/// Their number comes first. Up to 128 are one block, in bytes: the distance to the document before,
/// less one, doubled, plus one where the term is there more than once: then the number of times less
/// two follows.
///
/// More have a directory: the number of its pairs; the last document of each block; the bits of each
/// block's distances, of its frequencies, and the number of its pairs; the pairs. Then come the blocks,
/// packed but for the last one, if that has less than 128. A pair is a frequency, 255 for that or more,
/// and the byte of a length: every posting of the block has a pair with no smaller frequency and no
/// greater length. So whatever scores make of the two, the best pair bounds all.
struct PostingList {
  /// Number of postings.
  let count: Int
  let blocks: Int
  private let pairTotal: Int
  private let directory: UnsafeRawPointer
  private let data: UnsafeRawBufferPointer

  /// Bytes of the directory for a block, besides its pairs.
  private static let entrySize = 7

  /// A list that lies somewhere; nil where there is none.
  ///
  /// - Parameter bytes: All bytes of the list, which must outlive it.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var place = 0
    guard let count = VariableBytes.read(bytes, &place), count > 0, let base = bytes.baseAddress
    else { return nil }
    self.count = Int(count)
    blocks = (self.count + PackedBlock.count - 1) / PackedBlock.count
    if blocks == 1 {
      (pairTotal, directory) = (0, base)
    } else {
      guard let pairs = VariableBytes.read(bytes, &place) else { return nil }
      (pairTotal, directory) = (Int(pairs), base + place)
      place += Self.entrySize * blocks + 2 * pairTotal
      guard place <= bytes.count else { return nil }
    }
    data = UnsafeRawBufferPointer(rebasing: bytes[place...])
  }

  /// Number of postings of a block.
  @inline(__always)
  func count(of block: Int) -> Int {
    min(PackedBlock.count, count - block * PackedBlock.count)
  }

  /// The last document of a block of several.
  @inline(__always)
  func last(of block: Int) -> UInt32 {
    (directory + 4 * block).loadUnaligned(as: UInt32.self)
  }

  @inline(__always)
  private func byte(_ column: Int, _ block: Int) -> Int {
    Int(directory.load(fromByteOffset: (4 + column) * blocks + block, as: UInt8.self))
  }

  /// Calls `body` for each block of several with where it starts, and with its pairs.
  ///
  /// - Returns: Whether the blocks fit the bytes.
  func forEachBlock(_ body: (_ block: Int, _ start: Int, _ pairs: UnsafeRawBufferPointer) -> Void)
    -> Bool
  {
    var pairs = Self.entrySize * blocks
    let end = pairs + 2 * pairTotal
    var start = 0
    for block in 0..<blocks {
      let size = 2 * byte(2, block)
      guard pairs + size <= end else { return false }
      body(block, start, UnsafeRawBufferPointer(start: directory + pairs, count: size))
      pairs += size
      if count(of: block) == PackedBlock.count {
        guard byte(0, block) <= 32, byte(1, block) <= 32 else { return false }
        start += PackedBlock.size(bits: byte(0, block) + byte(1, block))
      }
      guard start <= data.count else { return false }
    }
    return pairs == end
  }

  /// Reads a block.
  ///
  /// - Parameters:
  ///   - block: Which one.
  ///   - start: Where it starts, as `forEachBlock` says.
  ///   - documents: Room for 128; they ascend where the bytes are whole.
  ///   - frequencies: Room for 128.
  /// - Returns: Whether that many postings were there.
  @inline(__always)
  func read(
    _ block: Int, at start: Int, _ documents: UnsafeMutablePointer<UInt32>,
    _ frequencies: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    let before = block == 0 ? UInt32.max : last(of: block - 1)
    let count = count(of: block)
    guard count == PackedBlock.count, blocks > 1 else {
      return readBytes(count, at: start, after: before, documents, frequencies)
    }
    let (bits, frequencyBits) = (byte(0, block), byte(1, block))
    guard let base = data.baseAddress else { return false }
    PackedBlock.unpackAscending(base + start, bits: bits, after: before, into: documents)
    let frequencyBase = base + start + PackedBlock.size(bits: bits)
    PackedBlock.unpack(frequencyBase, bits: frequencyBits, into: frequencies)
    return documents[count - 1] == last(of: block)
  }

  private func readBytes(
    _ count: Int, at start: Int, after before: UInt32, _ documents: UnsafeMutablePointer<UInt32>,
    _ frequencies: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    var place = start
    var document = before
    for i in 0..<count {
      guard let code = VariableBytes.read(data, &place) else { return false }
      document = document &+ (code >> 1) &+ 1
      documents[i] = document
      // Like packed ones, frequencies are less one.
      frequencies[i] = 0
      if code & 1 == 1 {
        guard let more = VariableBytes.read(data, &place) else { return false }
        frequencies[i] = more &+ 1
      }
    }
    return true
  }
}

/// Writes the postings of one term after the other.
struct PostingListEncoder {
  /// The byte of each document's length.
  private let lengths: [UInt8]
  private var lasts: [UInt32] = []
  private var bits: [UInt8] = []
  private var frequencyBits: [UInt8] = []
  private var pairCounts: [UInt8] = []
  private var pairs: [UInt8] = []
  private var data: [UInt8] = []

  init(lengths: [UInt8]) { self.lengths = lengths }

  /// The bytes of a term.
  ///
  /// - Parameters:
  ///   - documents: They ascend.
  ///   - frequencies: As many, from 1 up.
  /// - Returns: The bytes as the file of postings holds them.
  mutating func encode(_ documents: [Int32], _ frequencies: [Int32]) -> [UInt8] {
    precondition(!documents.isEmpty && documents.count == frequencies.count, "postings of a term")
    data.removeAll(keepingCapacity: true)
    var bytes: [UInt8] = []
    VariableBytes.append(UInt32(documents.count), to: &bytes)
    if documents.count <= PackedBlock.count {
      append(documents[...], frequencies[...], after: -1)
      return bytes + data
    }
    lasts.removeAll(keepingCapacity: true)
    bits.removeAll(keepingCapacity: true)
    frequencyBits.removeAll(keepingCapacity: true)
    pairCounts.removeAll(keepingCapacity: true)
    pairs.removeAll(keepingCapacity: true)
    for start in stride(from: 0, to: documents.count, by: PackedBlock.count) {
      let range = start..<min(start + PackedBlock.count, documents.count)
      let before = start == 0 ? -1 : documents[start - 1]
      lasts.append(UInt32(documents[range.upperBound - 1]))
      appendPairs(documents[range], frequencies[range])
      if range.count == PackedBlock.count {
        pack(documents[range], frequencies[range], after: before)
      } else {
        bits.append(0)
        frequencyBits.append(0)
        append(documents[range], frequencies[range], after: before)
      }
    }
    VariableBytes.append(UInt32(pairs.count / 2), to: &bytes)
    for last in lasts { withUnsafeBytes(of: last.littleEndian) { bytes += $0 } }
    return bytes + bits + frequencyBits + pairCounts + pairs + data
  }

  private mutating func append(
    _ documents: ArraySlice<Int32>, _ frequencies: ArraySlice<Int32>, after before: Int32
  ) {
    var last = before
    for (document, frequency) in zip(documents, frequencies) {
      let distance = UInt32(document - last - 1) << 1
      VariableBytes.append(frequency > 1 ? distance | 1 : distance, to: &data)
      if frequency > 1 { VariableBytes.append(UInt32(frequency - 2), to: &data) }
      last = document
    }
  }

  private mutating func pack(
    _ documents: ArraySlice<Int32>, _ frequencies: ArraySlice<Int32>, after before: Int32
  ) {
    var distances: [UInt32] = []
    var last = before
    for document in documents {
      distances.append(UInt32(document - last - 1))
      last = document
    }
    let rest = frequencies.map { UInt32($0 - 1) }
    bits.append(UInt8(PackedBlock.bits(distances)))
    frequencyBits.append(UInt8(PackedBlock.bits(rest)))
    PackedBlock.pack(distances, bits: Int(bits[bits.count - 1]), to: &data)
    PackedBlock.pack(rest, bits: Int(frequencyBits[frequencyBits.count - 1]), to: &data)
  }

  /// Adds the pairs that no other pair of the block has beaten: the shorter the document, the fewer
  /// times suffice.
  private mutating func appendPairs(
    _ documents: ArraySlice<Int32>, _ frequencies: ArraySlice<Int32>
  ) {
    let all = zip(documents, frequencies)
      .map { (frequency: UInt8(min($1, 255)), length: lengths[Int($0)]) }
      .sorted { $0.length != $1.length ? $0.length < $1.length : $0.frequency > $1.frequency }
    var most: UInt8 = 0
    var count: UInt8 = 0
    for pair in all where pair.frequency > most {
      pairs += [pair.frequency, pair.length]
      most = pair.frequency
      count += 1
    }
    pairCounts.append(count)
  }
}
