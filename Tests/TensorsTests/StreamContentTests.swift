import Failures
import Streams
import Tensors
import TestSupport
import Testing

/// Streams whose checksums fit and whose contents do not.
struct StreamContentTests {
  private static func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  /// Failure that reading a member of these records ends with; nil if there is none.
  private static func failure(
    _ schema: StreamSchema, role: Role = .doc, dim: Int?, _ records: [SampleRecord]
  ) throws -> Failure? {
    let folder = try TemporaryFolder()
    var description = StreamDescription(role: role)
    description.dim = dim
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: Compression.none), schema: schema,
      description: description)
    for record in records { try writer.append(record) }
    try writer.finish()
    return StreamReading.failure(folder("s"))
  }

  private static func sparse(_ terms: [Int32], _ values: [Float]) -> [SampleRecord] {
    [
      SampleRecord(id: [0x61], items: 0, columns: [[], []]),
      SampleRecord(id: [0x62], items: terms.count, columns: [bytes(terms), bytes(values)]),
    ]
  }

  @Test func sparseTerms() throws {
    #expect(try Self.failure(.sparse, dim: 10, Self.sparse([0, 9], [1, -1])) == nil)
    for terms in [[3, 1], [3, 3], [-1, 2], [2, 10], [.max, 1]] as [[Int32]] {
      let failure = try Self.failure(.sparse, dim: 10, Self.sparse(terms, [1, 1]))
      #expect(failure?.status == .data, "\(terms)")
      #expect(failure?.place?.hasSuffix(": record 1") == true, "\(terms)")
    }
    for value in [Float.nan, .infinity, -.infinity] {
      let failure = try Self.failure(.sparse, dim: 10, Self.sparse([1, 2], [1, value]))
      #expect(failure?.status == .data)
      #expect(failure?.message == "expected finite values, found \(value)")
    }
  }

  @Test func dimensions() throws {
    for dim in [nil, -5, 0, (1 << 24) + 1, 1 << 31, .max] as [Int?] {
      #expect(try Self.failure(.sparse, dim: dim, Self.sparse([], []))?.status == .data)
    }
    #expect(try Self.failure(.sparse, dim: 1 << 24, Self.sparse([], [])) == nil)
    let record = SampleRecord(id: [0x61], items: 1, columns: [Self.bytes([Float(1), 2])])
    for schema in [
      StreamSchema.dense(.f32, dimension: 2), .multivector(.f32, dimension: 2, withTokens: false),
    ] {
      #expect(try Self.failure(schema, dim: 2, [record]) == nil)
      for dim in [nil, 0, 1, 4] as [Int?] {
        let failure = try Self.failure(schema, dim: dim, [record])
        #expect(failure?.status == .data)
        #expect(failure?.message.contains("expected lir.dim 2") == true)
      }
    }
  }

  @Test func widthsAndElementTypes() throws {
    let none = SampleRecord(id: [0x61], items: 1, columns: [[]])
    #expect(
      try Self.failure(.dense(.f32, dimension: 0), dim: 0, [none])?.status == .data)
    #expect(
      try Self.failure(.multivector(.f32, dimension: 0, withTokens: false), dim: 0, [none])?.status
        == .data)
    for type in [ElementType.i64, .bool, .u8, .f64] {
      let record = SampleRecord(
        id: [0x61], items: 1, columns: [[UInt8](repeating: 0, count: 2 * type.size)])
      #expect(
        try Self.failure(.dense(type, dimension: 2), dim: 2, [record])?.status == .data)
    }
  }

  @Test func ids() throws {
    func failure(_ id: String, _ role: Role) throws -> Failure? {
      try Self.failure(
        .sparse, role: role, dim: 2,
        [SampleRecord(id: Array(id.utf8), items: 0, columns: [[], []])])
    }
    for id in ["", "a b", " ", "a\n", "a\u{0}", "a\r", "\u{b}", "a\tb\tc"] {
      for role in [Role.query, .doc, .pair] {
        let found = try failure(id, role)
        #expect(found?.status == .data)
        #expect(found?.message.hasPrefix("expected an id") == true)
      }
    }
    #expect(try failure("q\td", .doc)?.status == .data)
    #expect(try failure("q\td", .pair) == nil)
    #expect(try failure("é\u{a0}", .doc) == nil)
  }

  /// 1025 records in one segment.
  @Test func recordsOfASegment() throws {
    let count = 1025
    var data = Self.bytes((0...count).map { Int64($0) })
    data += [UInt8](repeating: 0x61, count: count)
    data += [UInt8](repeating: 0, count: count)
    let header = SafeTensorsHeader.encode(
      metadata: [
        "lir.format": "1", "lir.kind": "dense", "lir.role": "doc", "lir.first": "0",
        "lir.records": "\(count)", "lir.dim": "1", "lir.xxh3": "0000000000000000",
      ],
      tensors: [
        ("id_offsets", .i64, [count + 1]), ("ids", .u8, [count]), ("embeddings", .i8, [count, 1]),
      ])
    var segment = RawSegment(header: Array(header[8...]), data: data)
    segment.seal()
    let failure = try StreamReading(segment.bytes).failure
    #expect(failure?.message == "expected at most 1024 records in a segment, found 1025")
  }
}
