import Failures
import Retrieval
import Workers

/// An order of documents in which those with the same terms are near each other, by recursive bisection.
///
/// A range of documents is cut into halves, and documents change sides in pairs as long as that makes
/// the gaps between the documents of a term cheaper, by a model of their logarithms; then each half is
/// cut. All sums are of integers, and the first order is that of the documents: the result depends on
/// the vectors alone.
///
/// Source: Dhulipala et al., Compressing Graphs and Indexes with Recursive Graph Bisection
/// (arXiv 1602.08820), section 3.
struct BisectionOrder {
  private let vectors: DocumentVectors
  private let pool: WorkerPool
  /// Bytes of vectors that may lie in memory.
  private let memory: Int

  /// Ranges that are not cut.
  private static let leaf = 64
  /// Rounds of changing sides.
  private static let rounds = 16

  /// - Parameters:
  ///   - vectors: The documents.
  ///   - pool: What works on the ranges of a level.
  ///   - memory: Bytes of vectors that may lie in memory; on it the order does not depend.
  init(_ vectors: DocumentVectors, _ pool: WorkerPool, memory: Int = .max) {
    self.vectors = vectors
    self.pool = pool
    self.memory = memory
  }

  /// The documents in their new order.
  func documents() -> [Int32] {
    var order = (0..<Int32(vectors.count)).map { $0 }
    let (vectors, logarithms) = (vectors, BinaryLogarithms())
    let share = memory / pool.threads
    let scratch = WorkerLocal(pool) { Bisection(vectors, logarithms, memory: share) }
    order.withUnsafeMutableBufferPointer { order in
      var ranges = [0..<order.count]
      while true {
        ranges = ranges.filter { $0.count > Self.leaf }
        if ranges.isEmpty { break }
        let parts = ranges.map { UnsafeMutableBufferPointer(rebasing: order[$0]) }
        pool.forEachUnchecked(parts.count) { index, worker in
          scratch.with(worker) { $0.cut(parts[index], rounds: Self.rounds) }
        }
        ranges = ranges.flatMap { range in
          let middle = range.lowerBound + range.count / 2
          return [range.lowerBound..<middle, middle..<range.upperBound]
        }
      }
    }
    vectors.discard()
    return order
  }
}

/// Logarithms of base 2 of positive integers, in steps of 2^-12, from integers alone.
struct BinaryLogarithms: Sendable {
  /// Logarithms of 1 + i / 2^12.
  private let fractions: [Int32]

  init() {
    fractions = (0..<1 << 12).map { index in
      // The mantissa is squared again and again: each time it reaches 2, a bit of the logarithm is 1.
      var mantissa = UInt64(1 << 12 + index) << 19
      var bits: Int32 = 0
      for _ in 0..<12 {
        mantissa = (mantissa * mantissa) >> 31
        bits <<= 1
        if mantissa >= 1 << 32 {
          mantissa >>= 1
          bits |= 1
        }
      }
      return bits
    }
  }

  func callAsFunction(_ number: Int) -> Int {
    let exponent = Int.bitWidth - 1 - number.leadingZeroBitCount
    let mantissa = exponent >= 12 ? number >> (exponent - 12) : number << (12 - exponent)
    return exponent << 12 + Int(fractions[mantissa - 1 << 12])
  }
}

/// Cuts one range of documents after the other; memory that is used again.
///
/// Not `Sendable`: a worker has its own.
private final class Bisection {
  private let vectors: DocumentVectors
  private let logarithms: BinaryLogarithms
  /// Documents with each term on both sides.
  private var left: [Int32]
  private var right: [Int32]
  /// What is gained where a document with the term leaves its side.
  private var gains: (fromLeft: [Int], fromRight: [Int])
  /// Terms of the range.
  private var terms: [Int32] = []
  /// Bytes of vectors that may lie in memory, and that do at most, of those that were read here.
  private let memory: Int
  private var mapped = 0
  /// Where the last vector ends that was read.
  private var last = 0

  /// Linux maps so many bytes round one that is read.
  private static let reach = 1 << 16

