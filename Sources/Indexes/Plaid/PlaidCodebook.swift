import Clustering
import Kernels
import Streams
import Vectors
import Workers

/// Centroids of vectors, and the codec of what is left beside them.
///
/// A centroid is what its bytes stand for, so that a query of bytes has its product without another
/// error. Where vectors belong to tokens, frequent tokens have centroids of their own: a vector is
/// compared with those of its token alone, or with those that all other tokens share (TACHIOM,
/// arXiv:2604.28142).
struct PlaidCodebook: Sendable {
  let codec: ResidualCodec
  /// codes[count, width] of the centroids.
  let codes: [Int8]
  /// What the codes of each are multiplied by.
  let scales: [Float]
  /// Mean length of the vectors of each, which is more than its own: a mean is shorter than what it is
  /// the mean of.
  ///
  /// None in an index of an earlier release, which took the centroids' own.
  let lengths: [Float]
  /// Tokens with centroids of their own, ascending.
  let tokens: [Int32]
  /// Where the centroids of each group begin, and where the last ones end: those of all other tokens
  /// first, then those of each of `tokens`.
  let starts: [Int32]
  /// Sixteen numbers, ascending, one of which a decoded vector is multiplied by.
  let factors: [Float]
  /// Mean square of what was left of the vectors that the codebook was made from.
  let spread: Float
  /// At least the length of the longest centroid: known once, since each query's bound asks for it.
  let longest: Float

  var count: Int { scales.count }
  var width: Int { codec.width }

  init(
    codec: ResidualCodec, codes: [Int8], scales: [Float], lengths: [Float], tokens: [Int32],
    starts: [Int32], factors: [Float], spread: Float
  ) {
    precondition(
      codes.count == scales.count * codec.width
        && (lengths.isEmpty || lengths.count == scales.count) && starts.count == tokens.count + 2
        && factors.count == 16, "a codebook of \(scales.count) centroids")
    self.codec = codec
    self.codes = codes
    self.scales = scales
    self.lengths = lengths
    self.tokens = tokens
    self.starts = starts
    self.factors = factors
    self.spread = spread
    let square = Self.halfSquares(codes, scales, width: codec.width).reduce(Float(0), max)
    longest = (2 * square).squareRoot() * (1 + 0x1p-20)
  }

  /// Buckets, factors and spread as they stand in one file.
  var numbers: [Float] { codec.cutoffs + codec.weights + factors + [spread] }

  /// Digest of everything.
  var digest: String {
    var bytes: [UInt8] = []
    func add<T>(_ values: [T]) { values.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    add(codes)
    add(scales)
    add(lengths)
    add(tokens)
    add(starts)
    add(numbers)
    return Checksum.xxh3Long(bytes)
  }

  /// The group of a token's vectors.
  func group(of token: Int32) -> Int {
    var (low, high) = (0, tokens.count)
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle] < token { low = middle + 1 } else { high = middle }
    }
    return low < tokens.count && tokens[low] == token ? low + 1 : 0
  }

  /// The centroids of a group.
  func centroids(_ group: Int) -> Range<Int> { Int(starts[group])..<Int(starts[group + 1]) }

  /// A centroid in single precision, into `target`.
  func decode(_ centroid: Int, into target: UnsafeMutablePointer<Float>) {
    codes.withUnsafeBufferPointer { codes in
      let scale = scales[centroid]
      let first = centroid * width
      for number in 0..<width { target[number] = Float(codes[first + number]) * scale }
    }
  }

  /// What each centroid's score is multiplied by to be that of a vector of the usual length in its
  /// direction; 1 for a centroid of length 0.
  var stretches: [Float] {
    if lengths.isEmpty { return [Float](repeating: 1, count: count) }
    return zip(lengths, halfSquares).map { length, half in
      half > 0 ? length / (2 * half).squareRoot() : 1
    }
  }

  /// Half of the square of each centroid's length, which a distance takes off its product.
  var halfSquares: [Float] { Self.halfSquares(codes, scales, width: width) }

  private static func halfSquares(_ codes: [Int8], _ scales: [Float], width: Int) -> [Float] {
    codes.withUnsafeBufferPointer { codes in
      scales.indices.map { centroid in
        // Whole numbers, which vectors of instructions add.
        var square = 0
        for first in stride(from: 0, to: width, by: 1 << 16) {
          var part: Int32 = 0
          for number in first..<min(width, first + (1 << 16)) {
            let code = Int32(codes[centroid * width + number])
            part &+= code * code
          }
          square += Int(part)
        }
        return Float(Double(square) * Double(scales[centroid]) * Double(scales[centroid]) / 2)
      }
    }
  }
}
