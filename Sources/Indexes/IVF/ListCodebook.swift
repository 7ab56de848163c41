import Clustering
import Failures
import IndexFormat
import Kernels
import LinearAlgebra
import Retrieval
import Streams
import Vectors

/// What inverted lists learn from a sample: centroids, and of product codes their quantiser.
struct ListCodebook: Sendable {
  var centroids: Centroids
  var quantizer: ProductQuantizer?
  var rotation: OptimizedRotation?
  /// What the products of all codes are multiplied by; nil where each has a factor of its own.
  var factor: Float?
  /// What the rotation was computed with, where it has just been learned.
  private(set) var library: String?

  init(_ centroids: Centroids) { self.centroids = centroids }

  /// What a segment has; nil where nothing was learned.
  ///
  /// - Throws: 65 where the files do not fit each other.
  static func of(_ segment: IndexSegment, _ kernels: Kernels) throws(Failure) -> ListCodebook? {
    guard let centroids = try InvertedLists(segment).codebook else { return nil }
    var codebook = ListCodebook(centroids)
    (codebook.quantizer, codebook.rotation) = try products(segment, centroids.dimension, kernels)
    codebook.factor = try factor(of: segment)
    return codebook
  }

  /// How a segment's codes are made; nil where it has none, or where nothing was learned.
  ///
  /// - Throws: 65 where the files do not fit each other.
  static func coder(
    of segment: IndexSegment, dimension: Int, _ kernels: Kernels
  ) throws(Failure) -> ResidualCoder? {
    guard segment.has(IVF.quantizer) else {
      return segment.has(IVF.estimates)
        ? .signs(RandomRotation(dimension: dimension, seed: segment.manifest.seed)) : nil
    }
    let (quantizer, rotation) = try products(segment, dimension, kernels)
    let factor = try factor(of: segment)
    return quantizer.map { .products($0, rotation, factor: factor) }
  }

  private static func factor(of segment: IndexSegment) throws(Failure) -> Float? {
    segment.has(IVF.factor) ? try numbers(segment, IVF.factor)[0] : nil
  }

  private static func products(
    _ segment: IndexSegment, _ dimension: Int, _ kernels: Kernels
  ) throws(Failure) -> (ProductQuantizer?, OptimizedRotation?) {
    guard segment.has(IVF.quantizer) else { return (nil, nil) }
    let tensor = try segment.tensor(IVF.quantizer)
    let (rows, width) = (tensor.entry.shape[0], tensor.entry.shape[1])
    if rows == 0 { return (nil, nil) }
    let parts = width > 0 ? dimension / width : 0
    let entries = parts > 0 ? rows / parts : 0
    guard parts * width == dimension, entries * parts == rows, entries == 16 || entries == 256
    else {
      throw .data(
        tensor.file.path,
        "damaged: a quantiser of \(rows) × \(width) numbers for dimension \(dimension)")
    }
    let values = try numbers(segment, IVF.quantizer)
    let rotation =
      segment.has(IVF.rotation)
      ? OptimizedRotation(try numbers(segment, IVF.rotation), dimension: dimension, kernels) : nil
    return (
      ProductQuantizer(values, parts: parts, entries: entries, dimension: dimension, kernels),
      rotation
    )
  }

  private static func numbers(
    _ segment: IndexSegment, _ file: IndexFile
  ) throws(Failure) -> [Float] {
    let column = try segment.column(file, as: Float.self)
    let values = (0..<column.count).map { column[$0] }
    guard values.allSatisfy({ $0.isFinite }) else {
      throw .data(segment.folder, "damaged: \(file.name) has a number that is not finite")
    }
    return values
  }

  /// How codes are made; nil for none.
  func coder(_ settings: ListDemands, seed: UInt64) -> ResidualCoder? {
    if settings.codes == Flat.bits {
      return .signs(RandomRotation(dimension: centroids.dimension, seed: seed))
    }
    return quantizer.map { .products($0, rotation, factor: factor) }
  }

