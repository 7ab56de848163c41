import Clustering
import Kernels
import Retrieval
import Vectors
import Workers

/// Makes the codebook of a collection from a sample of its documents.
struct PlaidTraining {
  let width: Int
  let similarity: Similarity
  let bits: Int
  /// Centroids that are wanted; nil for as many as the size of the collection asks for.
  let centroids: Int?
  let rounds: Int
  /// Whether frequent tokens have centroids of their own.
  let usesTokens: Bool
  let work: IndexWork

  /// The largest number of centroids that the size of a collection asks for: their numbers have two
  /// bytes.
  static let mostCentroids = 1 << 16
  /// Vectors that buckets are learned from, at most and as a share of all (ColBERT,
  /// `collection_indexer.py`, `_concatenate_and_split_sample`).
  private static let heldOut = (most: 50_000, share: 20)
  /// Fewer vectors than these are not split.
  private static let fewest = 2000

  /// As many centroids as vectors ask for: 16 times their root, a power of two (ColBERT,
  /// `collection_indexer.py`, `setup`), at most `mostCentroids`.
  static func usualCentroids(vectors: Double) -> Int {
    guard vectors > 0 else { return 1 }
    return min(mostCentroids, 1 << max(0, Int((16 * vectors.squareRoot()).logarithm)))
  }

