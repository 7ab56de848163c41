import Failures
import IndexFormat
import Kernels
import Tensors
import Vectors

/// Documents' own vectors, as a walk compares them.
///
/// Unchecked: the pointers lead into files that are kept mapped, and nobody writes there.
struct HNSWVectors: @unchecked Sendable {
  private let similarity: Similarity
  private let rows: GraphRowVectors
  private let longest: Float
  /// What products are multiplied by, of cosines.
  private let factors: MappedColumn<Float>?
  private let kernels: Kernels

  /// - Throws: 65 where the files do not fit the manifest.
  init(_ segment: IndexSegment, _ kernels: Kernels) throws(Failure) {
    self.kernels = kernels
    similarity = try Flat.similarity(segment.manifest.source, segment.folder)
    rows = try GraphRowVectors(segment, (HNSW.vectors, HNSW.scales), kernels)
    factors =
      similarity == .cosine ? try segment.column(HNSW.factors, as: Float.self) : nil
    longest = try FlatCodes.longest(segment)
  }

  /// How far a distance of a query may be from what it stands for; nil for a query whose distances
  /// overflow, or do not tell documents apart.
  func rounding(_ values: ArraySlice<Float>) -> ((_ distance: Float) -> Float)? {
    guard longest < 0x1p40, longest > 0x1p-40 else { return nil }
    let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard length < 0x1p40, similarity == .l2 || length > 0x1p-40 else { return nil }
    let unit = Float(values.count + 8) * 0x1p-22
    let product = unit * Float(length) * (similarity == .cosine ? 1 : longest)
    let isEuclidean = similarity == .l2
    return { isEuclidean ? unit * $0 : product }
  }

  /// Distances of a query, whose numbers must live as long as they are used.
  func distances(_ query: UnsafeBufferPointer<Float>) -> Distances {
    Distances(
      similarity: similarity, query: query.baseAddress.unsafelyUnwrapped, rows: rows,
      factors: factors, kernels: kernels, scratch: rows.scratch)
  }

  /// Distances of a query and documents by their own vectors: squares, or products with the other sign.
  struct Distances: LayerDistances {
    let similarity: Similarity
    let query: UnsafePointer<Float>
    let rows: GraphRowVectors
    let factors: MappedColumn<Float>?
    let kernels: Kernels
    let scratch: AlignedBuffer?

    @inline(__always)
    func callAsFunction(
      _ count: Int, at vertices: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Float>
    ) {
      if let base = rows.base {
        compare(count, base, at: vertices, into: out)
      } else {
        var place: Int32 = 0
        for i in 0..<count {
          compare(1, rows.row(Int(vertices[i]), scratch), at: &place, into: out + i)
        }
      }
      if similarity == .l2 { return }
      for i in 0..<count { out[i] = -out[i] }
      guard let factors else { return }
      for i in 0..<count { out[i] *= factors[Int(vertices[i])] }
    }

    @inline(__always)
    private func compare(
      _ count: Int, _ base: UnsafePointer<Float>, at places: UnsafePointer<Int32>,
      into out: UnsafeMutablePointer<Float>
    ) {
      if similarity == .l2 {
        kernels.squaredDistances(count, width: rows.width, query, base, at: places, into: out)
      } else {
        kernels.products(count, width: rows.width, query, base, at: places, into: out)
      }
    }

    @inline(__always)
    func fetch(_ vertex: Int) { rows.fetch(vertex, 128) }
  }
}
