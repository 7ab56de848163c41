import Failures
import IndexFormat
import Records

extension TermPostings {
  /// Reads everything.
  ///
  /// - Throws: 65 where terms or documents do not ascend, or numbers contradict each other.
  func check() throws(Failure) {
    var counted = [Int](repeating: 0, count: documents)
    // Vectors are not in memory: what they must be is kept as a sum over each document's postings.
    var marks = [UInt64](repeating: 0, count: documents)
    for term in 0..<count {
      if term > 0 {
        let ascends = try withTerm(term - 1) { a throws(Failure) in
          try withTerm(term) { b in ByteOrder.compare(a, b) < 0 }
        }
        guard ascends else { throw damaged("term \(term) is out of order") }
      }
      let (found, frequencies) = try all(term)
      try checkBounds(term, found, frequencies)
      for (document, frequency) in zip(found, frequencies) {
        counted[Int(document)] += Int(frequency)
        marks[Int(document)] &+= Self.mark(term, Int(frequency))
      }
    }
    for document in counted.indices {
      let length = Int(lengths[document])
      guard length >= 0, lengthsAreGiven || counted[document] == length,
        lengthBytes[document] == DocumentLength.byte(length)
      else { throw damaged("the length of document \(document)") }
    }
    try check(vectorsLike: marks)
    let all = (0..<documents).map { Int(lengths[$0]) }
    try checkNumbers(filled: all.count { $0 > 0 }, total: all.reduce(0, +))
  }

  /// A number that stands for a posting; sums of them tell different sets apart.
  private static func mark(_ term: Int, _ frequency: Int) -> UInt64 {
    // Source: the finaliser of SplitMix64.
    var mark = UInt64(term) << 32 &+ UInt64(frequency) &+ 0x9E37_79B9_7F4A_7C15
    mark = (mark ^ mark >> 30) &* 0xBF58_476D_1CE4_E5B9
    mark = (mark ^ mark >> 27) &* 0x94D0_49BB_1331_11EB
    return mark ^ mark >> 31
  }

  /// Reads the documents' vectors, where there are any.
  private func check(vectorsLike marks: [UInt64]) throws(Failure) {
    guard let vectors = try storedVectors() else { return }
    for document in marks.indices {
      var mark: UInt64 = 0
      for (term, frequency) in try vectors.terms(of: document) {
        mark &+= Self.mark(term, frequency)
      }
      guard mark == marks[document] else { throw vectors.damaged(document) }
    }
  }

  /// Checks that every posting has a pair that bounds it.
  private func checkBounds(
    _ term: Int, _ found: [Int32], _ frequencies: [Int32]
  ) throws(Failure) {
    let list = try list(term)
    if list.blocks == 1 { return }
    var isBounded = true
    let isWhole = list.forEachBlock { block, _, pairs in
      let start = PackedBlock.count * block
      for place in start..<start + list.count(of: block) {
        let (frequency, length) = (min(frequencies[place], 255), lengthBytes[Int(found[place])])
        let hasPair = stride(from: 0, to: pairs.count, by: 2)
          .contains { Int32(pairs[$0]) >= frequency && pairs[$0 + 1] <= length }
        if !hasPair { isBounded = false }
      }
    }
    guard isWhole, isBounded else { throw damaged("the bounds of term \(term)") }
  }
}
