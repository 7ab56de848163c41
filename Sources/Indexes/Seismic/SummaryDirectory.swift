/// The summaries of a list's clusters, term by term: which clusters have a term in their summaries, and
/// with what code.
///
/// The bytes are blocks of 32 terms, the last one of fewer: of each the number of its first term and how
/// many entries are in front of it, four bytes each. Then come two bytes a term, which are the distance
/// to the number of the term before in its block, and how many entries it has; and then two bytes an
/// entry, the distance to the cluster of the entry before of the same term, or the cluster of the first
/// one, and the code. Where a distance is above 255, terms of no entry and entries of code zero, which
/// say nothing, stand between; a term of more than 255 entries is there more than once.
///
/// Unchecked reads are within the bytes: the initialiser compares their sizes.
struct SummaryDirectory {
  private let terms: Int
  private let entries: Int
  private let blocks: UnsafeRawPointer
  private let termsAt: UnsafeRawPointer
  private let entriesAt: UnsafeRawPointer

  private static let block = 32
  /// No entry's cluster is as large, whatever the bytes say.
  static let reach = 1 << 16

  /// - Parameters:
  ///   - bytes: They may be followed by some zeros.
  ///   - terms: How many terms there are.
  ///   - entries: How many entries.
  init?(_ bytes: UnsafeRawBufferPointer, terms: Int, entries: Int) {
    let blocks = (terms + Self.block - 1) / Self.block
    let size = 8 * blocks + 2 * terms + 2 * entries
    guard size <= bytes.count, bytes.count - size < 4 else { return nil }
    self.terms = terms
    self.entries = entries
    // Nothing is read of no bytes.
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
    self.blocks = base
    termsAt = base + 8 * blocks
    entriesAt = termsAt + 2 * terms
  }

  @inline(__always)
  private func first(_ block: Int) -> Int {
    Int(blocks.loadUnaligned(fromByteOffset: 8 * block, as: UInt32.self))
  }

  @inline(__always)
  private func entriesBefore(_ block: Int) -> Int {
    Int(blocks.loadUnaligned(fromByteOffset: 8 * block + 4, as: UInt32.self))
  }

  /// A distance and a number behind it.
  @inline(__always)
  private func pair(_ base: UnsafeRawPointer, _ place: Int) -> (step: Int, value: UInt8) {
    let pair = base.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self).littleEndian
    return (Int(pair & 255), UInt8(pair >> 8))
  }

  /// Adds the products of a query with all summaries, in units of their codes.
  ///
  /// - Parameters:
  ///   - numbers: Of the query's terms, ascending.
  ///   - weights: As many.
  ///   - sums: A number for each cluster, which is added to: `reach` of them.
  func add(
    _ numbers: [Int32], _ weights: [Float], to sums: UnsafeMutablePointer<Float>
  ) {
    if terms == 0 { return }
    let blocks = (terms + Self.block - 1) / Self.block
    var low = 0
    for (wanted, weight) in zip(numbers, weights) {
      // The last block that begins below, by halves of the rest, or the first one.
      var size = blocks - low
      while size > 1 {
        let half = size / 2
        if first(low + half) < Int(wanted) {
          low += half
          size -= half
        } else {
          size = half
        }
      }
      find(Int(wanted), from: low) { start, count in
        var cluster = 0
        for entry in start..<min(start + count, entries) {
          let (step, code) = pair(entriesAt, entry)
          cluster += step
          sums[cluster] += weight * Float(code)
        }
      }
    }
  }

  /// Calls `take` with the entries of a term, which is in a block or behind it, as often as the term is
  /// there.
  @inline(__always)
  private func find(_ wanted: Int, from block: Int, _ take: (_ start: Int, _ count: Int) -> Void) {
    var place = Self.block * block
    var (number, start) = (0, min(entriesBefore(block), entries))
    while place < terms {
      let (step, count) = pair(termsAt, place)
      number = place % Self.block == 0 ? first(place / Self.block) : number + step
      if number > wanted { return }
      if number == wanted { take(min(start, entries), Int(count)) }
      start += Int(count)
      place += 1
    }
  }

  /// What is wrong with the summaries of so many clusters by so many terms; nil for nothing.
  func fault(clusters: Int, dimension: Int) -> String? {
    var (number, start) = (0, 0)
    for place in 0..<terms {
      let (step, count) = pair(termsAt, place)
      if place % Self.block == 0 {
        guard first(place / Self.block) >= number, entriesBefore(place / Self.block) == start else {
          return "blocks of terms that do not follow each other"
        }
        number = first(place / Self.block)
      } else {
        number += step
      }
      guard start + Int(count) <= entries else { return "entries that are missing" }
      guard count == 0 || number < dimension else { return "a term that is none" }
      var cluster = 0
      for entry in start..<start + Int(count) { cluster += pair(entriesAt, entry).step }
      guard count == 0 || cluster < clusters else { return "summaries of no cluster" }
      start += Int(count)
    }
    return start == entries ? nil : "entries of no term"
  }
}

extension SummaryDirectory {
  /// The bytes of summaries.
  ///
  /// - Parameter all: Entries by number and then by cluster.
  /// - Returns: The bytes, and how many terms and entries are in them.
  static func bytes(
    of all: [ListSummaries.Entry]
  ) -> (bytes: [UInt8], terms: Int, entries: Int) {
    var (blocks, terms, entries): ([UInt32], [UInt8], [UInt8]) = ([], [], [])
    var last = 0
    func append(_ number: Int, entries before: Int, count: Int) {
      while true {
        if terms.count / 2 % block == 0 {
          blocks += [UInt32(number), UInt32(before)]
          last = number
        }
        let step = min(255, number - last)
        last += step
        terms += [UInt8(step), UInt8(last == number ? count : 0)]
        if last == number { return }
      }
    }
    var place = 0
    while place < all.count {
      let number = all[place].number
      let before = entries.count / 2
      var cluster = 0
      while place < all.count, all[place].number == number {
        let next = Int(all[place].cluster)
        // The first entry of a run always has room: see `ListClusters.most`.
        guard entries.count / 2 - before + (next - cluster) / 255 < 255 else { break }
        while next - cluster > 255 {
          entries += [255, 0]
          cluster += 255
        }
        entries += [UInt8(next - cluster), all[place].code]
        cluster = next
        place += 1
      }
      append(Int(number), entries: before, count: entries.count / 2 - before)
    }
    var bytes: [UInt8] = []
    for number in blocks {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return (bytes + terms + entries, terms.count / 2, entries.count / 2)
  }
}