  init(_ vectors: DocumentVectors, _ logarithms: BinaryLogarithms, memory: Int) {
    self.vectors = vectors
    self.logarithms = logarithms
    self.memory = memory
    left = Array(repeating: 0, count: vectors.dimension)
    right = left
    gains = (Array(repeating: 0, count: left.count), Array(repeating: 0, count: left.count))
  }

  /// Orders a range so that its first half and the rest are two sides.
  func cut(_ documents: UnsafeMutableBufferPointer<Int32>, rounds: Int) {
    let half = documents.count / 2
    count(documents, half)
    for _ in 0..<rounds {
      computeGains(half, documents.count - half)
      var first = leaving(documents, 0..<half, gains.fromLeft)
      var second = leaving(documents, half..<documents.count, gains.fromRight)
      var swaps = 0
      while swaps < min(first.count, second.count),
        first[swaps].gain + second[swaps].gain > 0
      {
        let (a, b) = (first[swaps].document, second[swaps].document)
        for place in vectors.range(Int(a)) { move(vectors.term(place), from: &left, to: &right) }
        for place in vectors.range(Int(b)) { move(vectors.term(place), from: &right, to: &left) }
        (first[swaps].document, second[swaps].document) = (b, a)
        swaps += 1
      }
      for (place, entry) in first.enumerated() { documents[place] = entry.document }
      for (place, entry) in second.enumerated() { documents[half + place] = entry.document }
      // What a few more would gain is not worth a round.
      if swaps <= documents.count / 256 { break }
    }
    for term in terms { (left[Int(term)], right[Int(term)]) = (0, 0) }
    terms.removeAll(keepingCapacity: true)
    var documents = documents
    documents[..<half].sort()
    documents[half...].sort()
  }

  /// Places of a vector that is read in passing; now and then the memory of those before is given back.
  private func passing(_ document: Int32) -> Range<Int> {
    let range = vectors.range(Int(document))
    let step = range.lowerBound - last
    mapped += vectors.termSize * (range.count + (step < 0 ? Self.reach : min(step, Self.reach)))
    last = range.upperBound
    if mapped > memory {
      vectors.discard()
      mapped = 0
    }
    return range
  }

  private func move(_ term: Int, from: inout [Int32], to: inout [Int32]) {
    from[term] -= 1
    to[term] += 1
  }

  private func count(_ documents: UnsafeMutableBufferPointer<Int32>, _ half: Int) {
    for (place, document) in documents.enumerated() {
      for entry in passing(document) {
        let term = vectors.term(entry)
        if left[term] == 0, right[term] == 0 { terms.append(Int32(term)) }
        if place < half { left[term] += 1 } else { right[term] += 1 }
      }
    }
  }

  private func computeGains(_ first: Int, _ second: Int) {
    let (logFirst, logSecond) = (logarithms(first), logarithms(second))
    func cost(_ a: Int, _ b: Int) -> Int {
      a * (logFirst - logarithms(a + 1)) + b * (logSecond - logarithms(b + 1))
    }
    for term in terms {
      let (a, b) = (Int(left[Int(term)]), Int(right[Int(term)]))
      let now = cost(a, b)
      gains.fromLeft[Int(term)] = a > 0 ? now - cost(a - 1, b + 1) : 0
      gains.fromRight[Int(term)] = b > 0 ? now - cost(a + 1, b - 1) : 0
    }
  }

  /// Documents of a side, those first that gain most by leaving it.
  private func leaving(
    _ documents: UnsafeMutableBufferPointer<Int32>, _ range: Range<Int>, _ gains: [Int]
  ) -> [(document: Int32, gain: Int)] {
    var entries: [(document: Int32, gain: Int)] = []
    entries.reserveCapacity(range.count)
    gains.withUnsafeBufferPointer { gains in
      for place in range {
        let document = documents[place]
        var gain = 0
        for entry in passing(document) { gain += gains[vectors.term(entry)] }
        entries.append((document, gain))
      }
    }
    entries.sort { $0.gain != $1.gain ? $0.gain > $1.gain : $0.document < $1.document }
    return entries
  }
}