  /// Learns centroids, and of product codes the quantiser.
  ///
  /// - Parameters:
  ///   - values: values[n, dimension], at least as many vectors as lists.
  ///   - dimension: Numbers of a vector.
  ///   - lists: How many centroids.
  ///   - similarity: What a score is.
  ///   - settings: What is asked for.
  ///   - work: What learns.
  /// - Returns: What was learned.
  /// - Throws: 65 for a number that is not finite, 78 where a rotation needs a library that is not
  ///   there.
  static func learned(
    from values: [Float], dimension: Int, lists: Int, _ similarity: Similarity,
    _ settings: ListDemands, _ work: IndexWork
  ) throws(Failure) -> ListCodebook {
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw .data(
        "the documents", "expected finite values, found \(values[place])")
    }
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: dimension, work.kernels)
    }
    let count = values.count / dimension
    let means = KMeans(
      lists, nearness: lists == 1 ? .distance : InvertedLists.nearness(similarity),
      sample: count / lists + 1, seed: work.seed)
    let outcome = values.withUnsafeBufferPointer { values in
      means(
        MatrixView(values.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension),
        work.kernels, work.pool)
    }
    // The mean of all, where there is one list.
    var codebook = ListCodebook(
      Centroids(
        outcome.centroids.values, dimension: dimension,
        nearness: InvertedLists.nearness(similarity)))
    try codebook.learnProducts(values, similarity, settings, work)
    return codebook
  }

  /// Writes the quantiser and the rotation of product codes; what stands for them where nothing was
  /// learned.
  ///
  /// - Throws: 64 for parts of unequal size; 73 and 74 where files cannot be written.
  static func writeProducts(
    _ codebook: ListCodebook?, _ settings: ListDemands, _ writer: IndexWriter, width: Int
  ) throws(Failure) {
    guard settings.entries != nil else { return }
    let parts = try settings.parts(of: width)
    let quantizer = try writer.create(IVF.quantizer, columns: width / parts)
    if let learned = codebook?.quantizer { try quantizer.append(numbers: learned.values) }
    if let factor = codebook?.factor { try writer.create(IVF.factor).append(numbers: [factor]) }
    guard settings.isRotated else { return }
    let rotation = try writer.create(IVF.rotation, columns: width)
    // Nothing was learned of no documents.
    let identity = (0..<width * width).map { $0 / width == $0 % width ? Float(1) : 0 }
    try rotation.append(numbers: codebook?.rotation?.rows ?? identity)
  }

  /// Learns the quantiser of what is left of vectors without their centroids.
  ///
  /// - Parameters:
  ///   - values: values[n, dimension]; of unit length where cosines are asked for.
  ///   - similarity: What a score is.
  ///   - settings: What is asked for.
  ///   - work: What learns.
  /// - Throws: 78 where the rotation needs a library that is not there.
  mutating func learnProducts(
    _ values: [Float], _ similarity: Similarity, _ settings: ListDemands, _ work: IndexWork
  ) throws(Failure) {
    guard let entries = settings.entries else { return }
    let dimension = centroids.dimension
    let count = values.count / dimension
    // More than faiss looks at tell nothing more.
    let step = max(1, count / (256 * entries))
    let assigned = values.withUnsafeBufferPointer { values in
      CentroidSearch(centroids, work.kernels).assign(
        MatrixView(values.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension), work.pool
      ).centroids
    }
    var rest: [Float] = []
    for row in stride(from: 0, to: count, by: step) {
      let centroid = Int(assigned[row]) * dimension
      for i in 0..<dimension {
        rest.append(values[row * dimension + i] - centroids.values[centroid + i])
      }
    }
    let parts = try settings.parts(of: dimension)
    if settings.isRotated {
      let algebra = try LinearAlgebra()
      library = algebra.words
      let learned = try OptimizedRotation.learned(
        from: rest, dimension: dimension, parts: parts, entries: entries, seed: work.seed,
        algebra, work.kernels, work.pool)
      (rotation, quantizer) = (learned.rotation, learned.quantizer)
    } else {
      quantizer = rest.withUnsafeBufferPointer { rest in
        ProductQuantizer.learned(
          from: MatrixView(
            rest.baseAddress.unsafelyUnwrapped, rows: rest.count / dimension, columns: dimension),
          parts: parts, entries: entries, rounds: 25, seed: work.seed, work.kernels, work.pool)
      }
    }
    if settings.sharesFactor, similarity != .l2 { factor = factor(of: rest, work) }
  }

  /// What makes products of codes as large as those of vectors on the whole: codes are shorter than what
  /// they stand for.
  private func factor(of rest: [Float], _ work: IndexWork) -> Float {
    guard let quantizer else { return 1 }
    let rotated = rotation?(rest, work.kernels) ?? rest
    let decoded = quantizer.decoded(
      rotated.withMatrix(columns: quantizer.dimension) { quantizer.codes(of: $0, work.pool) })
    var (square, product) = (0.0, 0.0)
    for (x, y) in zip(rotated, decoded) {
      square += Double(x) * Double(x)
      product += Double(x) * Double(y)
    }
    return product > square / 8 ? Float(square / product) : 1
  }

  /// Digest of everything that was learned, by which indexes are told to go together.
  var digest: String {
    let numbers =
      centroids.values + (quantizer?.values ?? []) + (rotation?.rows ?? [])
      + (factor.map { [$0] } ?? [])
    return numbers.withUnsafeBytes { Checksum.xxh3Long(Array($0)) }
  }
}
