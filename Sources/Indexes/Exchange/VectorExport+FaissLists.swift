import Clustering
import Failures
import IndexFormat
import Kernels
import Streams
import Vectors

extension VectorExport {
  /// Writes an index of inverted lists as faiss has them: `IVF,Flat` of the vectors, with the same lists.
  ///
  /// - Parameter writer: Where it goes.
  /// - Throws: 65 where the index is damaged, 73 and 74 where the file cannot be written, 78 where it has
  ///   no vectors.
  func writeLists(_ writer: FaissWriter) throws(Failure) {
    let similarity = try Flat.similarity(folder.manifest.source, folder.path)
    let metric: FaissWriter.Metric = similarity == .l2 ? .distance : .innerProduct
    let count = folder.manifest.documents
    if similarity == .cosine {
      try writer.writeTransforms(1, dimension: dimension, count: count, metric)
      try writer.writeNormalization(dimension: dimension)
    }
    let segments = try ListedSegment.all(folder)
    try writer.writeHeader("IwFl", dimension: dimension, count: count, metric)
    try writer.writeQuantizer(
      segments[0].lists.codebook?.values ?? [], dimension: dimension, metric)
    try writeEntries(segments, size: 4 * dimension, writer) {
      segment, list, ordinals throws(Failure) in
      for start in stride(from: 0, to: ordinals.count, by: Self.rows) {
        let some = Array(ordinals[start..<min(start + Self.rows, ordinals.count)])
        guard case .dense(var values, let width) = try parts[segment].vectors(of: some) else {
          continue
        }
        if similarity == .cosine {
          DenseComparison.bringToUnitLength(&values, dimension: width, kernels)
        }
        try writer.write(values)
      }
    }
  }

  /// Writes product codes as faiss has them, behind their rotation: `OPQ,PQ` of a single list, or
  /// `OPQ,IVF,PQ`.
  ///
  /// Faiss has centroids of what its transform gives, and no factor beside codes: the lists' centroids
  /// are rotated, and the factor of all codes is in the quantiser's. Of a single list its centroid is,
  /// too, since faiss's `PQ` codes vectors themselves.
  ///
  /// - Parameter writer: Where it goes.
  /// - Throws: 65 where the index is damaged, 73 and 74 where the file cannot be written, 78 for codes that
  ///   faiss does not have.
  func writeProducts(_ writer: FaissWriter) throws(Failure) {
    let similarity = try Flat.similarity(folder.manifest.source, folder.path)
    let segments = try ListedSegment.all(folder)
    let codebook = try ListCodebook.of(folder.segments[0], kernels)
    guard let codebook, let quantizer = codebook.quantizer else {
      throw .config(folder.path, "the index has learned nothing that faiss could search with")
    }
    guard let factor = codebook.factor else {
      throw .config(
        folder.path,
        "its codes have factors of their own, which those of faiss do not have: of distances, and of "
          + "\(IVF.name)",
        hint: "--type \(IVFPQ.name) of products or cosines, or \(IVF.name) without codes")
    }
    let count = folder.manifest.documents
    let isPlain = folder.manifest.type == PQ.name
    let transforms = (similarity == .cosine ? 1 : 0) + (codebook.rotation == nil ? 0 : 1)
    if transforms > 0 {
      try writer.writeTransforms(transforms, dimension: dimension, count: count, .innerProduct)
    }
    if similarity == .cosine { try writer.writeNormalization(dimension: dimension) }
    if let rotation = codebook.rotation {
      try writer.writeRotation(rotation.rows, dimension: dimension)
    }
    let centroids =
      codebook.rotation?(codebook.centroids.values, kernels) ?? codebook.centroids.values
    let values = Self.entries(of: quantizer, factor, around: isPlain ? centroids : nil)
    let bits = quantizer.entries == 16 ? 4 : 8
    let size = (quantizer.parts * bits + 7) / 8
    let codes = try zip(folder.segments, segments).map { segment, listed throws(Failure) in
      try ListCodes(segment, listed.lists, kernels)
    }
    func write(_ segment: Int, _ list: Int, _ ordinals: [Int]) throws(Failure) {
      let start = segments[segment].lists.range(list).lowerBound
      for ordinal in ordinals {
        let code = codes[segment].code(ordinal, of: list, from: start)
        try writer.write(Array(code.bytes.prefix(size)))
      }
    }
    try writer.writeHeader(
      isPlain ? "IxPq" : "IwPQ", dimension: dimension, count: count, .innerProduct)
    if isPlain {
      try writer.writeProductQuantizer(
        values, dimension: dimension, parts: quantizer.parts, bits: bits)
      try writer.write(UInt64(count * size))
      for segment in segments.indices {
        try write(segment, 0, segments[segment].entries(of: 0).ordinals)
      }
      try writer.writePlainSearch(bits: 8 * size)
    } else {
      try writer.writeQuantizer(centroids, dimension: dimension, .innerProduct)
      try writer.write(UInt8(1))
      try writer.write(UInt64(size))
      try writer.writeProductQuantizer(
        values, dimension: dimension, parts: quantizer.parts, bits: bits)
      try writeEntries(segments, size: size, writer) { segment, list, ordinals throws(Failure) in
        try write(segment, list, ordinals)
      }
    }
  }

  /// What the codes of a quantiser stand for: its centroids times a factor, around a point where all
  /// codes are of what is left beside it.
  private static func entries(
    of quantizer: ProductQuantizer, _ factor: Float, around centre: [Float]?
  ) -> [Float] {
    var values = quantizer.values.map { $0 * factor }
    guard let centre else { return values }
    for place in values.indices {
      let part = place / (quantizer.entries * quantizer.width)
      values[place] += centre[part * quantizer.width + place % quantizer.width]
    }
    return values
  }

  /// Vectors that are in memory at a time.
  private static let rows = 256

  /// Writes all lists: their lengths, and of each what stands for its documents and their numbers.
  private func writeEntries(
    _ segments: [ListedSegment], size: Int, _ writer: FaissWriter,
    _ body: (Int, Int, [Int]) throws(Failure) -> Void
  ) throws(Failure) {
    let lists = segments[0].lists.count
    try writer.write(name: "ilar")
    try writer.write([UInt64(lists), UInt64(size)])
    try writer.write(name: "full")
    try writer.writeCounted(
      (0..<lists).map { list in
        UInt64(segments.reduce(0) { $0 + $1.entries(of: list).ordinals.count })
      })
    for list in 0..<lists {
      for (place, segment) in segments.enumerated() {
        try body(place, list, segment.entries(of: list).ordinals)
      }
      for segment in segments { try writer.write(segment.entries(of: list).numbers) }
    }
  }
}

/// A segment of inverted lists, and the numbers that its documents get behind those of others.
private struct ListedSegment {
  let lists: InvertedLists
  private let numbers: [Int32]

  /// - Throws: 65 where the files do not fit the manifest.
  static func all(_ folder: IndexFolder) throws(Failure) -> [ListedSegment] {
    var first = 0
    var all: [ListedSegment] = []
    for segment in folder.segments {
      all.append(
        ListedSegment(
          lists: try InvertedLists(segment), numbers: segment.renumbered(from: first)))
      first += segment.liveDocuments
    }
    return all
  }

  /// The documents of a list that are not deleted, and their numbers among all of the index.
  func entries(of list: Int) -> (ordinals: [Int], numbers: [Int64]) {
    guard list < lists.count else { return ([], []) }
    let live = lists.range(list).filter { numbers[$0] >= 0 }
    return (live, live.map { Int64(numbers[$0]) })
  }
}