  /// - Parameters:
  ///   - sample: Documents that were drawn.
  ///   - documents: How many there are in all.
  /// - Returns: What is learned.
  func codebook(_ sample: [VectorSet], of documents: Int) -> PlaidCodebook {
    let sound = sample.filter { $0.values.allSatisfy(\.isFinite) }
    var values: [Float] = []
    var tokens: [Int32] = []
    // Growing by and by would take up to twice the memory.
    values.reserveCapacity(sound.reduce(0) { $0 + $1.values.count })
    for set in sound {
      values += set.values
      if usesTokens { tokens += set.ids }
    }
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, work.kernels)
    }
    let count = values.count / width
    if tokens.count != count { tokens = [] }
    let perDocument = Double(count) / Double(max(sample.count, 1))
    let wanted = centroids ?? Self.usualCentroids(vectors: perDocument * Double(documents))
    let held = heldOut(count)
    Self.bringBack(held, rows: count, of: &values)
    if !tokens.isEmpty { Self.bringBack(held, rows: count, of: &tokens) }
    return values.withUnsafeBufferPointer { values in
      let base = values.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped
      let all = MatrixView(base, rows: count, columns: width)
      let first = count - held.count
      let learned = learn(all.rows(0..<first), Array(tokens.prefix(first)), wanted)
      // A small sample serves for both.
      let tested = held.isEmpty ? 0..<count : first..<count
      return finish(
        learned, all.rows(tested), tokens.isEmpty ? [] : Array(tokens[tested]))
    }
  }

  /// Moves some rows behind all others, which stay in order as they do.
  private static func bringBack<Number>(
    _ held: [Int32], rows count: Int, of numbers: inout [Number]
  ) {
    guard let first = held.first else { return }
    let width = numbers.count / count
    var back: [Number] = []
    back.reserveCapacity(held.count * width)
    for row in held { back += numbers[Int(row) * width..<(Int(row) + 1) * width] }
    numbers.withUnsafeMutableBufferPointer { numbers in
      var (place, next) = (Int(first), 0)
      for row in Int(first)..<count {
        if next < held.count, Int(held[next]) == row {
          next += 1
          continue
        }
        for column in 0..<width { numbers[place * width + column] = numbers[row * width + column] }
        place += 1
      }
      for (offset, number) in back.enumerated() { numbers[place * width + offset] = number }
    }
  }

  /// Places of vectors that no centroid is learned from; none of a small sample.
  private func heldOut(_ count: Int) -> [Int32] {
    if count < Self.fewest { return [] }
    return IndexBuild.chosen(
      min(Self.heldOut.most, count / Self.heldOut.share), of: count, seed: work.seed
    ).map { Int32($0) }
  }

  /// Centroids in groups.
  private func learn(
    _ vectors: MatrixView, _ tokens: [Int32], _ wanted: Int
  ) -> (values: [Float], tokens: [Int32], starts: [Int32]) {
    let budget = CentroidBudget(
      vectors, tokens: tokens, total: min(wanted, max(vectors.rows, 1)))
    var values: [Float] = []
    var (names, starts): ([Int32], [Int32]) = ([], [0])
    for group in budget.groups {
      values += centroids(of: group, vectors)
      if let token = group.token { names.append(token) }
      starts.append(Int32(values.count / width))
    }
    return (values, names, starts)
  }

  /// The centroids of a group.
  private func centroids(of group: CentroidBudget.Group, _ vectors: MatrixView) -> [Float] {
    if group.members.isEmpty { return [Float](repeating: 0, count: width) }
    let means = KMeans(group.centroids, rounds: rounds, seed: work.seed)
    if group.members.count == vectors.rows {
      return means(vectors, work.kernels, work.pool).centroids.values
    }
    let gathered = AlignedBuffer(count: group.members.count * width)
    for (place, row) in group.members.enumerated() {
      (gathered.pointer + place * width).update(
        from: vectors.base + Int(row) * width, count: width)
    }
    let matrix = gathered.matrix(rows: group.members.count, columns: width).view
    return withExtendedLifetime(gathered) {
      means(matrix, work.kernels, work.pool).centroids.values
    }
  }

  /// Buckets and factors, from vectors that were held out.
  private func finish(
    _ learned: (values: [Float], tokens: [Int32], starts: [Int32]), _ held: MatrixView,
    _ tokens: [Int32]
  ) -> PlaidCodebook {
    var (codes, scales): ([Int8], [Float]) = ([], [])
    learned.values.withUnsafeBufferPointer { values in
      for first in stride(from: 0, to: values.count, by: width) {
        let code = ByteCode(UnsafeBufferPointer(rebasing: values[first..<first + width]))
        codes += code.codes
        scales.append(code.scale)
      }
    }
    let none = [Float](repeating: 1, count: 16)
    func made(
      _ codec: ResidualCodec, lengths: [Float]? = nil, _ factors: [Float] = none,
      _ spread: Float = 0
    ) -> PlaidCodebook {
      PlaidCodebook(
        codec: codec, codes: codes, scales: scales,
        lengths: lengths ?? [Float](repeating: 0, count: scales.count), tokens: learned.tokens,
        starts: learned.starts, factors: factors, spread: spread)
    }
    let first = made(ResidualCodec(bits: bits, width: width, residuals: []))
    let coder = VectorCoder(first, work.kernels)
    let (numbers, residuals) = coder.residuals(held, tokens: tokens, work.pool)
    let codec = ResidualCodec(bits: bits, width: width, residuals: residuals)
    let square = residuals.reduce(0.0) { $0 + Double($1) * Double($1) }
    let spread = Float(square / Double(max(held.rows, 1)))
    let second = VectorCoder(made(codec), work.kernels)
    let ratios = second.ratios(held, numbers, residuals).sorted()
    return made(
      codec, lengths: Self.lengths(held, numbers, of: scales.count), FactorCode.learned(ratios),
      spread)
  }

  /// The mean length of the vectors of each centroid; of a centroid without any, that of all.
  private static func lengths(
    _ vectors: MatrixView, _ centroids: [Int32], of count: Int
  ) -> [Float] {
    var sums = [Double](repeating: 0, count: count)
    var members = [Int](repeating: 0, count: count)
    for row in 0..<vectors.rows {
      let own = vectors.base + row * vectors.stride
      let square = (0..<vectors.columns).reduce(0.0) { $0 + Double(own[$1]) * Double(own[$1]) }
      sums[Int(centroids[row])] += square.squareRoot()
      members[Int(centroids[row])] += 1
    }
    let mean = sums.reduce(0, +) / Double(max(vectors.rows, 1))
    return zip(sums, members).map { Float($1 > 0 ? $0 / Double($1) : mean) }
  }
}

extension Double {
  /// The binary logarithm, rounded down, of a number from 1 up.
  fileprivate var logarithm: Int { self < 1 ? 0 : Int(exponent) }
}
