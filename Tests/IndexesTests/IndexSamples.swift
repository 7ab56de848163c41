import Failures
import IndexFormat
import Indexes
import Kernels
import Records
import Retrieval
import Streams
import Tensors
import TestSupport
import Vectors
import Workers

/// Documents and queries for a type of index, whatever it takes: small numbers on a grid, so that
/// scores tie.
struct IndexSample {
  /// The types of this release and one that none has.
  static let types = IndexTypes.all + [WordOverlap.self as any IndexType.Type]

  let type: any IndexType.Type
  let folder: TemporaryFolder
  let documents: Int

  init(_ type: any IndexType.Type, documents: Int = 61) throws {
    self.type = type
    self.documents = documents
    folder = try TemporaryFolder()
    try writeDocuments("whole", 0..<documents)
  }

  /// A number from 0 up to `limit` that looks drawn.
  private static func draw(_ row: Int, _ column: Int, _ limit: Int) -> Int {
    Int(Checksum.xxh3(Array("\(row) \(column)".utf8)) % UInt64(limit))
  }

  static func id(_ row: Int) -> [UInt8] { Array("d\(row * 37 % 101)".utf8) }

  private static let vocabulary = 12
  private static let width = 4

  private static func dense(_ row: Int) -> [Float] {
    (0..<width).map { Float(draw(row, $0, 5) - 2) }
  }

  private static func sparse(_ row: Int) -> SparseVector {
    let terms = (0..<vocabulary).filter { draw(row, $0, 3) == 0 }
    return SparseVector(
      indices: terms.map { Int32($0) }, values: terms.map { Float(draw(row, $0 + 50, 4)) })
  }

  /// Up to three vectors of tokens, beside one of the text.
  private static func vectors(_ row: Int) -> VectorSet {
    var set = VectorSet()
    for item in 0..<1 + draw(row, 90, 3) {
      set.ids.append(Int32(draw(row, 60 + item, 4)))
      set.values += (0..<width).map { Float(draw(row, 10 * item + $0, 5) - 2) }
    }
    set.cls = [Float(draw(row, 95, 3) - 1), 1]
    return set
  }

  private static func text(_ row: Int) -> [UInt8] {
    Array((0..<6).map { "w\(draw(row, $0, 9))" }.joined(separator: " ").utf8)
  }

  private var kind: StreamKind? {
    if case .vectors(let kinds) = type.takes { kinds[0] } else { nil }
  }

  /// Writes documents to a file of the form that the type takes.
  func writeDocuments(_ name: String, _ rows: Range<Int>, shard: String? = nil) throws {
    try writeDocuments(name, rows.map { (id: $0, content: $0) }, shard: shard)
  }

  /// Writes documents with the id of one number and the content of another.
  func writeDocuments(
    _ name: String, _ rows: [(id: Int, content: Int)], shard: String? = nil
  ) throws {
    switch kind {
    case nil:
      let lines = rows.map { Self.id($0.id) + [0x09] + Self.text($0.content) + [0x0A] }
      // Not one byte is no collection, unless it is compressed.
      let output = try ByteWriter(
        folder(name), compression: lines.isEmpty ? .zstd(level: 1) : Compression.none)
      try output.write(lines.flatMap { $0 })
      try output.finishText(records: lines.count, provenance: nil)
    case .dense:
      try writeStream(
        folder(name), .dense(.f32, dimension: Self.width), dimension: Self.width, shard: shard,
        rows.map { (Self.id($0.id), 1, [bytes(Self.dense($0.content))]) })
    case .sparse:
      try writeStream(
        folder(name), .sparse, dimension: Self.vocabulary, shard: shard,
        rows.map {
          let vector = Self.sparse($0.content)
          return (
            Self.id($0.id), vector.indices.count, [bytes(vector.indices), bytes(vector.values)]
          )
        })
    case .multivector:
      try writeStream(
        folder(name), .multivector(.f32, dimension: Self.width, withTokens: true),
        dimension: Self.width, shard: shard,
        rows.map {
          let set = Self.vectors($0.content)
          return (Self.id($0.id), set.ids.count, [bytes(set.values), bytes(set.ids)])
        })
    case .coil:
      try writeStream(
        folder(name), .coil(clsDimension: 2, dimension: Self.width), dimension: Self.width,
        shard: shard,
        rows.map {
          let set = Self.vectors($0.content)
          return (
            Self.id($0.id), set.ids.count, [bytes(set.cls), bytes(set.values), bytes(set.ids)]
          )
        })
    default: throw Failure(.software, "no sample for \(type.name)")
    }
  }

  /// Queries of the form that the index takes.
  var queries: Embeddings {
    let rows = 1000..<1007
    return switch kind {
    case .dense: .dense(rows.flatMap(Self.dense), dimension: Self.width)
    case .sparse: .sparse(rows.map(Self.sparse))
    case .multivector:
      .vectors(
        rows.map {
          var set = Self.vectors($0)
          set.cls = []
          return set
        }, VectorShape(width: Self.width, hasTokens: true))
    case .coil:
      .vectors(rows.map(Self.vectors), VectorShape(cls: 2, width: Self.width, hasTokens: true))
    default: .texts(rows.map(Self.text))
    }
  }

  /// Documents of some of the files.
  func input(_ files: [String]) -> DocumentInput {
    let operands = files.map { folder($0) }
    return kind == nil ? .texts(operands, RecordOptions()) : .streams(operands)
  }

  /// Builds an index of some of the files.
  @discardableResult
  func build(
    _ target: String, of files: [String] = ["whole"], _ given: [IndexArguments.Given] = [],
    threads: Int = 1
  ) throws -> Int {
    let build = IndexBuild(
      folder(target), type: type, of: Self.types, given: given,
      IndexWork(Kernels(), WorkerPool(threads: threads)))
    return try build.run(input(files))
  }

  /// Builds an index of some of the files; of a type that learns, with what another index has learned.
  func build(_ target: String, of files: [String], like other: String) throws {
    let index = try IndexFolder(folder(other))
    let learned = index.manifest.codebook == nil ? nil : index
    let build = IndexBuild(
      folder(target), type: type, of: Self.types, codebook: learned,
      IndexWork(Kernels(), WorkerPool(threads: 1)))
    _ = try build.run(input(files))
  }

  func open(
    _ name: String, _ given: [IndexArguments.Given] = [], threads: Int = 1
  ) throws -> any SearchableIndex {
    try IndexTypes.open(
      IndexFolder(folder(name)), given, IndexWork(Kernels(), WorkerPool(threads: threads)),
      among: Self.types
    ).index
  }

  /// Request for the `k` best documents of all queries.
  func request(k: Int) -> SearchRequest {
    SearchRequest(
      ids: (0..<queries.count).map { Array("q\($0)".utf8) }, queries: queries, k: k)
  }
}
