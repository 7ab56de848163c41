import IndexFormat
import Indexes
import Kernels
import Retrieval
import Tensors
import TestSupport
import Vectors
import Workers

/// Documents and queries of several vectors a text that are hard to score, each in its own way.
enum VectorSample: String, CaseIterable {
  case gaussian, equal, nearlyEqual, zeros, denormals, huge, mixed, grid

  /// Some texts: of no vector, of one, of many, and of usual numbers of them.
  func sets(_ count: Int, _ width: Int, seed: UInt64, cls: Int? = nil) -> [VectorSet] {
    var random = CounterRandom(seed: seed)
    func number() -> Float { Float(Int(random.next() >> 40) - 1 << 23) * 0x1p-22 }
    let one = (0..<width).map { _ in number() }
    func row(_ place: Int) -> [Float] {
      switch self {
      case .gaussian:
        return (0..<width).map { _ in (0..<4).reduce(Float(0)) { sum, _ in sum + number() } }
      case .equal: return one
      // Scores that differ in their last bits, if at all.
      case .nearlyEqual:
        return one.enumerated().map { $0 == place % width ? $1.nextUp : $1 }
      case .zeros:
        return place % 3 == 0 ? one : [Float](repeating: place % 3 == 1 ? 0 : -0.0, count: width)
      case .denormals: return (0..<width).map { _ in number() * 0x1p-140 }
      case .huge: return (0..<width).map { _ in number() * 0x1p62 }
      case .mixed:
        let size = Float(sign: .plus, exponent: place % 41 - 20, significand: 1)
        return (0..<width).map { _ in number() * size }
      case .grid: return (0..<width).map { _ in Float(random.next() % 3) - 1 }
      }
    }
    return (0..<count).map { text in
      var set = VectorSet()
      let items =
        switch self {
        case .equal: 3
        default:
          switch text % 50 {
          case 7: 0
          case 8: 1
          case 9: 70
          default: 1 + Int(random.next() % 12)
          }
        }
      for item in 0..<items {
        set.values += row(text * 3 + item)
        set.ids.append(Int32(random.next() % 9) * 1000)
      }
      if let cls { set.cls = (0..<cls).map { _ in number() } }
      return set
    }
  }
}

/// Writes texts of several vectors as a stream of documents.
func writeVectors(
  _ path: String, _ sets: [VectorSet], _ shape: VectorShape, _ type: ElementType = .f32,
  similarity: String = "dot", aggregation: String? = nil, shard: String? = nil, from first: Int = 0
) throws {
  let schema: StreamSchema =
    if let cls = shape.cls {
      .coil(clsDimension: cls, dimension: shape.width)
    } else { .multivector(type, dimension: shape.width, withTokens: shape.hasTokens) }
  let codec = RowCodec(type, Kernels())
  try writeStream(
    path, schema, dimension: shape.width, similarity: similarity, aggregation: aggregation,
    shard: shard,
    sets.enumerated().map { place, set in
      var columns: [[UInt8]] = [[]]
      if type == .i8 { columns.append([]) }
      for start in stride(from: 0, to: set.values.count, by: shape.width) {
        let (values, scale) = codec.encode(Array(set.values[start..<start + shape.width]))
        columns[0] += values
        if let scale { columns[1] += bytes([scale]) }
      }
      if shape.hasTokens { columns.append(bytes(set.ids)) }
      if shape.cls != nil { columns.insert(bytes(set.cls), at: 0) }
      return (descendingID(first + place), set.values.count / shape.width, columns)
    })
}

/// A document that was found, and the bits of its score.
struct Hit: Equatable {
  let ordinal: Int
  let bits: UInt32

  var score: Float { Float(bitPattern: bits) }
}

/// The best documents of each query by the scores of `EmbeddingComparison`, one pair at a time;
/// nothing where a score is no finite number.
func bruteForce(
  _ queries: [VectorSet], _ docs: [VectorSet], _ shape: VectorShape, _ similarity: Similarity,
  _ aggregations: Aggregations, k: Int
) throws -> [[Hit]]? {
  let comparison = EmbeddingComparison(
    similarity, aggregations: (aggregations.query, aggregations.doc), place: "", Kernels())
  var results: [[Hit]] = []
  for (query, set) in queries.enumerated() {
    let scores = try comparison.scores(
      .vectors(queries, shape), query, .vectors(docs, shape), Array(docs.indices)[...])
    var found: [(ordinal: Int, score: Float)] = []
    for (ordinal, score) in scores.enumerated() {
      // A maximum over nothing is no score.
      if set.values.isEmpty
        ? aggregations.query == .max
        : docs[ordinal].values.isEmpty && aggregations.doc == .max
      {
        continue
      }
      if !score.isFinite { return nil }
      found.append((ordinal, score))
    }
    // Ids descend with ordinals, and of equal scores the larger id comes first.
    found.sort { $0.score != $1.score ? $0.score > $1.score : $0.ordinal < $1.ordinal }
    results.append(found.prefix(k).map { Hit(ordinal: $0.ordinal, bits: $0.score.bitPattern) })
  }
  return results
}

/// What a search finds, as `bruteForce` has it.
func searchVectors(
  _ index: any SearchableIndex, _ queries: [VectorSet], _ shape: VectorShape, k: Int
) throws -> [[Hit]] {
  let found = try index.search(
    SearchRequest(
      ids: queries.indices.map { Array("q\($0)".utf8) }, queries: .vectors(queries, shape), k: k))
  return found.map { $0.map { Hit(ordinal: Int($0.ordinal), bits: $0.score.bitPattern) } }
}
