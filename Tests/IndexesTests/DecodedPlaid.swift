import IndexFormat
import Indexes
import Retrieval
import Tensors
import Vectors

/// What a PLAID index of one segment holds, decoded number by number as the manual has it.
struct DecodedPlaid {
  /// Vectors of all documents, and the centroid of each.
  private(set) var documents: [[(centroid: Int, values: [Float])]] = []
  private(set) var centroids: [[Float]] = []
  /// The mean length of the vectors of each.
  private(set) var lengths: [Float] = []
  /// Documents of each centroid, which the lists hold in another form.
  private(set) var members: [Set<Int>] = []
  /// What the numbers of each bucket are decoded as, and the numbers between buckets.
  private(set) var means: [Float] = []
  private(set) var cutoffs: [Float] = []
  /// Vectors of each centroid.
  private(set) var sizes: [Int] = []

  init(_ folder: String) throws {
    let index = try IndexFolder(folder)
    let segment = index.segments[0]
    func numbers<T: BitwiseCopyable>(_ name: String, _ type: T.Type) throws -> [T] {
      let file = Plaid.files.first { $0.name == name }
      let tensor = try segment.tensor(file ?? Plaid.files[0])
      return tensor.bytes.indices.filter { $0 % MemoryLayout<T>.stride == 0 }.map {
        tensor.bytes.loadUnaligned(fromByteOffset: $0, as: type)
      }
    }
    let width = index.manifest.source.dimension ?? 0
    let bits = Int(index.manifest.parameter("n-bits") ?? "") ?? 0
    let scales = try numbers("centroids.scales", Float.self)
    let steps = try numbers("centroids", Int8.self)
    centroids = scales.indices.map { centroid in
      (0..<width).map { Float(steps[centroid * width + $0]) * scales[centroid] }
    }
    lengths = try numbers("centroids.lengths", Float.self)
    let learned = try numbers("buckets", Float.self)
    let buckets = 1 << bits
    cutoffs = Array(learned[..<(buckets - 1)])
    let weights = Array(learned[buckets - 1..<2 * buckets - 1])
    means = weights
    let factors = Array(learned[2 * buckets - 1..<2 * buckets + 15])
    let largest = weights.map(\.magnitude).max() ?? 0
    let levels = weights.map {
      largest == 0 ? 0 : ($0 / (largest / 127)).rounded() * (largest / 127)
    }
    let ids = try numbers("centroids.numbers", UInt16.self)
    let residuals = try numbers("residuals", UInt8.self)
    let halves = try numbers("factors", UInt8.self)
    let offsets = try numbers("vectors.offsets", Int64.self)
    let size = (width * bits + 7) / 8
    members = Array(repeating: [], count: centroids.count)
    sizes = Array(repeating: 0, count: centroids.count)
    for document in 0..<offsets.count - 1 {
      documents.append(
        (Int(offsets[document])..<Int(offsets[document + 1])).map { row in
          let centroid = Int(ids[row])
          members[centroid].insert(document)
          sizes[centroid] += 1
          let factor = factors[Int(halves[row / 2]) >> (row % 2 * 4) & 15]
          return (
            centroid,
            (0..<width).map { number in
              let byte = Int(residuals[row * size + number % size])
              let level = byte >> (number / size * bits) & (buckets - 1)
              return (centroids[centroid][number] + levels[level]) * factor
            }
          )
        })
    }
  }

  static func product(_ a: ArraySlice<Float>, _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
