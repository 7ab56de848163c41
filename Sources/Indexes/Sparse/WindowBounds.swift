import Failures
import IndexFormat
import Kernels
import Streams
import Vectors

/// Upper bounds of a query's products with the documents of each window, from the largest weights that
/// its terms have there: a code of a byte each, which is rounded up.
///
/// Source: Mallia et al., Faster Learned Sparse Retrieval with Block-Max Pruning (SIGIR 2024); Carlson
/// et al., Dynamic Superblock Pruning (arXiv 2504.17045), whose superblocks are the windows here.
struct WindowBounds: Sendable {
  private let codes: MappedColumn<UInt8>
  private let scales: MappedColumn<Float>
  private let windows: Int

  /// - Parameters:
  ///   - segment: With bounds.
  ///   - windows: How many windows it has.
  /// - Throws: 65 where the files do not fit the manifest or each other.
  init(_ segment: IndexSegment, windows: Int) throws(Failure) {
    codes = try segment.column(Sparse.bounds, as: UInt8.self)
    scales = try segment.column(Sparse.boundScales, as: Float.self)
    self.windows = windows
    guard codes.count == windows * scales.count else {
      throw .data(segment.folder, "damaged: \(codes.count) bounds of \(windows) windows")
    }
  }

  /// Whether a term's bound in a window is not below what its weights are bounded by.
  func covers(_ window: Int, _ term: Int, _ bound: Float) -> Bool {
    let code = codes[term * windows + window]
    return code == 0 ? bound == 0 : Double(code) * Double(scales[term]) >= Double(bound)
  }

  /// A window and a number that no product of the query with a document there is above.
  struct Bound {
    var window: Int
    var most: Double
  }

  /// The windows in which a term of a query occurs, those of large bounds first.
  ///
  /// - Parameters:
  ///   - query: Terms within the vocabulary.
  ///   - kernels: What adds up.
  ///   - sums: All zero, and so again afterwards.
  /// - Returns: Nil where bounds say nothing: for weights below zero, or scores that may overflow.
  func bounds(
    _ query: SparseVector, _ kernels: Kernels, _ sums: ImpactSums
  ) -> [Bound]? {
    guard windows <= ImpactSums.capacity else { return nil }
    var (size, largest) = (0.0, 0.0)
    for (term, weight) in zip(query.indices, query.values) {
      let scale = scales[Int(term)]
      guard weight >= 0, scale.isFinite else { return nil }
      let step = Double(weight) * Double(scale)
      size += 255 * step
      largest = max(largest, step)
    }
    let count = Double(query.indices.count)
    let room = 0xffff - 4 * count
    guard size < Double(Float.greatestFiniteMagnitude) / 4, room > 0x1000 else { return nil }
    let unit = max(size / room, largest * 512 / 0x7ff0, 1e-300)
    for (term, weight) in zip(query.indices, query.values) {
      let step = Double(weight) * Double(scales[Int(term)]) / unit
      // One more than what was meant, for what is rounded down.
      let scale = ImpactScale(
        base: Int16(truncatingIfNeeded: Int(step.rounded(.up)) + 1),
        factor: Int16((step * 512).rounded(.up)))
      kernels.add(
        codes: codes.bytes(Int(term) * windows..<(Int(term) + 1) * windows), scale, to: sums)
    }
    kernels.take(0..<windows, from: 1, unsigned: true, sums)
    var found: [(sum: UInt16, window: Int)] = []
    found.reserveCapacity(sums.count)
    for index in 0..<sums.count {
      let (window, sum) = sums[index]
      found.append((UInt16(bitPattern: sum), window))
    }
    // Sums in single precision may be above those of real numbers, as little as this.
    let (slack, least) = (1 + count * 0x1p-22, count * 0x1p-120)
    return Self.ordered(found).map {
      Bound(window: $0.window, most: Double($0.sum) * unit * slack + least)
    }
  }

  /// Large sums first, as far as their upper bytes tell: more is not worth the time.
  private static func ordered(
    _ entries: [(sum: UInt16, window: Int)]
  ) -> [(sum: UInt16, window: Int)] {
    var places = [Int](repeating: 0, count: 257)
    for entry in entries { places[256 - Int(entry.sum >> 8)] += 1 }
    for place in 1...256 { places[place] += places[place - 1] }
    var result = entries
    for entry in entries {
      let bucket = 255 - Int(entry.sum >> 8)
      result[places[bucket]] = entry
      places[bucket] += 1
    }
    return result
  }
}

/// Collects the largest weights of terms, window by window, and writes them term by term.
struct WindowBoundWriter {
  private let spool: SpoolFile
  private let terms: Int
  private var windows = 0
  /// Largest weight of each term in all windows; infinite where nothing is known.
  private var largest: [Float]

  /// Terms that are turned round at a time.
  private static let share = 1 << 10

  init(_ spool: SpoolFile, terms: Int) {
    self.spool = spool
    self.terms = terms
    largest = Array(repeating: 0, count: terms)
  }

  /// A bound of the weights of a run; infinite where there is none, or some are below zero.
  static func bound(_ run: ArraySlice<UInt8>, documents: Int) -> Float {
    if run.isEmpty { return 0 }
    return run.withUnsafeBytes { bytes in
      guard let run = ImpactRun(bytes, documents: documents), run.least >= 0 else {
        return .infinity
      }
      return Float(run.most + Double(run.error)).nextUp
    }
  }

  /// Adds a window: the bound of every term.
  ///
  /// - Throws: 74 where the scratch file cannot be written.
  mutating func append(_ bounds: [Float]) throws(Failure) {
    precondition(bounds.count == terms, "bounds of \(bounds.count) terms")
    for (term, bound) in bounds.enumerated() { largest[term] = max(largest[term], bound) }
    try spool.append(bounds[...])
    windows += 1
  }

  /// Calls `take` with the codes of each term in all windows, and what a step of them is worth.
  ///
  /// - Throws: 74 where the scratch file cannot be read, and what `take` throws.
  func finish(_ take: ([UInt8], Float) throws(Failure) -> Void) throws(Failure) {
    try spool.drain()
    for first in stride(from: 0, to: terms, by: Self.share) {
      let range = first..<min(first + Self.share, terms)
      var codes = [UInt8](repeating: 0, count: range.count * windows)
      let scales = range.map { scale(largest[$0]) }
      for window in 0..<windows {
        let start = 4 * (window * terms + first)
        var bytes: [UInt8] = []
        try spool.read(start..<start + 4 * range.count) { bytes += $0 }
        bytes.withUnsafeBytes { bytes in
          for place in 0..<range.count {
            let bound = bytes.loadUnaligned(fromByteOffset: 4 * place, as: Float.self)
            codes[place * windows + window] = code(bound, scales[place])
          }
        }
      }
      for place in 0..<range.count {
        try take(Array(codes[place * windows..<(place + 1) * windows]), scales[place])
      }
    }
  }

  /// What a step is worth: 255 of them reach the largest bound.
  private func scale(_ largest: Float) -> Float {
    largest > 0 ? (largest / 255).nextUp.nextUp : 0
  }

  private func code(_ bound: Float, _ scale: Float) -> UInt8 {
    if bound == 0 { return 0 }
    guard scale.isFinite else { return 255 }
    return UInt8(max(1, min(255, (Double(bound) / Double(scale)).rounded(.up))))
  }
}
